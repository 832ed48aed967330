import type { Expression, ExpressionBuilder, Kysely, Selectable, SqlBool, Transaction } from 'kysely';
import type { Period } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import type { ChangeReportParams } from '../core/store.ts';
import type { ReportKey, UsageReport } from '../core/usage-report.ts';
import type { Database, UsageTable } from './schema.ts';

/** The database itself, or a transaction on it. */
export type Db = Kysely<Database> | Transaction<Database>;

type UsageRow = Omit<Selectable<UsageTable>, 'late' | 'slot_shared' | 'last_event_id'> & { late: unknown };

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
  'verified_at',
  'pending_since',
  'due_at',
  'last_error',
] as const satisfies readonly (keyof UsageTable)[];

export function toReport(row: UsageRow): UsageReport {
  return { ...row, late: Boolean(row.late), reported: row.reported_at !== null };
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

/** A report that is open and empty, as the tables' own defaults make it. */
export function openReportOf({ billing_period, ...report }: NewReport): UsageReport {
  return {
    ...report,
    status: 'open',
    reported: false,
    reason: null,
    period_end: null,
    billing_period_start: billing_period.start,
    billing_period_end: billing_period.end,
    quantity: 0,
    first_occurred_at: null,
    last_occurred_at: null,
    stripe_customer: null,
    identifier: null,
    slot: null,
    generation: 1,
    attempts: 0,
    first_attempt_at: null,
    reported_at: null,
    verified_at: null,
    pending_since: null,
    due_at: null,
    last_error: null,
  };
}

/** SQLite binds at most 32,766 values in a statement. */
const ROWS_PER_STATEMENT = 1_000;

/** Inserts open, empty reports. */
export async function insertReports(db: Db, reports: readonly NewReport[]): Promise<void> {
  for (let at = 0; at < reports.length; at += ROWS_PER_STATEMENT) {
    await db
      .insertInto('usage')
      .values(
        reports.slice(at, at + ROWS_PER_STATEMENT).map(({ billing_period: { start, end }, ...report }) => ({
          ...report,
          billing_period_start: start,
          billing_period_end: end,
        })),
      )
      .execute();
  }
}

/** Changes a report that is still as the caller saw it; false = it no longer is, and nothing changed. */
export async function changeReport(
  db: Db,
  { report, from, attempts, changes }: ChangeReportParams,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('usage')
    .set(changes)
    .where(isReport(report))
    .where('status', '=', from)
    .where('attempts', '=', attempts)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
