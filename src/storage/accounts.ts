import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Account } from '../core/account.ts';
import type { SubscriptionItem } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { floorToSecond } from '../core/instant.ts';
import type {
  AccountWithItems,
  LinkAccountParams,
  ListAccountsParams,
  SetAccountParams,
} from '../core/store.ts';
import { prepared } from './prepared.ts';
import type { Db } from './report-rows.ts';
import type { Database, SubscriptionTable } from './schema.ts';
import { replaceSubscriptions } from './subscriptions.ts';

const ACCOUNT_COLUMNS = [
  'account_id',
  'plan',
  'stripe_customer',
  'created_at',
  'synced_at',
  'sync_due_at',
  'change_requested_at',
] as const;

const ITEM_COLUMNS = [
  'stripe_subscription_item',
  'stripe_subscription',
  'meter',
  'stripe_price',
  'price',
  'anchor',
  'interval',
  'interval_count',
  'started_at',
  'billed_from',
  'trial_end',
  'ended_at',
  'current_period_start',
  'current_period_end',
] as const;

/**
 * Creates accounts that are not known yet; their months are anchored at the second of the instant that each has. In their
 * order, so that two processes that create the same ones do not wait for each other.
 */
export async function ensureAccounts(db: Db, created: ReadonlyMap<string, Instant>): Promise<void> {
  const account_ids = [...created.keys()].sort();
  await db
    .insertInto('account')
    .values(
      account_ids.map((account_id) => ({
        account_id,
        plan: null,
        stripe_customer: null,
        created_at: floorToSecond(created.get(account_id) ?? 0),
        synced_at: null,
        sync_due_at: null,
        change_requested_at: null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/**
 * Until the end of the transaction nobody else opens, seals, moves or voids reports of these accounts; usage is still
 * recorded. Whoever also locks reports locks their accounts first.
 */
export async function lockAccounts(db: Db, account_ids: readonly string[]): Promise<void> {
  const [account_id] = account_ids;
  if (account_id === undefined) return;
  if (account_ids.length === 1) {
    await lockAccount(db, { account_id });
    return;
  }
  await db
    .selectFrom('account')
    .select('account_id')
    .where('account_id', 'in', account_ids)
    .orderBy('account_id')
    .forNoKeyUpdate()
    .execute();
}

const lockAccount = prepared((db, { account_id }: { account_id: string }) =>
  db.selectFrom('account').select('account_id').where('account_id', '=', account_id).forNoKeyUpdate(),
);

export async function setAccount(
  db: Db,
  { account_id, plan, stripe_customer, now }: SetAccountParams,
): Promise<Account> {
  await ensureAccounts(db, new Map([[account_id, now]]));
  await lockAccounts(db, [account_id]);
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
  // What is kept of subscriptions is what Stripe said of the customer that the account had.
  if (isLinked) await replaceSubscriptions(db, account_id, []);
  await wakeWaitingReports(db, account_id, now);
  return after;
}

/** Of two that link an account at once, the second gets what the first has made of it. */
export async function linkAccount(db: Db, params: LinkAccountParams): Promise<Account> {
  const { account_id, now } = params;
  await ensureAccounts(db, new Map([[account_id, now]]));
  await lockAccounts(db, [account_id]);
  const before = await accountRow(db, account_id);
  return before.stripe_customer === null ? await setAccount(db, params) : before;
}

export async function findAccount(db: Db, stripe_customer: string): Promise<Account | null> {
  const row = await db
    .selectFrom('account')
    .select(ACCOUNT_COLUMNS)
    .where('stripe_customer', '=', stripe_customer)
    .executeTakeFirst();
  return row ?? null;
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
  // Locked in order: an increment that found one open, and waits for its sealing, has locked it as well.
  const { rows: waiting } = await lockWaitingReports(db, { account_id });
  if (waiting.length > 0) await setWaitingReportsDue(db, { account_id, now });
}

const lockWaitingReports = prepared((db, { account_id }: { account_id: string }) =>
  db
    .selectFrom('usage')
    .select('report_id')
    .where('account_id', '=', account_id)
    .where(isWaiting)
    .orderBy('meter')
    .orderBy('report_id')
    .forUpdate(),
);

const setWaitingReportsDue = prepared((db, { account_id, now }: { account_id: string; now: Instant }) =>
  db.updateTable('usage').set({ due_at: now }).where('account_id', '=', account_id).where(isWaiting),
);

/** For what bills the account. */
function isWaiting(eb: ExpressionBuilder<Database, 'usage'>): Expression<SqlBool> {
  const isRefused = eb.and([eb('status', '=', 'held'), eb('reason', '=', 'customer_refused')]);
  return eb.and([eb('slot', 'is', null), eb.or([eb('status', '=', 'closed'), isRefused])]);
}

async function accountRow(db: Db, account_id: string): Promise<Account> {
  return await db
    .selectFrom('account')
    .select(ACCOUNT_COLUMNS)
    .where('account_id', '=', account_id)
    .executeTakeFirstOrThrow();
}

export async function getAccount(db: Db, account_id: string): Promise<AccountWithItems | null> {
  const { rows } = await accountWithItems(db, { account_id });
  const [first] = rows;
  if (!first) return null;
  const { plan, stripe_customer, created_at, synced_at, sync_due_at, change_requested_at } = first;
  return {
    account: { account_id, plan, stripe_customer, created_at, synced_at, sync_due_at, change_requested_at },
    items: rows.flatMap((row) => (row.price === null ? [] : [toItem(row as ItemRow)])),
  };
}

const accountWithItems = prepared((db, { account_id }: { account_id: string }) =>
  db
    .selectFrom('account')
    .leftJoin('subscription', 'subscription.account_id', 'account.account_id')
    .select(ACCOUNT_COLUMNS.map((column) => `account.${column}` as const))
    .select(ITEM_COLUMNS)
    .where('account.account_id', '=', account_id),
);

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

type ItemRow = Omit<SubscriptionTable, 'account_id'>;

function toItem(row: ItemRow): SubscriptionItem {
  return {
    stripe_subscription_item: row.stripe_subscription_item,
    stripe_subscription: row.stripe_subscription,
    meter: row.meter,
    stripe_price: row.stripe_price,
    price: JSON.parse(row.price),
    anchor: row.anchor,
    interval: row.interval,
    interval_count: row.interval_count,
    started_at: row.started_at,
    billed_from: row.billed_from,
    trial_end: row.trial_end,
    ended_at: row.ended_at,
    current_period_start: row.current_period_start,
    current_period_end: row.current_period_end,
  };
}

export async function replaceItems(
  db: Db,
  account_id: string,
  items: readonly SubscriptionItem[],
): Promise<void> {
  await deleteItems(db, { account_id });
  if (items.length === 0) return;
  await db
    .insertInto('subscription')
    .values(items.map(({ price, ...item }) => ({ ...item, account_id, price: JSON.stringify(price) })))
    .execute();
}

const deleteItems = prepared((db, { account_id }: { account_id: string }) =>
  db.deleteFrom('subscription').where('account_id', '=', account_id),
);
