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
import { prepared } from './prepared.ts';
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
  const { rows } = await dueAccountsPage(db, { now, after: after ?? '', limit });
  return rows.map(({ account_id }) => account_id);
}

export async function countDueAccounts(db: Db, { now }: { readonly now: Instant }): Promise<number> {
  const { rows } = await dueAccountsCount(db, { now, after: '' });
  return Number(rows[0]?.count);
}

interface DueAccounts {
  readonly now: Instant;
  readonly after: string;
}

const dueAccountsPage = prepared((db, params: DueAccounts & { readonly limit: number }) =>
  dueAccounts(db, params).orderBy('account_id').limit(params.limit),
);

const dueAccountsCount = prepared((db, params: DueAccounts) =>
  db.selectFrom(dueAccounts(db, params).as('due')).select((eb) => eb.fn.countAll<number>().as('count')),
);

/** Those after the id `after` that have a report, or their subscriptions, to look at. */
function dueAccounts(db: Db, { now, after }: DueAccounts) {
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
  const { rows } = await unfinishedReports(db, { account_id });
  return rows.map(toReport);
}

const unfinishedReports = prepared((db, { account_id }: { account_id: string }) =>
  db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where('account_id', '=', account_id)
    .where('due_at', 'is not', null)
    .orderBy('meter')
    .orderBy('report_id'),
);

export async function listSlots(
  db: Db,
  { stripe_customer, meter, range: { start, end } }: ListSlotsParams,
): Promise<SlotUse[]> {
  const { rows } = await slots(db, { stripe_customer, meter, start, end });
  return rows.map(({ slot, ...row }) => ({ ...row, slot: slot ?? 0 }));
}

interface SlotsOfMeter {
  readonly stripe_customer: string;
  readonly meter: string;
  readonly start: Instant;
  readonly end: Instant;
}

const slots = prepared((db, { stripe_customer, meter, start, end }: SlotsOfMeter) =>
  db
    .selectFrom('usage')
    .select(['account_id', 'report_id', 'slot', 'quantity', 'status', 'reported_at', 'verified_at'])
    .where('stripe_customer', '=', stripe_customer)
    .where('meter', '=', meter)
    .where('slot', '>=', start)
    .where('slot', '<', end),
);
