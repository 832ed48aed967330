import type { RefusalCode } from './billing-provider.ts';
import type { Instant } from './environment.ts';
import { SECOND_MS } from './instant.ts';
import type { Plan, PlanPrice, Plans, PriceInterval } from './plan.ts';
import type { Price } from './price.ts';

/**
 * What is asked for. `plan`: other prices. `cancel`: the subscription ends now. `seats`: another number of seats.
 */
export type ChangeKind = 'plan' | 'cancel' | 'seats';

/**
 * Where a change stands. `flushing`: usage until the request is sent, and read back from Stripe. `applying`: Stripe has
 * been or may have been asked to change the subscription. `done` and `failed` are final; a failed one changed nothing.
 */
export type ChangeStatus = 'flushing' | 'applying' | 'done' | 'failed';

/** A request counts from the next whole second, or from the one after it where reports were sealed in this one already. */
export const MAX_REQUEST_AHEAD_MS = 2 * SECOND_MS;

/** A change of an account's subscription; one at a time is under way. */
export interface SubscriptionChange {
  readonly account_id: string;
  /** Counts the changes of one account from 1. */
  readonly change_id: number;
  readonly kind: ChangeKind;
  readonly status: ChangeStatus;
  readonly stripe_subscription: string;
  /** The plan that the account is on afterwards; null = none. */
  readonly plan: string | null;
  /** Of the plan's prices; null = the change is none of the plan. */
  readonly interval: PriceInterval | null;
  /** null = as they were. */
  readonly seats: number | null;
  /** The customer's switch: usage since then has the new price. */
  readonly requested_at: Instant;
  /** When Stripe changed it; null = it has not. */
  readonly changed_at: Instant | null;
  /** How often Stripe was asked to change it; the attempt is stored before it is made. */
  readonly attempts: number;
  /** How many of them Stripe answered with a failure that it repeats to whoever comes with the same idempotency key. */
  readonly kept_failures: number;
  /** To which second what was paid in advance is prorated; null = to the second in which Stripe makes the change. */
  readonly proration_date: Instant | null;
  /** When the worker goes on with it; null = it is final. */
  readonly due_at: Instant | null;
  /** What it failed of, as a code of `UsageError`; null = it has not failed. */
  readonly error_code: ChangeErrorCode | null;
  /** What keeps it, or what it failed of; null = nothing. */
  readonly last_error: string | null;
}

export type ChangeErrorCode = RefusalCode | 'stripe_unavailable' | 'usage_unproven' | 'collection_paused';

/** Names one change. */
export type ChangeKey = Pick<SubscriptionChange, 'account_id' | 'change_id'>;

/** A subscription at Stripe, as far as changing it is concerned. */
export interface BilledSubscription {
  readonly stripe_subscription: string;
  readonly status: 'incomplete' | 'trialing' | 'active' | 'past_due' | 'unpaid' | 'paused' | 'canceled';
  readonly billing_mode: 'flexible' | 'classic';
  readonly currency: string;
  readonly cancel_at_period_end: boolean;
  /** When it will end; null = it goes on. */
  readonly cancel_at: Instant | null;
  /** Whether its invoices are not collected, whatever becomes of them instead. */
  readonly is_collection_paused: boolean;
  /** When it ended; null = it is alive. */
  readonly ended_at: Instant | null;
  /** The change of ours that was made last; null = none. */
  readonly change_key: string | null;
  readonly items: readonly BilledItem[];
}

/** An item of a subscription, metered or licensed. */
export interface BilledItem {
  readonly stripe_subscription_item: string;
  readonly stripe_price: string;
  readonly lookup_key: string | null;
  /** The plan that the price was made for; null = it does not say. */
  readonly plan: string | null;
  /** Our name of the meter; null = the price is licensed, or its meter is not configured. */
  readonly meter: string | null;
  readonly is_metered: boolean;
  readonly interval: PriceInterval;
  /** null = metered. */
  readonly quantity: number | null;
  readonly price: Price;
  readonly created_at: Instant;
  readonly current_period_start: Instant;
}

/** What becomes of one item. */
export type ItemChange =
  | { readonly remove: string }
  | { readonly add: string; readonly quantity: number | null }
  | { readonly set: string; readonly quantity: number };

