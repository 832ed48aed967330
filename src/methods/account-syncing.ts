import type { Account } from '../core/account.ts';
import { accountSync } from '../core/account-sync.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import type { Clock } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { Plans } from '../core/plan.ts';
import type { Store } from '../core/store.ts';
import type { StripeSubscription } from '../core/stripe-subscription.ts';
import { findEndings } from '../worker/item-endings.ts';
import { answered, configured } from './stripe-answers.ts';

export interface SyncContext {
  readonly store: Store;
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
  readonly clock: Clock;
  readonly plans: Plans;
}

/** Reads that others overtake follow each other this often; after that the worker reads. */
const MAX_READS = 3;

/**
 * Reads an account's subscriptions from Stripe now, and keeps what it says. Without a customer there is nothing to read.
 *
 * @throws UsageError `stripe_unavailable`, `stripe_customer_deleted`, `stripe_mode_mismatch`, `stripe_refused`.
 */
export async function syncAccount(
  { store, provider, clock, plans }: SyncContext,
  { account_id, stripe_customer }: Pick<Account, 'account_id' | 'stripe_customer'>,
): Promise<readonly StripeSubscription[]> {
  if (stripe_customer === null) return [];
  const stripe = configured(provider);
  for (let reads = 1; ; reads += 1) {
    const now = clock.now();
    const known = await store.getAccount({ account_id });
    const read = answered(await stripe.listSubscriptionItems({ stripe_customer }));
    if (!known) return read.subscriptions;
    const { synced_at, sync_due_at } = known.account;
    const endings = await findEndings({ store, provider: stripe }, known, read.items);
    const sync = accountSync({ account_id, stripe_customer, read, plans, now });
    const seen = { synced_at, sync_due_at };
    const result = await store.setSubscriptionItems({ ...sync, endings, seen });
    if (result !== 'overtaken' || reads === MAX_READS) return read.subscriptions;
  }
}

/** @throws UsageError `account_not_found`. */
export async function existingAccount(store: Store, account_id: string): Promise<Account> {
  const found = await store.getAccount({ account_id });
  if (!found) throw new UsageError('account_not_found', { field: 'account', value: account_id });
  return found.account;
}
