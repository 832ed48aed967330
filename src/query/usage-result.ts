import { formatInstant } from '../core/instant.ts';
import type { RatedAmount } from '../core/price.ts';
import type { ReportReason, ReportStatus, UsageReport } from '../core/usage-report.ts';

/** What `usage.get` answers for one meter. Instants are ISO 8601 in UTC. */
export interface UsageResult {
  readonly account: string;
  readonly meter: string;
  /** The range that was asked for, or the current billing period. */
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
  /** Units used in `[period_start, period_end)`. */
  readonly quantity: number;
  /** The part of `quantity` that Stripe has accepted. */
  readonly reported_quantity: number;
  /** The part of `quantity` that will be or may yet be sent; free and trial usage is in neither part. */
  readonly pending_quantity: number;
  /** The reports that the quantity is in, oldest first. */
  readonly reports: readonly ReportResult[];
  /**
   * What a whole billing period costs so far, before taxes and discounts; null when the range is not exactly a
   * billing period, or nothing in it will be billed.
   */
  readonly cost: RatedAmount | null;
  /** Units that the plan includes at most in the current billing period; null = it sets no limit, or for other ranges. */
  readonly limit: number | null;
  /** What is left of `limit`, from 0; null = without a limit. */
  readonly remaining: number | null;
  /**
   * The change of the plan that is under way, whose prices and limits apply since its request: the current billing period
   * begins there. null = none is, or for other ranges.
   */
  readonly change: ChangeUnderWay | null;
}

export interface ChangeUnderWay {
  /** Counts the changes of one account from 1. */
  readonly change: number;
  readonly kind: 'plan' | 'cancel';
  /** The plan that the account is on once it is made; null = none. */
  readonly plan: string | null;
  readonly requested_at: string;
}

/** What `usage.get` answers when several meters exist and the call names none. */
export interface UsageByMeterResult<Meter extends string = string> {
  readonly account: string;
  readonly meters: Readonly<Record<Meter, UsageResult>>;
}

/** One row of the table `usage`. */
export interface ReportResult {
  /** Counts the reports of one account and meter from 1. */
  readonly report_id: number;
  readonly status: ReportStatus;
  /** null = nothing to add to the status. */
  readonly reason: ReportReason | null;
  /** True exactly when Stripe has accepted the report. */
  readonly reported: boolean;
  /** Usage for a billing period that had ended when it was recorded. */
  readonly late: boolean;
  readonly period_start: string;
  /** null = open: it takes increments. */
  readonly period_end: string | null;
  /** The whole report's quantity, also where the range cuts through it. */
  readonly quantity: number;
  /** null = Stripe has not accepted it. */
  readonly reported_at: string | null;
  /** Why it is not reported yet, in words; null = nothing went wrong. */
  readonly last_error: string | null;
}

export function toReportResult(report: UsageReport): ReportResult {
  return {
    report_id: report.report_id,
    status: report.status,
    reason: report.reason,
    reported: report.reported,
    late: report.late,
    period_start: formatInstant(report.period_start),
    period_end: instantOrNull(report.period_end),
    quantity: report.quantity,
    reported_at: instantOrNull(report.reported_at),
    last_error: report.last_error,
  };
}

export function instantOrNull(instant: number | null): string | null {
  return instant === null ? null : formatInstant(instant);
}
