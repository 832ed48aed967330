import { add, type Decimal, multiply, parseDecimal, ZERO } from '../../core/decimal.ts';
import type { MeterEventRecord, MeterRecord, Period } from './records.ts';
import type { Simulation } from './simulation.ts';

const ONE = parseDecimal('1') ?? ZERO;

/** What a meter has counted for a customer in a period by now: its events put together by the meter's formula. */
export function usageTotal(
  simulation: Simulation,
  meter: MeterRecord,
  customer: string,
  period: Period,
): Decimal {
  return totalOf(meter, simulation.log.counted(meter.id, customer, period));
}

/** @param events in the order in which they arrived. */
export function totalOf({ formula }: MeterRecord, events: readonly MeterEventRecord[]): Decimal {
  if (formula === 'count') return multiply(ONE, events.length);
  if (formula === 'sum') return events.reduce((sum, event) => add(sum, eventAmount(event)), ZERO);
  const newest = events.reduce<MeterEventRecord | undefined>(
    (last, event) => (last && last.timestamp > event.timestamp ? last : event),
    undefined,
  );
  return newest ? eventAmount(newest) : ZERO;
}

function eventAmount({ value }: MeterEventRecord): Decimal {
  return parseDecimal(value) ?? ZERO;
}
