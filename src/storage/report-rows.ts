import type { Expression, ExpressionBuilder, Kysely, SqlBool, Transaction } from 'kysely';
import type { Period } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import type { ReportKey, UsageReport } from '../core/usage-report.ts';
import type { Database, UsageTable } from './schema.ts';

/** The database itself, or a transaction on it. */
export type Db = Kysely<Database> | Transaction<Database>;

type UsageRow = Omit<UsageTable, 'late' | 'slot_shared' | 'last_event_id'> & { late: unknown };

export const REPORT_COLUMNS = [
  'account_id',
  'meter',
  'report_id',
  'status',
  'reason',
  'late',
  'period_start',
  'period_end',
  'billing_period_start',
  'billing_period_end',
  'quantity',
  'first_occurred_at',
  'last_occurred_at',
  'stripe_customer',
  'identifier',
  'slot',
  'generation',
  'attempts',
  'first_attempt_at',
  'reported_at',
  'due_at',
  'last_error',
] as const satisfies readonly (keyof UsageTable)[];

export function toReport(row: UsageRow): UsageReport {
  return { ...row, late: Boolean(row.late), reported: row.status === 'reported' };
}

/** Selects one report by its key. */
export function isReport({ account_id, meter, report_id }: ReportKey) {
  return (eb: ExpressionBuilder<Database, 'usage'>): Expression<SqlBool> =>
    eb.and({ account_id, meter, report_id });
}

/** The number that the next report of an account and meter gets. */
export async function nextReportId(db: Db, account_id: string, meter: string): Promise<number> {
  const row = await db
    .selectFrom('usage')
    .select((eb) => eb.fn.max('report_id').as('last'))
    .where('account_id', '=', account_id)
    .where('meter', '=', meter)
    .executeTakeFirst();
  return Number(row?.last ?? 0) + 1;
}

export interface NewReport extends ReportKey {
  readonly billing_period: Period;
  readonly period_start: Instant;
  readonly late: boolean;
}

/** The row of a report that is open and empty. */
export function openReportRow({ billing_period, ...report }: NewReport): UsageTable {
  return {
    ...report,
    status: 'open',
    reason: null,
    period_end: null,
    billing_period_start: billing_period.start,
    billing_period_end: billing_period.end,
    quantity: 0,
    first_occurred_at: null,
    last_occurred_at: null,
    last_event_id: null,
    stripe_customer: null,
    identifier: null,
    slot: null,
    slot_shared: false,
    generation: 1,
    attempts: 0,
    first_attempt_at: null,
    reported_at: null,
    due_at: null,
    last_error: null,
  };
}

/** SQLite binds at most 32,766 values in a statement; a report has about two dozen. */
const ROWS_PER_STATEMENT = 500;

export async function insertReports(db: Db, rows: readonly UsageTable[]): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
    await db
      .insertInto('usage')
      .values(rows.slice(at, at + ROWS_PER_STATEMENT))
      .execute();
  }
}
