import { sql } from 'kysely';
import type { Instant } from '../core/environment.ts';
import { exactTotal } from '../core/quantity.ts';
import type {
  ListDueAccountsParams,
  ListReportsParams,
  ListReportsResult,
  ListSlotsParams,
  SlotUse,
} from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import type { Ledger } from './ledger.ts';
import { type Db, REPORT_COLUMNS, toReport } from './report-rows.ts';

function reportsOf(db: Db, account_id: string, meter: string) {
  return db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where('account_id', '=', account_id)
    .where('meter', '=', meter)
    .where('status', '<>', 'voided')
    .orderBy('period_start')
    .orderBy('report_id');
}

export async function listReports(
  db: Db,
  ledger: Ledger,
  params: ListReportsParams,
): Promise<ListReportsResult> {
  const { account_id, meter, range } = params;
  const reports = reportsOf(db, account_id, meter)
    .where('period_start', '>=', range.start)
    .where('period_start', '<', range.end);
  return await withUnassigned(db, ledger, params, reports);
}

export async function listReportsWithUsage(
  db: Db,
  ledger: Ledger,
  params: ListReportsParams,
): Promise<ListReportsResult> {
  const { account_id, meter, range } = params;
  const reports = reportsOf(db, account_id, meter)
    .where('first_occurred_at', '<', range.end)
    .where('last_occurred_at', '>=', range.start);
  return await withUnassigned(db, ledger, params, reports);
}

/** In one statement, so that no event is missed or seen twice while it is rolled up. */
async function withUnassigned(
  db: Db,
  ledger: Ledger,
  { account_id, meter, range }: ListReportsParams,
  reports: ReturnType<typeof reportsOf>,
): Promise<ListReportsResult> {
  if (!ledger.unassigned) return { reports: (await reports.execute()).map(toReport), unassigned: 0 };
  const rows = await db
    .selectFrom(
      sql<{
        unassigned: number | null;
      }>`(select ${ledger.unassigned(account_id, meter, range)} as unassigned)`.as('waiting'),
    )
    .leftJoin(reports.as('report'), (join) => join.onTrue())
    .selectAll()
    .orderBy('report.period_start')
    .orderBy('report.report_id')
    .execute();
  return {
    reports: rows.flatMap(({ unassigned: _, ...row }) =>
      row.report_id === null ? [] : [toReport(row as Parameters<typeof toReport>[0])],
    ),
    unassigned: exactTotal(rows[0]?.unassigned ?? 0),
  };
}

export async function listDueAccounts(
  db: Db,
  { now, after, limit }: ListDueAccountsParams,
): Promise<string[]> {
  const rows = await dueAccounts(db, now, after ?? '')
    .orderBy('account_id')
    .limit(limit)
    .execute();
  return rows.map(({ account_id }) => account_id);
}

export async function countDueAccounts(db: Db, { now }: { readonly now: Instant }): Promise<number> {
  const { count } = await db
    .selectFrom(dueAccounts(db, now, '').as('due'))
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Those after the id `after` that have a report, or their subscriptions, to look at. */
function dueAccounts(db: Db, now: Instant, after: string) {
  return db
    .selectFrom('usage')
    .select('account_id')
    .where('due_at', '<=', now)
    .where('account_id', '>', after)
    .union(
      db
        .selectFrom('account')
        .select('account_id')
        .where('sync_due_at', '<=', now)
        .where('account_id', '>', after),
    );
}

export async function listUnfinishedReports(db: Db, account_id: string): Promise<UsageReport[]> {
  const rows = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where('account_id', '=', account_id)
    .where('due_at', 'is not', null)
    .orderBy('meter')
    .orderBy('report_id')
    .execute();
  return rows.map(toReport);
}

export async function listSlots(
  db: Db,
  { stripe_customer, meter, range }: ListSlotsParams,
): Promise<SlotUse[]> {
  const rows = await db
    .selectFrom('usage')
    .select(['account_id', 'report_id', 'slot', 'quantity', 'status', 'reported_at', 'verified_at'])
    .where('stripe_customer', '=', stripe_customer)
    .where('meter', '=', meter)
    .where('slot', '>=', range.start)
    .where('slot', '<', range.end)
    .execute();
  return rows.map(({ slot, ...row }) => ({ ...row, slot: slot ?? 0 }));
}
