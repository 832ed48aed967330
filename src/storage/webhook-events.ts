import { sql } from 'kysely';
import type { Instant } from '../core/environment.ts';
import type {
  ChangeWebhookEventParams,
  ListSubscriptionEventsParams,
  ListWebhookEventsParams,
  ReceiveWebhookEventParams,
  SubscriptionEvent,
  WebhookEvent,
} from '../core/webhook-event.ts';
import { lockAccounts } from './accounts.ts';
import { prepared } from './prepared.ts';
import type { Db } from './report-rows.ts';

const COLUMNS = [
  'event_id',
  'type',
  'stripe_customer',
  'object_id',
  'created_at',
  'received_at',
  'status',
  'attempts',
  'due_at',
  'handled_at',
  'last_error',
] as const;

export async function receiveWebhookEvent(
  db: Db,
  { account_id = null, ...event }: ReceiveWebhookEventParams,
): Promise<'received' | 'duplicate' | 'unknown_customer'> {
  if (event.stripe_customer !== null && !(await isAwaited(db, event.stripe_customer, account_id))) {
    return 'unknown_customer';
  }
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('webhook_event')
    .values({ ...event, due_at: event.received_at })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n ? 'received' : 'duplicate';
}

/** Whether an account has the customer, or the account that the event names has none yet. */
async function isAwaited(db: Db, stripe_customer: string, account_id: string | null): Promise<boolean> {
  const row = await db
    .selectFrom('account')
    .select('account_id')
    .where((eb) =>
      eb.or([
        eb('stripe_customer', '=', stripe_customer),
        ...(account_id === null
          ? []
          : [eb.and([eb('account_id', '=', account_id), eb('stripe_customer', 'is', null)])]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function listDueWebhookEvents(db: Db, now: Instant, limit: number): Promise<WebhookEvent[]> {
  const { rows } = await dueEvents(db, { now, limit });
  return rows;
}

const dueEvents = prepared((db, { now, limit }: { now: Instant; limit: number }) =>
  db
    .selectFrom('webhook_event')
    .select(COLUMNS)
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .orderBy('event_id')
    .limit(limit),
);

export async function syncWebhookCustomers(
  db: Db,
  events: readonly WebhookEvent[],
  now: Instant,
): Promise<void> {
  const received = new Map<string, Instant>();
  for (const { stripe_customer, received_at } of events) {
    if (stripe_customer === null) continue;
    received.set(stripe_customer, Math.max(received_at, received.get(stripe_customer) ?? received_at));
  }
  const customers = [...received.keys()];
  const accounts =
    customers.length === 0
      ? []
      : await db
          .selectFrom('account')
          .select(['account_id', 'stripe_customer', 'synced_at'])
          .where('stripe_customer', 'in', customers)
          .execute();
  // Both instants are ours: Stripe's clock and the app's may differ by an hour.
  const stale = accounts
    .filter(
      ({ stripe_customer, synced_at }) =>
        synced_at === null || synced_at <= (received.get(stripe_customer ?? '') ?? now),
    )
    .map(({ account_id }) => account_id);
  await makeSyncDue(db, stale, now);
  await markHandled(
    db,
    events.map(({ event_id }) => event_id),
    now,
  );
}

/** What is due already is due since now: whoever is reading just now sees that something came meanwhile. */
async function makeSyncDue(db: Db, account_ids: readonly string[], now: Instant): Promise<void> {
  if (account_ids.length === 0) return;
  await lockAccounts(db, account_ids);
  await db.updateTable('account').set({ sync_due_at: now }).where('account_id', 'in', account_ids).execute();
}

async function markHandled(db: Db, event_ids: readonly string[], now: Instant): Promise<void> {
  if (event_ids.length === 0) return;
  await db
    .updateTable('webhook_event')
    .set({ status: 'handled', due_at: null, handled_at: now, last_error: null })
    .where('event_id', 'in', event_ids)
    .where('status', '=', 'pending')
    .execute();
}

export async function changeWebhookEvent(
  db: Db,
  { event_id, attempts, changes }: ChangeWebhookEventParams,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('webhook_event')
    .set(changes)
    .where('event_id', '=', event_id)
    .where('status', '=', 'pending')
    .where('attempts', '=', attempts)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function listWebhookEvents(
  db: Db,
  { status, after, limit }: ListWebhookEventsParams,
): Promise<WebhookEvent[]> {
  return await db
    .selectFrom('webhook_event')
    .select(COLUMNS)
    .where('event_id', '>', after ?? '')
    .$if(status !== null, (query) => query.where('status', '=', status))
    .orderBy('event_id')
    .limit(limit)
    .execute();
}

export async function listSubscriptionEvents(
  db: Db,
  { stripe_subscription, received_after, limit }: ListSubscriptionEventsParams,
): Promise<SubscriptionEvent[]> {
  return await db
    .selectFrom('webhook_event')
    .select(['event_id', 'created_at'])
    .where('object_id', '=', stripe_subscription)
    .where('type', '=', 'customer.subscription.updated')
    .where('received_at', '>', received_after)
    .orderBy('created_at', 'desc')
    .orderBy('event_id', 'desc')
    .limit(limit)
    .execute();
}

export async function retryWebhookEvent(db: Db, event_id: string, now: Instant): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('webhook_event')
    .set({ status: 'pending', attempts: 0, due_at: now })
    .where('event_id', '=', event_id)
    .where('status', '=', 'parked')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Stripe repeats an event for three days; from then on its row is only history. */
const KEPT_MS = 35 * 86_400_000;
const ROWS_PER_STATEMENT = 5_000;

/** Forgets events that were handled long ago; what is parked stays until a person has seen to it. */
export async function pruneWebhookEvents(db: Db, now: Instant): Promise<void> {
  for (let pruned = ROWS_PER_STATEMENT; pruned === ROWS_PER_STATEMENT; ) {
    const { numAffectedRows } = await deleteHandled(db, { handled_before: now - KEPT_MS });
    pruned = Number(numAffectedRows);
  }
}

const deleteHandled = prepared((db, { handled_before }: { handled_before: Instant }) =>
  db
    .deleteFrom('webhook_event')
    .where('event_id', 'in', (eb) =>
      eb
        .selectFrom('webhook_event')
        .select('event_id')
        .where('handled_at', '<', handled_before)
        .limit(sql.lit(ROWS_PER_STATEMENT)),
    ),
);
