import type { Instant } from '../core/environment.ts';
import type { ListDueAccountsParams, ListReportsParams, ListSlotsParams, SlotUse } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
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
  { account_id, meter, range }: ListReportsParams,
): Promise<UsageReport[]> {
  const rows = await reportsOf(db, account_id, meter)
    .where('period_start', '>=', range.start)
    .where('period_start', '<', range.end)
    .execute();
  return rows.map(toReport);
}

export async function listReportsWithUsage(
  db: Db,
  { account_id, meter, range }: ListReportsParams,
): Promise<UsageReport[]> {
  const rows = await reportsOf(db, account_id, meter)
    .where('first_occurred_at', '<', range.end)
    .where('last_occurred_at', '>=', range.start)
    .execute();
  return rows.map(toReport);
}

export async function nextPeriodEnd(db: Db): Promise<Instant | null> {
  const row = await db
    .selectFrom('usage')
    .select('billing_period_end')
    .where('status', '=', 'open')
    .orderBy('billing_period_end')
    .limit(1)
    .executeTakeFirst();
  return row?.billing_period_end ?? null;
}

export async function nextDueAt(db: Db): Promise<Instant | null> {
  const [report, account] = await Promise.all([
    db
      .selectFrom('usage')
      .select('due_at')
      .where('due_at', 'is not', null)
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst(),
    db
      .selectFrom('account')
      .select('sync_due_at as due_at')
      .where('sync_due_at', 'is not', null)
      .orderBy('sync_due_at')
      .limit(1)
      .executeTakeFirst(),
  ]);
  const due = [report?.due_at ?? null, account?.due_at ?? null].filter((at) => at !== null);
  return due.length === 0 ? null : Math.min(...due);
}

export async function listDueAccounts(
  db: Db,
  { now, after, limit }: ListDueAccountsParams,
): Promise<string[]> {
  const first = after ?? '';
  const rows = await db
    .selectFrom('usage')
    .select('account_id')
    .where('due_at', '<=', now)
    .where('account_id', '>', first)
    .union(
      db
        .selectFrom('account')
        .select('account_id')
        .where('sync_due_at', '<=', now)
        .where('account_id', '>', first),
    )
    .orderBy('account_id')
    .limit(limit)
    .execute();
  return rows.map(({ account_id }) => account_id);
}

export async function listUnfinishedReports(db: Db, account_id: string): Promise<UsageReport[]> {
  const rows = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where('account_id', '=', account_id)
    .where('status', 'in', ['closed', 'sending', 'held'])
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
    .select(['account_id', 'report_id', 'slot', 'quantity', 'status', 'reported_at'])
    .where('stripe_customer', '=', stripe_customer)
    .where('meter', '=', meter)
    .where('slot', '>=', range.start)
    .where('slot', '<', range.end)
    .execute();
  return rows.map(({ slot, ...row }) => ({ ...row, slot: slot ?? 0 }));
}
