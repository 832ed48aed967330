import type { ListSubscriptionItemsResult } from './billing-provider.ts';
import type { Instant } from './environment.ts';
import { DAY_MS, HOUR_MS } from './instant.ts';
import type { Plans } from './plan.ts';
import type { SetSubscriptionItemsParams } from './store.ts';
import {
  type BillingSubscription,
  billingSubscriptions,
  planBySubscriptions,
} from './stripe-subscription.ts';

export type ReadSubscriptions = Extract<ListSubscriptionItemsResult, { readonly outcome: 'read' }>;

interface AccountSyncParams {
  readonly account_id: string;
  readonly stripe_customer: string;
  /** What Stripe said at `now`. */
  readonly read: ReadSubscriptions;
  readonly plans: Plans;
  readonly now: Instant;
}

/** What the store is to keep of an account's subscriptions. */
export function accountSync({
  account_id,
  stripe_customer,
  read,
  plans,
  now,
}: AccountSyncParams): SetSubscriptionItemsParams {
  const subscriptions = billingSubscriptions(read.subscriptions, plans);
  return {
    account_id,
    stripe_customer,
    items: read.items,
    subscriptions,
    plan: planBySubscriptions(subscriptions, plans),
    sync_due_at: syncDueAt(read, subscriptions, now),
    now,
  };
}

/**
 * Webhooks tell of changes; this is for those that never come. A subscription that is made later, or paid later, is
 * looked for once a day, the end of one when it is due; one that simply bills, when there is something to send.
 */
function syncDueAt(
  { items }: ReadSubscriptions,
  subscriptions: readonly BillingSubscription[],
  now: Instant,
): Instant | null {
  const isBilled = items.some(({ ended_at }) => ended_at === null);
  const isUnsettled = subscriptions.some(({ action, status }) => action !== null || status === 'paused');
  const ends = subscriptions.flatMap(({ cancel_at, ended_at }) =>
    cancel_at !== null && ended_at === null ? [cancel_at > now ? cancel_at : now + HOUR_MS] : [],
  );
  const due = Math.min(isBilled && !isUnsettled ? Number.POSITIVE_INFINITY : now + DAY_MS, ...ends);
  return Number.isFinite(due) ? due : null;
}
