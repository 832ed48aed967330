import type { Failed } from './billing-provider.ts';
import type { Instant } from './environment.ts';
import type { ReportKey } from './usage-report.ts';

/**
 * What Stripe reports of meter events that it accepted and could not count. It counts all of them and names examples:
 * verification finds the rest.
 */
export interface MeterErrors {
  /** All events that were rejected. */
  readonly error_count: number;
  /** When Stripe looked at the events; null = it does not say. */
  readonly validated_from: Instant | null;
  readonly validated_until: Instant | null;
  readonly samples: readonly MeterErrorSample[];
}

/** One rejected meter event. */
export interface MeterErrorSample {
  /** Stripe's code, such as `meter_event_customer_not_found`; the list is open. */
  readonly code: string;
  readonly message: string;
  /** Identifier of the report that the event was; null = it is none of ours. */
  readonly identifier: string | null;
}

export type ReadMeterErrorsResult = { readonly outcome: 'read'; readonly errors: MeterErrors } | Failed;

export interface NoteMeterErrorsParams {
  readonly errors: MeterErrors;
  readonly now: Instant;
}

export interface NoteMeterErrorsResult {
  /** Reports that Stripe had accepted, and that now say what it said later. */
  readonly noted: readonly ReportKey[];
}

/** Reports are sent with the idempotency key `<identifier>:<attempt>`. */
const REPORT_REQUEST = /^(tb_[0-9a-f]{64}):\d{1,9}$/;

/** The report's identifier in the idempotency key of the request that sent it; null = the request was not ours. */
export function reportIdentifierOf(idempotency_key: string): string | null {
  return REPORT_REQUEST.exec(idempotency_key)?.[1] ?? null;
}
