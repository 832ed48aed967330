import type { SubscriptionItem } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { floorToSecond, SECOND_MS } from '../core/instant.ts';
import type { ChangeChangeParams, CompleteChangeParams, RequestChangeParams } from '../core/store.ts';
import type { ChangeKey, SubscriptionChange } from '../core/subscription-change.ts';
import { ensureAccounts, getAccount, lockAccounts } from './accounts.ts';
import { giveToRequest, takeOutForRequest } from './carrying-forward.ts';
import { closeReports } from './closing.ts';
import type { Ledger } from './ledger.ts';
import { prepared } from './prepared.ts';
import { applyItems } from './rehoming.ts';
import type { Db } from './report-rows.ts';

const COLUMNS = [
  'account_id',
  'change_id',
  'kind',
  'status',
  'stripe_subscription',
  'plan',
  'interval',
  'seats',
  'requested_at',
  'changed_at',
  'attempts',
  'kept_failures',
  'proration_date',
  'due_at',
  'error_code',
  'last_error',
] as const;

/**
 * Seals what was used until now, and writes down what is asked for: usage that is recorded afterwards is what the
 * change decides of. The request counts from the next whole second, which sealed reports end with; from the one after it
 * where reports were sealed in this second already, and what was used since is in those that begin with the next. What a
 * plan change leaves the present billing period short of is taken out of what is used afterwards.
 */
export async function requestChange(
  db: Db,
  ledger: Ledger,
  { now, after, proration_date = null, ...request }: RequestChangeParams,
): Promise<SubscriptionChange> {
  const { account_id } = request;
  await ensureAccounts(db, new Map([[account_id, now]]));
  await lockAccounts(db, [account_id]);
  const last = await getLastChange(db, account_id);
  const isOvertaken = after !== undefined && after !== (last?.change_id ?? 0);
  if (last !== null && (last.due_at !== null || isOvertaken)) {
    const value = last.kind === 'plan' ? (last.plan ?? last.kind) : last.kind;
    throw new UsageError('change_pending', { field: 'change', value });
  }
  const second = floorToSecond(now) + SECOND_MS;
  const seals = request.kind !== 'seats';
  // After a cancellation there is no next period to take it out of.
  const takenOut = request.kind === 'plan' ? await takeOutForRequest(db, ledger, account_id, now) : [];
  const requested_at = seals && (await isBegun(db, account_id, second)) ? second + SECOND_MS : second;
  const which = { which: 'all', locked: 'wait', after: null, limit: 1 } as const;
  if (seals) {
    await closeReports(db, ledger, { ...which, account_id, now: requested_at });
    await beginWithRequest(db, account_id, requested_at);
    await giveToRequest(db, ledger, takenOut, requested_at, now);
  }
  const change: SubscriptionChange = {
    ...request,
    change_id: (last?.change_id ?? 0) + 1,
    status: seals ? 'flushing' : 'applying',
    requested_at,
    changed_at: null,
    attempts: 0,
    kept_failures: 0,
    proration_date,
    due_at: now,
    error_code: null,
    last_error: null,
  };
  await db.insertInto('subscription_change').values(change).execute();
  if (seals) {
    await db
      .updateTable('account')
      .set({ change_requested_at: requested_at })
      .where('account_id', '=', account_id)
      .execute();
  }
  return change;
}

