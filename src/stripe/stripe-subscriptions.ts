import type { Stripe } from 'stripe';
import type { Recurrence, SubscriptionItem } from '../core/billing-period.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { Price, Tier } from '../core/price.ts';
import type { Connect } from './stripe-connection.ts';
import type { StripeMeters } from './stripe-meters.ts';

/** Stripe allows a customer 500 active subscriptions (docs.stripe.com/billing/subscriptions/overview). */
const MAX_SUBSCRIPTIONS = 1_000;
/** An item made with its subscription is this close to it; one added later began when it was added. */
const SAME_MOMENT_S = 60;
const NEVER_ACTIVE = new Set<string>(['incomplete', 'incomplete_expired']);
const MAX_CACHED_PRICES = 10_000;

/** The subscription items of customers, as far as they bill configured meters. */
export class StripeSubscriptions {
  readonly #connect: Connect;
  readonly #meters: StripeMeters;
  /** Prices cannot change their amounts, so each is read once, also by accounts that ask for it at the same time. */
  readonly #prices = new Map<string, Promise<Price>>();

  constructor(connect: Connect, meters: StripeMeters) {
    this.#connect = connect;
    this.#meters = meters;
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
    const ended_at =
      subscription.ended_at ?? (subscription.status === 'canceled' ? subscription.canceled_at : null);
    return {
      stripe_subscription: subscription.id,
      stripe_subscription_item: item.id,
      meter,
      price: await this.#priceOf(item.price.id),
      interval: intervalOf(recurring.interval),
      interval_count: recurring.interval_count,
      anchor: subscription.billing_cycle_anchor * SECOND_MS,
      started_at: (isOriginal ? subscription.start_date : item.created) * SECOND_MS,
      trial_end: subscription.trial_end === null ? null : subscription.trial_end * SECOND_MS,
      ended_at: ended_at === null ? null : ended_at * SECOND_MS,
      current_period_start: item.current_period_start * SECOND_MS,
      current_period_end: item.current_period_end * SECOND_MS,
    };
  }

  /** Tiers come only when asked for, and a list of subscriptions is too deep to ask for them there. */
  async #priceOf(id: string): Promise<Price> {
    const known = this.#prices.get(id);
    if (known) return await known;
    const reading = this.#readPrice(id);
    if (this.#prices.size < MAX_CACHED_PRICES) {
      this.#prices.set(id, reading);
      reading.catch(() => this.#prices.delete(id));
    }
    return await reading;
  }

  async #readPrice(id: string): Promise<Price> {
    const stripe = await this.#connect();
    return toPrice(await stripe.prices.retrieve(id, { expand: ['tiers'] }));
  }
}

function intervalOf(interval: string): Recurrence['interval'] {
  if (interval === 'day' || interval === 'week' || interval === 'month' || interval === 'year')
    return interval;
  throw new Error(`Stripe names an interval that is not known here: ${interval}.`);
}

function toPrice(price: Stripe.Price): Price {
  const { currency, transform_quantity } = price;
  if (price.billing_scheme === 'tiered') {
    const tiers_mode = price.tiers_mode === 'graduated' ? 'graduated' : 'volume';
    return { currency, billing_scheme: 'tiered', tiers_mode, tiers: (price.tiers ?? []).map(toTier) };
  }
  return {
    currency,
    billing_scheme: 'per_unit',
    unit_amount_decimal: price.unit_amount_decimal?.toString() ?? '0',
    ...(transform_quantity
      ? {
          transform_quantity: {
            divide_by: transform_quantity.divide_by,
            round: transform_quantity.round === 'up' ? 'up' : 'down',
          },
        }
      : {}),
  };
}

function toTier({ up_to, unit_amount_decimal, flat_amount_decimal }: Stripe.Price.Tier): Tier {
  return {
    up_to: up_to ?? 'inf',
    ...(unit_amount_decimal === null ? {} : { unit_amount_decimal: unit_amount_decimal.toString() }),
    ...(flat_amount_decimal === null ? {} : { flat_amount_decimal: flat_amount_decimal.toString() }),
  };
}
