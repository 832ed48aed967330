import { UsageError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { adviceOf, type ReportAdvice } from '../core/report-advice.ts';
import type { Store } from '../core/store.ts';
import type { ReportKey, ReportStatus, UsageReport } from '../core/usage-report.ts';
import { instantOrNull, type ReportResult, toReportResult } from './usage-result.ts';

/** A page of what `usage.reports.list` found. */
export interface ReportsPage {
  /** What waits for a person first; of one status, in the order of account, meter and number. */
  readonly reports: readonly ListedReport[];
  /** Pass as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

/** A report of some account, and what can be done about it. Instants are ISO 8601 in UTC. */
export interface ListedReport extends ReportResult {
  readonly account: string;
  readonly meter: string;
  readonly billing_period_start: string;
  /** Exclusive. */
  readonly billing_period_end: string;
  /** When the report job looks at it next; null = never. */
  readonly due_at: string | null;
  /** What it waits for; `person`: it does not go on by itself. null = for nothing. */
  readonly waits_for: ReportAdvice['waits_for'];
  /** What can be done, in a sentence or two. */
  readonly action: string;
}

export interface ListReportsQuery {
  /** null = every account. */
  readonly account_id: string | null;
  readonly statuses: ReadonlySet<ReportStatus>;
  readonly after: ReportCursor | null;
  readonly limit: number;
}

export interface ReportCursor extends ReportKey {
  readonly status: ReportStatus;
}

/** Those that wait for a person come first. */
export const REPORT_STATUSES: readonly ReportStatus[] = [
  'failed',
  'held',
  'sending',
  'closed',
  'open',
  'reported',
  'not_billable',
  'voided',
];

/** Reports of all accounts or of one, by status. */
export async function listReportsByStatus(store: Store, query: ListReportsQuery): Promise<ReportsPage> {
  const { account_id, statuses, after, limit } = query;
  const found: UsageReport[] = [];
  const first = after === null ? 0 : REPORT_STATUSES.indexOf(after.status);
  for (const status of REPORT_STATUSES.slice(first)) {
    if (!statuses.has(status) || found.length === limit) continue;
    const reports = await store.listReportsByStatus({
      account_id,
      status,
      after: after?.status === status ? after : null,
      limit: limit - found.length,
    });
    found.push(...reports);
  }
  const last = found.at(-1);
  return { reports: found.map(toListed), next: last && found.length === limit ? cursorOf(last) : null };
}

/** @throws UsageError `invalid_parameter`. */
export function parseReportCursor(value: unknown): ReportCursor {
  const parts: unknown = typeof value === 'string' ? parseJson(value) : null;
  const [status, account_id, meter, report_id]: unknown[] = Array.isArray(parts) ? parts : [];
  const known = REPORT_STATUSES.find((name) => name === status);
  if (
    known !== undefined &&
    typeof account_id === 'string' &&
    typeof meter === 'string' &&
    Number.isSafeInteger(report_id)
  ) {
    return { status: known, account_id, meter, report_id: Number(report_id) };
  }
  const reason = 'It is the `next` of the page before.';
  throw new UsageError('invalid_parameter', { field: 'after', value, reason });
}

function cursorOf({ status, account_id, meter, report_id }: UsageReport): string {
  return JSON.stringify([status, account_id, meter, report_id]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function toListed(report: UsageReport): ListedReport {
  return {
    account: report.account_id,
    meter: report.meter,
    ...toReportResult(report),
    billing_period_start: formatInstant(report.billing_period_start),
    billing_period_end: formatInstant(report.billing_period_end),
    due_at: instantOrNull(report.due_at),
    ...adviceOf(report),
  };
}
