import type { Stripe } from 'stripe';
import type {
  CancelSubscriptionParams,
  ChangeSubscriptionParams,
  SetSubscriptionEndParams,
} from '../core/billing-provider.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { BilledItem, BilledSubscription, ItemChange } from '../core/subscription-change.ts';
import { CHANGE_KEY, PLAN_KEY } from './metadata-keys.ts';
import type { Connect } from './stripe-connection.ts';
import type { StripeMeters } from './stripe-meters.ts';
import { intervalOf, type StripePrices } from './stripe-prices.ts';
import { itemsOf } from './subscription-items.ts';

const LIVE = new Set<string>(['trialing', 'active', 'past_due', 'unpaid', 'paused']);
/** Stripe allows 500 active subscriptions of a customer. */
const MAX_SUBSCRIPTIONS = 500;

/** Reads and changes subscriptions. Methods throw what the SDK throws. */
export class StripeChanges {
  readonly #connect: Connect;
  readonly #meters: StripeMeters;
  readonly #prices: StripePrices;

  constructor(connect: Connect, meters: StripeMeters, prices: StripePrices) {
    this.#connect = connect;
    this.#meters = meters;
    this.#prices = prices;
  }

  async listLive(stripe_customer: string): Promise<BilledSubscription[]> {
    const stripe = await this.#connect();
    const subscriptions = await stripe.subscriptions
      .list({ customer: stripe_customer, limit: 100 })
      .autoPagingToArray({ limit: MAX_SUBSCRIPTIONS });
    const live = subscriptions.filter(({ status }) => LIVE.has(status));
    const read: BilledSubscription[] = [];
    for (const subscription of live) read.push(await this.#toBilled(subscription));
    return read;
  }

  async read(stripe_subscription: string): Promise<BilledSubscription> {
    const stripe = await this.#connect();
    return await this.#toBilled(await stripe.subscriptions.retrieve(stripe_subscription));
  }

  /** `always_invoice` in flexible mode invoices what the old prices bill so far; with anything else it would be lost. */
  async change(params: ChangeSubscriptionParams): Promise<BilledSubscription> {
    const { stripe_subscription, change_key, attempt, items, plan, proration_date } = params;
    const stripe = await this.#connect();
    const changed = await stripe.subscriptions.update(
      stripe_subscription,
      {
        items: items.map(toItemParams),
        proration_behavior: 'always_invoice',
        ...(proration_date === null ? {} : { proration_date: proration_date / SECOND_MS }),
        // A payment that fails leaves an open invoice behind, and not usage that nobody bills.
        payment_behavior: 'allow_incomplete',
        off_session: true,
        metadata: { [CHANGE_KEY]: change_key, ...(plan === null ? {} : { [PLAN_KEY]: plan }) },
      },
      { idempotencyKey: `${change_key}:${attempt}` },
    );
    return await this.#toBilled(changed);
  }

  async cancel({
    stripe_subscription,
    change_key,
    attempt,
  }: CancelSubscriptionParams): Promise<BilledSubscription> {
    const stripe = await this.#connect();
    const canceled = await stripe.subscriptions.cancel(
      stripe_subscription,
      { invoice_now: true, prorate: true },
      { idempotencyKey: `${change_key}:${attempt}` },
    );
    return await this.#toBilled(canceled);
  }

  async setEnd({
    stripe_subscription,
    cancel_at_period_end,
    is_paused,
  }: SetSubscriptionEndParams): Promise<BilledSubscription> {
    const stripe = await this.#connect();
    const changed = await stripe.subscriptions.update(stripe_subscription, {
      ...(cancel_at_period_end === undefined ? {} : { cancel_at_period_end }),
      ...(is_paused === undefined
        ? {}
        : { pause_collection: is_paused ? { behavior: 'keep_as_draft' } : '' }),
    });
    return await this.#toBilled(changed);
  }

  async migrate(stripe_subscription: string): Promise<BilledSubscription> {
    const stripe = await this.#connect();
    const migrated = await stripe.subscriptions.migrate(stripe_subscription, {
      billing_mode: { type: 'flexible' },
    });
    return await this.#toBilled(migrated);
  }

  async #toBilled(subscription: Stripe.Subscription): Promise<BilledSubscription> {
    const { id, status, billing_mode, currency, cancel_at_period_end, pause_collection } = subscription;
    const { cancel_at, ended_at, metadata } = subscription;
    const items: BilledItem[] = [];
    for (const item of await itemsOf(this.#connect, subscription)) items.push(await this.#toItem(item));
    return {
      stripe_subscription: id,
      status: statusOf(status),
      billing_mode: billing_mode.type === 'flexible' ? 'flexible' : 'classic',
      currency,
      cancel_at_period_end,
      cancel_at: cancel_at === null ? null : cancel_at * SECOND_MS,
      is_collection_paused: pause_collection !== null,
      ended_at: ended_at === null ? null : ended_at * SECOND_MS,
      change_key: metadata[CHANGE_KEY] ?? null,
      items,
    };
  }

  async #toItem(item: Stripe.SubscriptionItem): Promise<BilledItem> {
    const { id, created, quantity, price, current_period_start } = item;
    const { recurring, lookup_key, metadata } = price;
    if (!recurring) throw new Error(`The price ${price.id} of a subscription is not recurring.`);
    const is_metered = recurring.usage_type === 'metered';
    return {
      stripe_subscription_item: id,
      stripe_price: price.id,
      lookup_key,
      plan: metadata[PLAN_KEY] ?? null,
      meter: recurring.meter === null ? null : await this.#meters.nameOf(recurring.meter),
      is_metered,
      interval: intervalOf(recurring.interval),
      quantity: is_metered ? null : (quantity ?? 1),
      price: await this.#prices.amountsOf(price.id),
      created_at: created * SECOND_MS,
      current_period_start: current_period_start * SECOND_MS,
    };
  }
}

export function toItemParams(change: ItemChange): Stripe.SubscriptionUpdateParams.Item {
  if ('remove' in change) return { id: change.remove, deleted: true };
  if ('set' in change) return { id: change.set, quantity: change.quantity };
  return { price: change.add, ...(change.quantity === null ? {} : { quantity: change.quantity }) };
}

function statusOf(status: string): BilledSubscription['status'] {
  switch (status) {
    case 'incomplete':
    case 'trialing':
    case 'active':
    case 'past_due':
    case 'unpaid':
    case 'paused':
    case 'canceled':
      return status;
    case 'incomplete_expired':
      return 'canceled';
    default:
      throw new Error(`Stripe names a subscription status that is not known here: ${status}.`);
  }
}
