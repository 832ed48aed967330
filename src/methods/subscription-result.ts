import type { Account } from '../core/account.ts';
import type { Instant } from '../core/environment.ts';
import { formatInstant } from '../core/instant.ts';
import type { PriceInterval } from '../core/plan.ts';
import type { Store } from '../core/store.ts';
import {
  type BillingSubscription,
  currentSubscription,
  type PaymentAction,
  type SubscriptionStatus,
} from '../core/stripe-subscription.ts';

/** What bills an account, as it was last read from Stripe. Instants are ISO 8601 in UTC. */
export interface SubscriptionResult<Plan extends string = string> {
  readonly account: string;
  /** Stripe's own word; `none`: there never was a subscription. One that has ended is shown until there is another. */
  readonly status: SubscriptionStatus | 'none';
  /** null = `none`. */
  readonly stripe_subscription: string | null;
  /** The plan that its prices belong to; null = none, or `none`. */
  readonly plan: Plan | null;
  /** Of the prices whose period ends first; null = `none`. */
  readonly interval: PriceInterval | null;
  /** ISO 4217, lower case; null = `none`. */
  readonly currency: string | null;
  /** null = it bills no seats. */
  readonly seats: number | null;
  /** When the trial ends, or ended; null = there is none. */
  readonly trial_end: string | null;
  readonly cancel_at_period_end: boolean;
  /** When it will end; null = it goes on. */
  readonly cancel_at: string | null;
  /** null = it has not ended. */
  readonly ended_at: string | null;
  readonly current_period_start: string | null;
  readonly current_period_end: string | null;
  /**
   * What the customer must do about the last invoice, on the page `hosted_invoice_url`: `pay`, since no payment succeeded
   * or none was tried, or `confirm` the payment (3-D Secure); null = nothing.
   */
  readonly action: PaymentAction | null;
  /** null = nothing is to be done, or Stripe has no page for it. */
  readonly hosted_invoice_url: string | null;
  /** When Stripe was last asked; null = never since the account was linked. */
  readonly synced_at: string | null;
}

export async function readSubscription(store: Store, account: Account): Promise<SubscriptionResult> {
  const { account_id, synced_at } = account;
  const subscription = currentSubscription(await store.listSubscriptions({ account_id }));
  const common = { account: account_id, synced_at: dateOf(synced_at) };
  return subscription ? { ...toResult(subscription), ...common } : { ...NO_SUBSCRIPTION, ...common };
}

type Facts = Omit<SubscriptionResult, 'account' | 'synced_at'>;

const NO_SUBSCRIPTION: Facts = {
  status: 'none',
  stripe_subscription: null,
  plan: null,
  interval: null,
  currency: null,
  seats: null,
  trial_end: null,
  cancel_at_period_end: false,
  cancel_at: null,
  ended_at: null,
  current_period_start: null,
  current_period_end: null,
  action: null,
  hosted_invoice_url: null,
};

function toResult(subscription: BillingSubscription): Facts {
  const { stripe_subscription, status, plan, interval, currency, seats } = subscription;
  return {
    status,
    stripe_subscription,
    plan,
    interval,
    currency,
    seats,
    trial_end: dateOf(subscription.trial_end),
    cancel_at_period_end: subscription.cancel_at_period_end,
    cancel_at: dateOf(subscription.cancel_at),
    ended_at: dateOf(subscription.ended_at),
    current_period_start: dateOf(subscription.current_period_start),
    current_period_end: dateOf(subscription.current_period_end),
    action: subscription.action,
    hosted_invoice_url: subscription.hosted_invoice_url,
  };
}

function dateOf(instant: Instant | null): string | null {
  return instant === null ? null : formatInstant(instant);
}
