import { parseAccountId } from '../core/account.ts';
import type { Period } from '../core/billing-period.ts';
import { parseMonth, parseRange } from '../core/date-range.ts';
import { UsageError } from '../core/errors.ts';
import type { DateInput } from '../core/instant.ts';
import { type Meters, parseMeter } from '../core/meter.ts';
import { parseFields } from '../core/usage-event.ts';
import type { ReportStatus } from '../core/usage-report.ts';
import { explainInvoice } from '../query/explain-invoice.ts';
import { explainReport, parseEventCursor } from '../query/explain-report.ts';
import type { InvoiceExplanation, ReportExplanation } from '../query/explanation-result.ts';
import { reconcileAccounts } from '../query/reconcile.ts';
import type { ReconcileContext } from '../query/reconcile-period.ts';
import type { ReconciliationPage } from '../query/reconciliation-result.ts';
import {
  listReportsByStatus,
  parseReportCursor,
  REPORT_STATUSES,
  type ReportsPage,
} from '../query/report-list.ts';

/** Parameters of `usage.reconcile`. */
export interface ReconcileParams {
  /** Default: every account, a page at a time. */
  readonly account?: string | undefined;
  /**
   * A UTC month such as `'2026-10'`, or two dates as in `usage.get`: every billing period that overlaps it. Default: the
   * current billing period of each account, and the last one.
   */
  readonly period?: string | { readonly period_start: DateInput; readonly period_end: DateInput } | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** Accounts of a page: 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

/** Parameters of `usage.explain` for a report. */
export interface ExplainReportParams<Meter extends string = string> {
  readonly account: string;
  /** Default: the only meter, or `default_meter`. */
  readonly meter?: Meter | undefined;
  /** The report's number. */
  readonly report: number;
  /** `entries.next` of the page before. */
  readonly after?: string | undefined;
  /** Entries of a page: 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

/** Parameters of `usage.explain` for an invoice. */
export interface ExplainInvoiceParams {
  readonly account: string;
  /** `in_…` */
  readonly invoice: string;
}

/** Parameters of `usage.reports.list`. */
export interface ListReportsParams {
  /** Default: every account. */
  readonly account?: string | undefined;
  /** Default: `failed`, `held`, `sending` and `closed`: what is not at Stripe yet. */
  readonly status?: ReportStatus | readonly ReportStatus[] | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

interface ExplanationsContext extends ReconcileContext {
  readonly meters: Meters;
}

const RECONCILE_FIELDS = new Set(['account', 'period', 'after', 'limit']);
const PERIOD_FIELDS = new Set(['period_start', 'period_end']);
const EXPLAIN_FIELDS = new Set(['account', 'meter', 'report', 'invoice', 'after', 'limit']);
const LIST_FIELDS = new Set(['account', 'status', 'after', 'limit']);
const UNFINISHED: readonly ReportStatus[] = ['failed', 'held', 'sending', 'closed'];
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** The methods behind `usage.reconcile`, `usage.explain` and `usage.reports`. */
export function createExplanations(context: ExplanationsContext) {
  async function explainOneReport(params: unknown): Promise<ReportExplanation> {
    const { account, meter, report, after, limit } = parseFields(params, EXPLAIN_FIELDS);
    return await explainReport(context, {
      account_id: parseAccountId(account),
      meter: parseMeter(meter, context.meters),
      report_id: parseReportId(report),
      after: after === undefined ? null : parseEventCursor(after),
      limit: parseLimit(limit),
    });
  }

  async function explainOneInvoice(params: unknown): Promise<InvoiceExplanation> {
    const { account, meter, invoice, after, limit } = parseFields(params, EXPLAIN_FIELDS);
    refuseWithInvoice({ meter, after, limit });
    return await explainInvoice(context, {
      account_id: parseAccountId(account),
      invoice: parseInvoice(invoice),
    });
  }

  return {
    async reconcile(params: unknown = {}): Promise<ReconciliationPage> {
      const { account, period, after, limit } = parseFields(params, RECONCILE_FIELDS);
      return await reconcileAccounts(context, {
        account_id: account === undefined ? null : parseAccountId(account),
        meters: [...context.meters.names],
        range: parsePeriod(period),
        after: after === undefined ? null : parseAccountId(after),
        limit: parseLimit(limit),
      });
    },

    async explain(params: unknown): Promise<ReportExplanation | InvoiceExplanation> {
      const { report, invoice } = parseFields(params, EXPLAIN_FIELDS);
      if ((report === undefined) === (invoice === undefined)) {
        const reason = 'Pass either the number of a report or the id of an invoice.';
        throw new UsageError('invalid_parameter', { field: 'report', value: report, reason });
      }
      return invoice === undefined ? await explainOneReport(params) : await explainOneInvoice(params);
    },

    explainReport: explainOneReport,
    explainInvoice: explainOneInvoice,

    async listReports(params: unknown = {}): Promise<ReportsPage> {
      const { account, status, after, limit } = parseFields(params, LIST_FIELDS);
      return await listReportsByStatus(context.store, {
        account_id: account === undefined ? null : parseAccountId(account),
        statuses: parseStatuses(status),
        after: after === undefined ? null : parseReportCursor(after),
        limit: parseLimit(limit),
      });
    },
  };
}

function parsePeriod(value: unknown): Period | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return parseMonth(value);
  const { period_start, period_end } = parseFields(value, PERIOD_FIELDS);
  return parseRange(period_start ?? null, period_end ?? null);
}

function parseLimit(value: unknown = DEFAULT_LIMIT): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_LIMIT) return value;
  const reason = `It is a whole number from 1 to ${MAX_LIMIT}.`;
  throw new UsageError('invalid_parameter', { field: 'limit', value, reason });
}

function parseReportId(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  const reason = 'It is the number of a report, from 1.';
  throw new UsageError('invalid_parameter', { field: 'report', value, reason });
}

function parseInvoice(value: unknown): string {
  if (typeof value === 'string' && /^in_\w{1,250}$/.test(value)) return value;
  throw new UsageError('invoice_not_found', { field: 'invoice', value });
}

function refuseWithInvoice(fields: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const reason = 'An invoice is explained as a whole.';
    throw new UsageError('invalid_parameter', { field, value, reason });
  }
}

function parseStatuses(value: unknown): ReadonlySet<ReportStatus> {
  if (value === undefined) return new Set(UNFINISHED);
  const wanted: readonly unknown[] = Array.isArray(value) ? value : [value];
  const statuses = wanted.map((each) => REPORT_STATUSES.find((status) => status === each));
  const known = statuses.filter((status) => status !== undefined);
  if (known.length === wanted.length && known.length > 0) return new Set(known);
  const reason = `The statuses are ${REPORT_STATUSES.join(', ')}.`;
  throw new UsageError('invalid_parameter', { field: 'status', value, reason });
}