/** A price of a plan with its id at Stripe. */
export interface OfferedPrice {
  readonly stripe_price: string;
  /** null = metered; `seats` = as many as the account has. */
  readonly quantity: 'one' | 'seats' | null;
}

/** The fewest changes that give a subscription the prices of a plan; items that no plan of ours knows stay. */
export function itemChanges(
  { items }: BilledSubscription,
  offered: readonly OfferedPrice[],
  plans: Plans,
  seats: number,
): ItemChange[] {
  const wanted = new Map(offered.map((price) => [price.stripe_price, price]));
  const changes: ItemChange[] = [];
  for (const item of items) {
    const kept = wanted.get(item.stripe_price);
    wanted.delete(item.stripe_price);
    if (!kept) {
      if (isOfPlans(item, plans)) changes.push({ remove: item.stripe_subscription_item });
    } else if (kept.quantity === 'seats' && item.quantity !== seats) {
      changes.push({ set: item.stripe_subscription_item, quantity: seats });
    }
  }
  for (const { stripe_price, quantity } of wanted.values()) {
    changes.push({
      add: stripe_price,
      quantity: quantity === 'seats' ? seats : quantity === 'one' ? 1 : null,
    });
  }
  return changes;
}

/** Whether an item bills a configured meter, or is one that a configured plan brought with it. */
export function isOfPlans(
  {
    meter,
    plan,
    stripe_price,
    lookup_key,
  }: Pick<BilledItem, 'meter' | 'plan' | 'stripe_price' | 'lookup_key'>,
  plans: Plans,
): boolean {
  if (meter !== null || (plan !== null && Object.hasOwn(plans, plan))) return true;
  return Object.values(plans).some(({ prices, licensed }) =>
    [...prices, ...licensed].some((price) =>
      price.stripe_price === null ? price.lookup_key === lookup_key : price.stripe_price === stripe_price,
    ),
  );
}

/** The seats that a subscription bills; 1 where it bills none, which is what a plan with seats begins with. */
export function seatsOf({ items }: BilledSubscription, plans: Plans): number {
  return seatsItemOf(items, plans)?.quantity ?? 1;
}

/** The item that bills seats; null = there is none. */
export function seatsItemOf(items: readonly BilledItem[], plans: Plans): BilledItem | null {
  const prices = Object.entries(plans).flatMap(([name, { licensed }]) =>
    licensed.filter(({ quantity }) => quantity === 'seats').map((price) => ({ ...price, name })),
  );
  const isSeats = ({ stripe_price, lookup_key, plan, is_metered, interval }: BilledItem) =>
    !is_metered &&
    prices.some((price) =>
      price.stripe_price === null
        ? // A price that was replaced has lost its key to its successor.
          price.lookup_key === lookup_key ||
          (lookup_key === null && price.name === plan && price.interval === interval)
        : price.stripe_price === stripe_price,
    );
  return items.find(isSeats) ?? null;
}

/** The metered prices of a plan for an interval, and the licensed ones. */
export function offerOf(plan: Plan, interval: PriceInterval) {
  return {
    metered: plan.prices.filter((price) => price.interval === interval),
    licensed: plan.licensed.filter((price) => price.interval === interval),
  };
}

/**
 * The meter that two plans price in different ways, one by volume and the other not; null = there is none. Whether Stripe
 * takes such a change on one subscription is not documented.
 */
export function mismatchedTiersMode(
  { items }: BilledSubscription,
  prices: readonly PlanPrice[],
): string | null {
  for (const price of prices) {
    const before = items.find(({ meter }) => meter === price.meter);
    if (before && isVolume(before.price) !== isVolume(price)) return price.meter;
  }
  return null;
}

function isVolume({ tiers, tiers_mode }: Price): boolean {
  return tiers !== undefined && tiers_mode !== 'graduated';
}

/** What a change is known by at Stripe: at most 500 characters, as metadata of the subscription. */
export function changeKeyOf({ account_id, change_id }: ChangeKey, digest: (text: string) => string): string {
  return `tbc_${digest(JSON.stringify([account_id, change_id]))}`;
}
