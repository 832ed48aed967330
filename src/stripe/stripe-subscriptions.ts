import type { Stripe } from 'stripe';
import type { SubscriptionItem } from '../core/billing-period.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { Connect } from './stripe-connection.ts';
import type { StripeMeters } from './stripe-meters.ts';
import { intervalOf, type StripePrices } from './stripe-prices.ts';

/** Stripe allows a customer 500 active subscriptions (docs.stripe.com/billing/subscriptions/overview). */
const MAX_SUBSCRIPTIONS = 1_000;
/** An item made with its subscription is this close to it; one added later began when it was added. */
const SAME_MOMENT_S = 60;
const NEVER_ACTIVE = new Set<string>(['incomplete', 'incomplete_expired']);

/** The subscription items of customers, as far as they bill configured meters. */
export class StripeSubscriptions {
  readonly #connect: Connect;
  readonly #meters: StripeMeters;
  readonly #prices: StripePrices;

  constructor(connect: Connect, meters: StripeMeters, prices: StripePrices) {
    this.#connect = connect;
    this.#meters = meters;
    this.#prices = prices;
  }

  async listItems(stripe_customer: string): Promise<SubscriptionItem[]> {
    const stripe = await this.#connect();
    const subscriptions = await stripe.subscriptions
      .list({ customer: stripe_customer, status: 'all', limit: 100 })
      .autoPagingToArray({ limit: MAX_SUBSCRIPTIONS });
    const items: SubscriptionItem[] = [];
    for (const subscription of subscriptions) {
      if (NEVER_ACTIVE.has(subscription.status)) continue;
      for (const item of subscription.items.data) {
        const read = await this.#itemOf(subscription, item);
        if (read) items.push(read);
      }
    }
    return items;
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
    const ended_at =
      subscription.ended_at ?? (subscription.status === 'canceled' ? subscription.canceled_at : null);
    return {
      stripe_subscription: subscription.id,
      stripe_subscription_item: item.id,
      meter,
      price: await this.#prices.amountsOf(item.price.id),
      interval: intervalOf(recurring.interval),
      interval_count: recurring.interval_count,
      anchor: subscription.billing_cycle_anchor * SECOND_MS,
      started_at: billed_from,
      billed_from,
      trial_end: subscription.trial_end === null ? null : subscription.trial_end * SECOND_MS,
      ended_at: ended_at === null ? null : ended_at * SECOND_MS,
      current_period_start: item.current_period_start * SECOND_MS,
      current_period_end: item.current_period_end * SECOND_MS,
    };
  }
}
