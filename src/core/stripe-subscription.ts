import type { Instant } from './environment.ts';
import { freePlanOf, type Plan, type PlanPrice, type Plans, type PriceInterval } from './plan.ts';

/** Stripe's own words (docs.stripe.com/api/subscriptions/object#subscription_object-status). */
export const SUBSCRIPTION_STATUSES = [
  'trialing',
  'active',
  'past_due',
  'unpaid',
  'paused',
  'incomplete',
  'incomplete_expired',
  'canceled',
] as const;

export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

/** What of a subscription is the same however it is kept. */
interface SubscriptionFacts {
  /** `sub_…` */
  readonly stripe_subscription: string;
  readonly status: SubscriptionStatus;
  readonly billing_mode: 'flexible' | 'classic';
  /** ISO 4217, lower case. */
  readonly currency: string;
  readonly created_at: Instant;
  /** null = no trial. */
  readonly trial_end: Instant | null;
  readonly cancel_at_period_end: boolean;
  /** When it will end, as it was asked to; null = it goes on. */
  readonly cancel_at: Instant | null;
  /** null = it has not ended. */
  readonly ended_at: Instant | null;
  /** What the customer must do about its latest invoice; null = nothing. */
  readonly action: PaymentAction | null;
  /** The invoice's page at Stripe; null = nothing is to be done, or there is none. */
  readonly hosted_invoice_url: string | null;
}

/** `pay`: no payment succeeded, or none was tried. `confirm`: the bank asks whether it is the customer (3-D Secure). */
export type PaymentAction = 'pay' | 'confirm';

/** A subscription as Stripe has it. */
export interface StripeSubscription extends SubscriptionFacts {
  /** `tallybook_account` of its metadata; null = none, as when it was made elsewhere. */
  readonly account_id: string | null;
  /** `tallybook_plan` of its metadata; null = none. */
  readonly named_plan: string | null;
  /** `tallybook_request` of its metadata, by which a repeated request finds it; null = none. */
  readonly request: string | null;
  readonly items: readonly StripeSubscriptionItem[];
}

/** An item of a subscription, metered or licensed. */
export interface StripeSubscriptionItem {
  readonly stripe_price: string;
  /** null = the price has none. */
  readonly lookup_key: string | null;
  /** `tallybook_plan` of the price's metadata; null = none. */
  readonly named_plan: string | null;
  readonly interval: PriceInterval;
  /** null = metered. */
  readonly quantity: number | null;
  /** The configured meter that it bills; null = none. */
  readonly meter: string | null;
  readonly current_period_start: Instant;
  readonly current_period_end: Instant;
}

/** A subscription as the store keeps it. */
export interface BillingSubscription extends SubscriptionFacts {
  /** The configured plan that its prices belong to; null = none. */
  readonly plan: string | null;
  /** Of the period that ends first; null = it has no items. */
  readonly interval: PriceInterval | null;
  readonly current_period_start: Instant | null;
  readonly current_period_end: Instant | null;
  /** null = it bills no seats. */
  readonly seats: number | null;
}

/** Whether a subscription bills, or will: nothing else may be subscribed to beside it. */
export function isLive({ status }: Pick<SubscriptionFacts, 'status'>): boolean {
  return !['incomplete', 'incomplete_expired', 'canceled'].includes(status);
}

/** The subscriptions of a customer that are about an account: others may bill the customer for something else. */
export function billingSubscriptions(
  subscriptions: readonly StripeSubscription[],
  plans: Plans,
): BillingSubscription[] {
  return subscriptions.flatMap((subscription) => {
    const { items, account_id, named_plan, request: _, ...facts } = subscription;
    const plan = planOf(subscription, plans);
    const isOurs = plan !== null || account_id !== null || items.some(({ meter }) => meter !== null);
    if (!isOurs) return [];
    const [first] = items.toSorted((a, b) => a.current_period_end - b.current_period_end);
    return [
      {
        ...facts,
        plan,
        interval: first?.interval ?? null,
        current_period_start: first?.current_period_start ?? null,
        current_period_end: first?.current_period_end ?? null,
        seats: seatsOf(items, plan === null ? undefined : plans[plan]),
      },
    ];
  });
}

/** The subscription to speak of: one that bills, else one that waits for its first payment, else the last that ended. */
export function currentSubscription(
  subscriptions: readonly BillingSubscription[],
): BillingSubscription | null {
  const rank = ({ status }: BillingSubscription) => SUBSCRIPTION_STATUSES.indexOf(status);
  const over = (one: BillingSubscription) => (isLive(one) ? 0 : one.status === 'incomplete' ? 1 : 2);
  const [first] = subscriptions.toSorted(
    (a, b) =>
      over(a) - over(b) ||
      (over(a) === 2 ? b.created_at - a.created_at : rank(a) - rank(b) || a.created_at - b.created_at) ||
      (a.stripe_subscription < b.stripe_subscription ? -1 : 1),
  );
  return first ?? null;
}

/**
 * The plan that an account is on by its subscriptions: that of a live one; the free plan when its last one has ended;
 * undefined = they say nothing about it.
 */
export function planBySubscriptions(
  subscriptions: readonly BillingSubscription[],
  plans: Plans,
): string | null | undefined {
  const live = subscriptions.filter(isLive);
  if (live.length > 0)
    return currentSubscription(live.filter(({ plan }) => plan !== null))?.plan ?? undefined;
  return subscriptions.some(({ status }) => status === 'canceled') ? freePlanOf(plans) : undefined;
}

/** The plan of the prices that it has now; what its metadata says may be older than a change made elsewhere. */
function planOf({ items, named_plan }: StripeSubscription, plans: Plans): string | null {
  const counts = Object.entries(plans).map(([name, plan]) => ({
    name,
    count: items.filter((item) => pricesOf(plan).some((price) => isPrice(item, price))).length,
  }));
  const [best] = counts.toSorted((a, b) => b.count - a.count);
  if (best && best.count > 0) return best.name;
  const names = [...items.map((item) => item.named_plan), named_plan];
  return names.find((name) => name !== null && Object.hasOwn(plans, name)) ?? null;
}

function seatsOf(items: readonly StripeSubscriptionItem[], plan: Plan | undefined): number | null {
  const seats = plan?.licensed.filter(({ quantity }) => quantity === 'seats') ?? [];
  return items.find((item) => seats.some((price) => isPrice(item, price)))?.quantity ?? null;
}

function pricesOf({ prices, licensed }: Plan): readonly Pick<PlanPrice, 'stripe_price' | 'lookup_key'>[] {
  return [...prices, ...licensed];
}

function isPrice(
  item: StripeSubscriptionItem,
  price: Pick<PlanPrice, 'stripe_price' | 'lookup_key'>,
): boolean {
  if (price.stripe_price !== null) return price.stripe_price === item.stripe_price;
  return price.lookup_key === item.lookup_key;
}