/** Whether a report that begins with a second to come has usage already. */
async function isBegun(db: Db, account_id: string, period_start: Instant): Promise<boolean> {
  const row = await db
    .selectFrom('usage')
    .select('report_id')
    .where((eb) => eb.and({ account_id, period_start, status: 'open' }))
    .where('late', '=', false)
    .where('first_occurred_at', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Reports that nothing was counted in begin with the request: what comes belongs to the change, and to nothing before it. */
async function beginWithRequest(db: Db, account_id: string, requested_at: Instant): Promise<void> {
  await db
    .updateTable('usage')
    .set({ period_start: requested_at })
    .where((eb) => eb.and({ account_id, status: 'open' }))
    .where('late', '=', false)
    .where('first_occurred_at', 'is', null)
    .where('period_start', '<', requested_at)
    .where('billing_period_end', '>', requested_at)
    .execute();
}

export async function getChange(
  db: Db,
  { account_id, change_id }: ChangeKey,
): Promise<SubscriptionChange | null> {
  const row = await db
    .selectFrom('subscription_change')
    .select(COLUMNS)
    .where('account_id', '=', account_id)
    .where('change_id', '=', change_id)
    .executeTakeFirst();
  return row ?? null;
}

export async function getLastChange(db: Db, account_id: string): Promise<SubscriptionChange | null> {
  const row = await db
    .selectFrom('subscription_change')
    .select(COLUMNS)
    .where('account_id', '=', account_id)
    .orderBy('change_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

export async function listDueChanges(db: Db, now: Instant, limit: number): Promise<SubscriptionChange[]> {
  const { rows } = await dueChanges(db, { now, limit });
  return rows;
}

const dueChanges = prepared((db, { now, limit }: { now: Instant; limit: number }) =>
  db
    .selectFrom('subscription_change')
    .select(COLUMNS)
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .orderBy('account_id')
    .limit(limit),
);

export async function changeChange(
  db: Db,
  { change, from, attempts, changes }: ChangeChangeParams,
): Promise<boolean> {
  await lockAccounts(db, [change.account_id]);
  const { numUpdatedRows } = await db
    .updateTable('subscription_change')
    .set(changes)
    .where((eb) => eb.and({ account_id: change.account_id, change_id: change.change_id }))
    .where('status', '=', from)
    .where('attempts', '=', attempts)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  if (changes.status === 'failed') await forgetRequest(db, change);
  return true;
}

export async function completeChange(
  db: Db,
  ledger: Ledger,
  { change: key, changed_at, ...read }: CompleteChangeParams,
): Promise<boolean> {
  const { account_id } = key;
  await lockAccounts(db, [account_id]);
  const known = await getAccount(db, account_id);
  const change = await getLastChange(db, account_id);
  if (!known || change?.change_id !== key.change_id || change.due_at === null) return false;
  await db
    .updateTable('subscription_change')
    .set({ status: 'done', changed_at, due_at: null, last_error: null })
    .where((eb) => eb.and({ account_id, change_id: key.change_id }))
    .execute();
  await forgetRequest(db, key);
  // Of an account that has another customer by now, Stripe's answer tells nothing.
  if (known.account.stripe_customer !== read.stripe_customer) return true;
  const made = { ...change, changed_at };
  const decided =
    change.kind === 'seats' ? {} : { items: itemsAfter(made, known.items, read.items), plan: change.plan };
  const switched_at = change.kind === 'seats' ? null : change.requested_at;
  await applyItems(db, ledger, known, { ...read, ...decided, account_id }, switched_at);
  return true;
}

async function forgetRequest(db: Db, { account_id }: ChangeKey): Promise<void> {
  await db
    .updateTable('account')
    .set({ change_requested_at: null })
    .where('account_id', '=', account_id)
    .execute();
}

/** What Stripe changed counts from the request on: the customer's switch is that moment, not Stripe's. */
function itemsAfter(
  {
    stripe_subscription,
    requested_at,
    changed_at,
    kind,
  }: SubscriptionChange & { readonly changed_at: Instant },
  known: readonly SubscriptionItem[],
  items: readonly SubscriptionItem[],
): SubscriptionItem[] {
  const before = new Set(
    known
      .filter(({ billed_from }) => billed_from < requested_at)
      .map((item) => item.stripe_subscription_item),
  );
  const listed = new Set(items.map((item) => item.stripe_subscription_item));
  const after = items.map((item) => {
    if (item.stripe_subscription !== stripe_subscription) return item;
    if (kind === 'cancel')
      return { ...item, ended_at: Math.min(requested_at, item.ended_at ?? requested_at) };
    if (before.has(item.stripe_subscription_item)) return item;
    // An item that was added in the minute of the subscription's own start looks as if it had begun with it.
    return { ...item, started_at: requested_at, billed_from: Math.max(item.billed_from, changed_at) };
  });
  const removed = known.filter(
    (item) =>
      item.stripe_subscription === stripe_subscription &&
      !listed.has(item.stripe_subscription_item) &&
      !known.some((other) => isLaterStretch(other, item)) &&
      (item.ended_at === null || item.ended_at >= requested_at),
  );
  return [...after, ...removed.map((item) => ({ ...item, ended_at: requested_at }))];
}

/** Whether the same item went on, at another price. */
function isLaterStretch(other: SubscriptionItem, item: SubscriptionItem): boolean {
  return (
    other.stripe_subscription_item === item.stripe_subscription_item && other.billed_from > item.billed_from
  );
}
