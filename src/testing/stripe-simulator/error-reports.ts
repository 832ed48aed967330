import { emitThin } from './events.ts';
import type { JsonObject } from './json.ts';
import type { AsyncErrorRecord, ErrorReportRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

const MINUTE_MS = 60_000;
/** Stripe names examples of what went wrong, never all of it. */
const MAX_SAMPLES = 5;
/** Meter events for which there is no meter are reported by an event of their own. */
const NO_METER = 'no_meter';

/** Notes an asynchronous error for the meter's next report, at the end of the minute. */
export function reportLater(simulation: Simulation, error: AsyncErrorRecord): void {
  if (!simulation.settings.events.thin) return;
  const about = error.code === NO_METER ? NO_METER : error.meter;
  const { errorReports } = simulation.state;
  const open = errorReports.get(about);
  simulation.expectErrorReport({
    id: about,
    at_ms: open?.at_ms ?? (Math.floor(error.at_ms / MINUTE_MS) + 1) * MINUTE_MS,
    errors: [...(open?.errors ?? []), error.id],
  });
}

/** Sends the report of a meter's errors of the last minute. */
export function sendErrorReport(simulation: Simulation, report: ErrorReportRecord): void {
  simulation.state.errorReports.delete(report.id);
  const errors = report.errors.flatMap((id) => simulation.state.asyncErrors.get(id) ?? []);
  const isNoMeter = report.id === NO_METER;
  const meter = { id: report.id, type: 'billing.meter', url: `/v1/billing/meters/${report.id}` };
  emitThin(
    simulation,
    isNoMeter ? 'v1.billing.meter.no_meter_found' : 'v1.billing.meter.error_report_triggered',
    isNoMeter ? null : meter,
    {
      developer_message_summary: `There is ${errors.length} invalid event${errors.length === 1 ? '' : 's'}`,
      reason: { error_count: errors.length, error_types: errorTypes(errors) },
      validation_start: new Date(report.at_ms - MINUTE_MS).toISOString(),
      validation_end: new Date(report.at_ms).toISOString(),
    },
  );
}

function errorTypes(errors: readonly AsyncErrorRecord[]): JsonObject[] {
  return [...Map.groupBy(errors, ({ code }) => code)].map(([code, alike]) => ({
    code,
    error_count: alike.length,
    sample_errors: alike.slice(0, MAX_SAMPLES).map(({ idempotency_key, identifier }) => ({
      error_message: MESSAGES[code] ?? `The event was rejected: ${code}.`,
      request: { identifier: idempotency_key ?? identifier },
    })),
  }));
}

const MESSAGES: Readonly<Record<string, string>> = {
  archived_meter: 'The meter is archived.',
  meter_event_customer_not_found: 'The customer of the event does not exist.',
  no_meter: 'There is no active meter with the event name.',
};
