import { formatDecimal } from '../../core/decimal.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { existingMeter } from './meters.ts';
import { integer, oneOf, optional, readParams, text } from './params.ts';
import type { MeterRecord, Period } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';
import { usageTotal } from './usage-total.ts';

const MINUTE_S = 60;
const WINDOWS_S = { hour: 3_600, day: 86_400 };
/** A bound on what one request can make the simulator compute. */
const MAX_WINDOWS = 10_000;

export const EVENT_SUMMARY_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v1/billing/meters/:id/event_summaries', handle: list },
];

/**
 * What was counted so far. As documented, one summary of the whole range, also when it is 0; with
 * `value_grouping_window` one per hour or day in which anything was counted, newest first.
 */
function list(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { customer, start_time, end_time, value_grouping_window, ...page } = readParams(params, {
    ...LIST_PARAMS,
    customer: text(),
    start_time: integer(),
    end_time: integer(),
    value_grouping_window: optional(oneOf('hour', 'day')),
  });
  const meter = existingMeter(simulation, id);
  if (!simulation.state.customers.get(customer)) throw noSuch('customer', customer, 'customer');
  const window_s = value_grouping_window === undefined ? null : WINDOWS_S[value_grouping_window];
  refuseUnaligned(start_time, 'start_time', window_s ?? MINUTE_S);
  refuseUnaligned(end_time, 'end_time', window_s ?? MINUTE_S);
  if (end_time <= start_time) {
    throw new StripeError('The end_time must be after the start_time.', { param: 'end_time' });
  }
  const range = { start: start_time, end: end_time };
  const periods =
    window_s === null ? [range] : windowsWithUsage(simulation, meter, customer, range, window_s);
  const summaries = periods.map((period) => ({ id: summaryId(meter, customer, period), period }));
  return pageOf(summaries, page, `/v1/billing/meters/${id}/event_summaries`, (summary) => ({
    id: summary.id,
    object: 'billing.meter_event_summary',
    aggregated_value: Number(formatDecimal(usageTotal(simulation, meter, customer, summary.period))),
    end_time: summary.period.end,
    livemode: false,
    meter: meter.id,
    start_time: summary.period.start,
  }));
}

function refuseUnaligned(time: number, param: string, unit_s: number): void {
  if (time % unit_s === 0) return;
  const boundaries = { 60: 'minute', 3600: 'hour', 86400: 'UTC day' }[unit_s];
  throw new StripeError(`The ${param} must be aligned with ${boundaries} boundaries.`, { param });
}

function windowsWithUsage(
  simulation: Simulation,
  meter: MeterRecord,
  customer: string,
  { start, end }: Period,
  window_s: number,
): Period[] {
  if ((end - start) / window_s > MAX_WINDOWS) {
    throw new StripeError('The range is too long for the value_grouping_window.', {
      param: 'value_grouping_window',
    });
  }
  const starts = simulation.log
    .counted(meter.id, customer, { start, end })
    .map(({ timestamp }) => timestamp - (timestamp % window_s));
  return [...new Set(starts)]
    .sort((a, b) => b - a)
    .map((windowStart) => ({ start: windowStart, end: windowStart + window_s }));
}

function summaryId(meter: MeterRecord, customer: string, { start, end }: Period): string {
  return `mtrusg_${meter.id}_${customer}_${start}_${end}`;
}
