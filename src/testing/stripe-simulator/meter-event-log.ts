import type { MeterEventRecord, Period } from './records.ts';
import type { SimulatorState } from './state.ts';

/** Finds meter events without a scan of all of them. It holds ids only; the records stay in the state. */
export class MeterEventLog {
  readonly #state: SimulatorState;
  readonly #byMeterAndCustomer = new Map<string, string[]>();
  readonly #newestByIdentifier = new Map<string, string>();

  constructor(state: SimulatorState) {
    this.#state = state;
    for (const event of state.meterEvents.values()) this.add(event);
  }

  add(event: MeterEventRecord): void {
    const key = keyOf(event.meter, event.customer);
    const ids = this.#byMeterAndCustomer.get(key);
    if (ids) ids.push(event.id);
    else this.#byMeterAndCustomer.set(key, [event.id]);
    this.#newestByIdentifier.set(event.identifier, event.id);
  }

  /** The last event that was accepted with this identifier. */
  newestWith(identifier: string): MeterEventRecord | undefined {
    return this.#state.meterEvents.get(this.#newestByIdentifier.get(identifier) ?? '');
  }

  /** Counted events whose timestamp lies in the period, in the order in which they arrived. */
  counted(meter: string, customer: string, { start, end }: Period): MeterEventRecord[] {
    return (this.#byMeterAndCustomer.get(keyOf(meter, customer)) ?? [])
      .flatMap((id) => this.#state.meterEvents.get(id) ?? [])
      .filter(({ status, timestamp }) => status === 'counted' && timestamp >= start && timestamp < end);
  }
}

function keyOf(meter: string, customer: string): string {
  return `${meter} ${customer}`;
}
