import type { Stripe } from 'stripe';
import type { ReadSubscriptions } from '../core/account-sync.ts';
import type { SubscriptionItem } from '../core/billing-period.ts';
import type { Clock, Instant } from '../core/environment.ts';
import { floorToSecond, SECOND_MS } from '../core/instant.ts';
import {
  type PaymentAction,
  type StripeSubscription,
  type StripeSubscriptionItem,
  SUBSCRIPTION_STATUSES,
  type SubscriptionStatus,
} from '../core/stripe-subscription.ts';
import { ACCOUNT_KEY, PLAN_KEY, REQUEST_KEY } from './metadata-keys.ts';
import type { Connect } from './stripe-connection.ts';
import type { StripeMeters } from './stripe-meters.ts';
import { intervalOf, type StripePrices } from './stripe-prices.ts';
import { itemsOf } from './subscription-items.ts';

/** Stripe allows a customer 500 active subscriptions (docs.stripe.com/billing/subscriptions/overview). */
export const MAX_SUBSCRIPTIONS = 1_000;
/** An item made with its subscription is this close to it; one added later began when it was added. */
const SAME_MOMENT_S = 60;
const NEVER_ACTIVE = new Set<string>(['incomplete', 'incomplete_expired']);

/** While a subscription has one of these, its last invoice waits for the customer. */
const UNPAID = new Set<string>(['incomplete', 'past_due', 'unpaid']);

/** The subscriptions of customers, and the items of them that bill configured meters. */
export class StripeSubscriptions {
  readonly #connect: Connect;
  readonly #meters: StripeMeters;
  readonly #prices: StripePrices;
  readonly #clock: Clock;

  constructor(connect: Connect, meters: StripeMeters, prices: StripePrices, clock: Clock) {
    this.#connect = connect;
    this.#meters = meters;
    this.#prices = prices;
    this.#clock = clock;
  }

  async list(stripe_customer: string): Promise<ReadSubscriptions> {
    const stripe = await this.#connect();
    const listed = await stripe.subscriptions
      .list({ customer: stripe_customer, status: 'all', limit: 100 })
      .autoPagingToArray({ limit: MAX_SUBSCRIPTIONS });
    const items: SubscriptionItem[] = [];
    const subscriptions: StripeSubscription[] = [];
    for (const subscription of listed) {
      const itemsOfIt: StripeSubscriptionItem[] = [];
      for (const item of await itemsOf(this.#connect, subscription)) {
        const billed = await this.#itemOf(subscription, item);
        if (billed && !NEVER_ACTIVE.has(subscription.status)) items.push(billed);
        itemsOfIt.push(toItem(item, billed?.meter ?? null));
      }
      subscriptions.push(toSubscription(subscription, itemsOfIt, await this.#dueOf(subscription)));
    }
    return { outcome: 'read', items, subscriptions };
  }

  /** What the customer must do about the last invoice. A list of subscriptions is too deep to ask there. */
  async #dueOf({ status, latest_invoice }: Stripe.Subscription): Promise<PaymentDue> {
    if (!UNPAID.has(status) || latest_invoice === null) return NOTHING_DUE;
    const stripe = await this.#connect();
    const id = typeof latest_invoice === 'string' ? latest_invoice : latest_invoice.id;
    const invoice = await stripe.invoices.retrieve(id, { expand: ['payments.data.payment.payment_intent'] });
    if (invoice.status !== 'open') return NOTHING_DUE;
    const mustConfirm = invoice.payments?.data.some(({ payment: { payment_intent } }) =>
      typeof payment_intent === 'object' ? payment_intent.status === 'requires_action' : false,
    );
    const hosted_invoice_url = invoice.hosted_invoice_url ?? null;
    return { action: mustConfirm ? 'confirm' : 'pay', hosted_invoice_url };
  }

  async #itemOf(
    subscription: Stripe.Subscription,
    item: Stripe.SubscriptionItem,
  ): Promise<SubscriptionItem | null> {
    const { recurring } = item.price;
    if (recurring?.usage_type !== 'metered' || recurring.meter === null) return null;
    const meter = await this.#meters.nameOf(recurring.meter);
    if (meter === null) return null;
    const isOriginal = item.created - subscription.created <= SAME_MOMENT_S;
    const billed_from = (isOriginal ? subscription.start_date : item.created) * SECOND_MS;
    return {
      stripe_subscription: subscription.id,
      stripe_subscription_item: item.id,
      meter,
      stripe_price: item.price.id,
      price: await this.#prices.amountsOf(item.price.id),
      interval: intervalOf(recurring.interval),
      interval_count: recurring.interval_count,
      anchor: subscription.billing_cycle_anchor * SECOND_MS,
      started_at: billed_from,
      billed_from,
      trial_end: subscription.trial_end === null ? null : subscription.trial_end * SECOND_MS,
      ended_at: endOf(subscription) ?? this.#pauseOf(subscription),
      current_period_start: item.current_period_start * SECOND_MS,
      current_period_end: item.current_period_end * SECOND_MS,
    };
  }

  /** Since when nothing is billed; null = it is. Where Stripe does not say since when, the pause counts from when it is seen first. */
  #pauseOf({ status, status_details }: Stripe.Subscription): Instant | null {
    if (status !== 'paused') return null;
    return instantOf(status_details?.paused?.transitioned_at ?? null) ?? floorToSecond(this.#clock.now());
  }
}

interface PaymentDue {
  readonly action: PaymentAction | null;
  readonly hosted_invoice_url: string | null;
}

const NOTHING_DUE: PaymentDue = { action: null, hosted_invoice_url: null };

function toSubscription(
  subscription: Stripe.Subscription,
  items: readonly StripeSubscriptionItem[],
  due: PaymentDue,
): StripeSubscription {
  const { metadata } = subscription;
  return {
    stripe_subscription: subscription.id,
    status: statusOf(subscription),
    billing_mode: subscription.billing_mode.type === 'classic' ? 'classic' : 'flexible',
    currency: subscription.currency,
    created_at: subscription.created * SECOND_MS,
    trial_end: instantOf(subscription.trial_end),
    cancel_at_period_end: subscription.cancel_at_period_end,
    cancel_at: instantOf(subscription.cancel_at),
    ended_at: endOf(subscription),
    ...due,
    account_id: metadata[ACCOUNT_KEY] ?? null,
    named_plan: metadata[PLAN_KEY] ?? null,
    request: metadata[REQUEST_KEY] ?? null,
    items,
  };
}

function toItem(item: Stripe.SubscriptionItem, meter: string | null): StripeSubscriptionItem {
  const { price } = item;
  return {
    stripe_price: price.id,
    lookup_key: price.lookup_key,
    named_plan: price.metadata[PLAN_KEY] ?? null,
    interval: intervalOf(price.recurring?.interval ?? ''),
    quantity: price.recurring?.usage_type === 'metered' ? null : (item.quantity ?? 1),
    meter,
    current_period_start: item.current_period_start * SECOND_MS,
    current_period_end: item.current_period_end * SECOND_MS,
  };
}

function statusOf({ status }: Stripe.Subscription): SubscriptionStatus {
  const known = SUBSCRIPTION_STATUSES.find((candidate) => candidate === status);
  if (known === undefined) throw new Error(`Stripe names a status that is not known here: ${status}.`);
  return known;
}

function endOf({ ended_at, status, canceled_at }: Stripe.Subscription): Instant | null {
  return instantOf(ended_at ?? (status === 'canceled' ? canceled_at : null));
}

function instantOf(time_s: number | null): Instant | null {
  return time_s === null ? null : time_s * SECOND_MS;
}
