import type { Account } from '../core/account.ts';
import type { BillingTimeline, SubscriptionItem } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { floorToSecond } from '../core/instant.ts';
import type { AccountWithItems, ListAccountsParams, SetAccountParams } from '../core/store.ts';
import type { Db } from './report-rows.ts';
import type { SubscriptionTable } from './schema.ts';

const ACCOUNT_COLUMNS = [
  'account_id',
  'plan',
  'stripe_customer',
  'created_at',
  'synced_at',
  'sync_due_at',
] as const;

/** Creates an account that is not known yet; its months are anchored at this second. */
export async function ensureAccounts(db: Db, account_ids: readonly string[], now: Instant): Promise<void> {
  const created_at = floorToSecond(now);
  await db
    .insertInto('account')
    .values(
      account_ids.map((account_id) => ({
        account_id,
        plan: null,
        stripe_customer: null,
        created_at,
        synced_at: null,
        sync_due_at: null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function setAccount(
  db: Db,
  { account_id, plan, stripe_customer, now }: SetAccountParams,
): Promise<Account> {
  await ensureAccounts(db, [account_id], now);
  const before = await accountRow(db, account_id);
  if (typeof stripe_customer === 'string' && stripe_customer !== before.stripe_customer) {
    await refuseTakenCustomer(db, account_id, stripe_customer);
  }
  const isLinked = stripe_customer !== undefined && stripe_customer !== before.stripe_customer;
  const after: Account = {
    ...before,
    plan: plan === undefined ? before.plan : plan,
    ...(isLinked
      ? { stripe_customer, synced_at: null, sync_due_at: stripe_customer === null ? null : now }
      : {}),
  };
  await db.updateTable('account').set(after).where('account_id', '=', account_id).execute();
  await wakeWaitingReports(db, account_id, now);
  return after;
}

async function refuseTakenCustomer(db: Db, account_id: string, stripe_customer: string): Promise<void> {
  const holder = await db
    .selectFrom('account')
    .select('account_id')
    .where('stripe_customer', '=', stripe_customer)
    .where('account_id', '<>', account_id)
    .executeTakeFirst();
  if (!holder) return;
  throw new UsageError('stripe_customer_taken', { field: 'stripe_customer', value: stripe_customer });
}

/** Reports that waited for a subscription are looked at again: what bills the account may have changed. */
export async function wakeWaitingReports(db: Db, account_id: string, now: Instant): Promise<void> {
  await db
    .updateTable('usage')
    .set({ due_at: now })
    .where('account_id', '=', account_id)
    .where('status', '=', 'closed')
    .where('attempts', '=', 0)
    .execute();
}

async function accountRow(db: Db, account_id: string): Promise<Account> {
  return await db
    .selectFrom('account')
    .select(ACCOUNT_COLUMNS)
    .where('account_id', '=', account_id)
    .executeTakeFirstOrThrow();
}

export async function getAccount(db: Db, account_id: string): Promise<AccountWithItems | null> {
  const account = await db
    .selectFrom('account')
    .select(ACCOUNT_COLUMNS)
    .where('account_id', '=', account_id)
    .executeTakeFirst();
  return account ? { account, items: await itemsOf(db, [account_id]) } : null;
}

export async function setSyncDue(db: Db, account_id: string, sync_due_at: Instant | null): Promise<void> {
  await db.updateTable('account').set({ sync_due_at }).where('account_id', '=', account_id).execute();
}

export async function listAccounts(
  db: Db,
  { after, limit }: ListAccountsParams,
): Promise<readonly Account[]> {
  return await db
    .selectFrom('account')
    .select(ACCOUNT_COLUMNS)
    .$if(after !== null, (query) => query.where('account_id', '>', after))
    .orderBy('account_id')
    .limit(limit)
    .execute();
}

async function itemsOf(db: Db, account_ids: readonly string[]): Promise<SubscriptionItem[]> {
  const rows = await db
    .selectFrom('subscription')
    .selectAll()
    .where('account_id', 'in', account_ids)
    .execute();
  return rows.map(toItem);
}

/** The timelines of several accounts at once; the timeline of a meter is `timelineOf` of them. */
export async function loadAccounts(
  db: Db,
  account_ids: readonly string[],
): Promise<Map<string, AccountWithItems>> {
  const ids = [...new Set(account_ids)];
  if (ids.length === 0) return new Map();
  const accounts = await db
    .selectFrom('account')
    .select(ACCOUNT_COLUMNS)
    .where('account_id', 'in', ids)
    .execute();
  const rows = await db.selectFrom('subscription').selectAll().where('account_id', 'in', ids).execute();
  const items = Map.groupBy(rows, ({ account_id }) => account_id);
  return new Map(
    accounts.map((account) => [
      account.account_id,
      { account, items: (items.get(account.account_id) ?? []).map(toItem) },
    ]),
  );
}

export function timelineOf({ account, items }: AccountWithItems, meter: string): BillingTimeline {
  return { created_at: account.created_at, items: items.filter((item) => item.meter === meter) };
}

function toItem({ account_id: _, price, ...item }: SubscriptionTable): SubscriptionItem {
  return { ...item, price: JSON.parse(price) };
}

export async function replaceItems(
  db: Db,
  account_id: string,
  items: readonly SubscriptionItem[],
): Promise<void> {
  await db.deleteFrom('subscription').where('account_id', '=', account_id).execute();
  if (items.length === 0) return;
  await db
    .insertInto('subscription')
    .values(items.map(({ price, ...item }) => ({ ...item, account_id, price: JSON.stringify(price) })))
    .execute();
}
