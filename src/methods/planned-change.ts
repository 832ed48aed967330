import { parseAccountId } from '../core/account.ts';
import type { BillingProvider, CataloguePrice, Failed } from '../core/billing-provider.ts';
import type { Environment } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import {
  intervalsOf,
  isFree,
  type LicensedPrice,
  type Plan,
  type Plans,
  type PriceInterval,
  parsePlan,
} from '../core/plan.ts';
import type { Store } from '../core/store.ts';
import {
  type BilledSubscription,
  type ItemChange,
  isOfPlans,
  itemChanges,
  mismatchedTiersMode,
  offerOf,
  type SubscriptionChange,
  seatsOf,
} from '../core/subscription-change.ts';
import { findAccount } from '../query/billed-account.ts';

export interface SubscriptionChangesContext {
  readonly store: Store;
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
  readonly environment: Environment;
  readonly plans: Plans;
  /** Writes what was recorded until now into its reports. */
  readonly settle: (account_id: string) => Promise<void>;
  /** Goes on with the change of an account. */
  readonly advance: (account_id: string) => Promise<SubscriptionChange | null>;
  /** How long a call waits for its change at most. */
  readonly verify_timeout_ms: number;
  readonly allow_tiers_mode_change: boolean;
}

/** What is asked for, as the caller wrote it. */
interface AskedChange {
  readonly account: unknown;
  readonly plan: unknown;
  readonly interval: unknown;
  readonly seats: unknown;
  readonly migrate: unknown;
}

/** A change of the plan that nothing speaks against. */
export interface PlannedChange {
  readonly account_id: string;
  readonly subscription: BilledSubscription;
  readonly provider: BillingProvider;
  /** The plan to be on. */
  readonly plan: string;
  /** null = the plan is free: the subscription ends. */
  readonly interval: PriceInterval | null;
  /** null = as many as before. */
  readonly seats: number | null;
  /** What becomes of the subscription's items; none = there is nothing to change. */
  readonly items: readonly ItemChange[];
  /** What the plan bills, as Stripe has it. */
  readonly offered: readonly OfferedPlanPrice[];
}

export interface OfferedPlanPrice extends CataloguePrice {
  /** null = metered. */
  readonly quantity: LicensedPrice['quantity'] | null;
  /** null = licensed. */
  readonly meter: string | null;
}

export const MAX_SEATS = 1_000_000;

/**
 * Finds out what a change of an account's plan would do, and refuses what cannot be done before anything is sealed for it.
 *
 * @throws UsageError as `usage.plans.change`.
 */
export async function planChange(
  context: SubscriptionChangesContext,
  asked: AskedChange,
): Promise<PlannedChange> {
  const name = parsePlan(asked.plan, context.plans);
  const plan = context.plans[name];
  if (!plan) throw new UsageError('invalid_plan', { field: 'plan', value: name });
  const found = await findSubscription(context, asked.account);
  const { subscription } = found;
  refuseClassic(subscription, parseFlag(asked.migrate, 'migrate'));
  refusePaused(subscription);
  const seats = parseSeats(asked.seats);
  if (isFree(plan)) return { ...found, plan: name, interval: null, seats: null, items: [], offered: [] };
  const interval = intervalOf(asked.interval, name, plan, subscription);
  refuseSeats(seats, name, plan, interval);
  const offered = await findOffer(context, found, { name, plan, interval });
  const items = itemChanges(
    subscription,
    offered,
    context.plans,
    seats ?? seatsOf(subscription, context.plans),
  );
  return { ...found, plan: name, interval, seats, items, offered };
}

/**
 * The one live subscription that bills an account by prices of ours.
 *
 * @throws UsageError `subscription_not_found`, `several_subscriptions`, `account_not_found`, `stripe_unavailable` …
 */
export async function findSubscription(
  { store, provider, plans, environment }: SubscriptionChangesContext,
  account: unknown,
) {
  const account_id = parseAccountId(account);
  const found = await findAccount({ store, plans, clock: environment.clock }, account_id);
  const { stripe_customer } = found.account;
  if (!provider) throw new UsageError('stripe_unavailable', { reason: 'Stripe is not configured.' });
  const nothing = new UsageError('subscription_not_found', { field: 'account', value: account_id });
  if (stripe_customer === null) throw nothing;
  const read = await provider.listLiveSubscriptions({ stripe_customer });
  if (read.outcome !== 'read') throw errorOf(read);
  const billing = read.subscriptions.filter(({ items }) => items.some((item) => isOfPlans(item, plans)));
  const [subscription] = billing;
  if (!subscription) throw nothing;
  if (billing.length > 1) {
    const names = billing.map(({ stripe_subscription }) => stripe_subscription).join(' and ');
    throw new UsageError('several_subscriptions', {
      field: 'account',
      value: account_id,
      reason: `${names} bill it at once.`,
    });
  }
  return { account_id, subscription, provider };
}

/** In classic mode Stripe drops what was used when a metered price changes. */
function refuseClassic({ billing_mode, stripe_subscription }: BilledSubscription, migrate: boolean): void {
  if (billing_mode === 'flexible' || migrate) return;
  throw new UsageError('classic_subscription', {
    field: 'account',
    reason: `${stripe_subscription} is in classic billing mode, in which Stripe drops usage when a price changes.`,
  });
}

/**
 * Whatever Stripe invoices while collection is paused stays a draft, or is void: the old plan's usage, and what the new plan
 * costs, would be paid for by nobody.
 *
 * @throws UsageError `collection_paused`.
 */
export function refusePaused({
  is_collection_paused,
  stripe_subscription,
}: Pick<BilledSubscription, 'is_collection_paused' | 'stripe_subscription'>): void {
  if (!is_collection_paused) return;
  throw new UsageError('collection_paused', {
    field: 'account',
    reason: `The collection of ${stripe_subscription} is paused.`,
  });
}

function intervalOf(asked: unknown, name: string, plan: Plan, { items }: BilledSubscription): PriceInterval {
  const offered = intervalsOf(plan);
  const [only] = offered;
  const present = items.find(({ is_metered }) => is_metered) ?? items[0];
  const chosen = asked ?? (offered.length === 1 ? only : present?.interval);
  const interval = offered.find((candidate) => candidate === chosen);
  if (interval) return interval;
  const reason = `The plan ${name} has prices by the ${offered.join(' and the ')}.`;
  throw new UsageError('invalid_parameter', { field: 'interval', value: asked, reason });
}

function refuseSeats(seats: number | null, name: string, plan: Plan, interval: PriceInterval): void {
  if (seats === null || offerOf(plan, interval).licensed.some(({ quantity }) => quantity === 'seats')) return;
  const reason = `The plan ${name} has no price of seats by the ${interval}.`;
  throw new UsageError('seats_not_sold', { field: 'seats', value: seats, reason });
}

interface Wanted {
  readonly name: string;
  readonly plan: Plan;
  readonly interval: PriceInterval;
}

/** The prices of the plan at Stripe, which the subscription can have. */
async function findOffer(
  { allow_tiers_mode_change }: SubscriptionChangesContext,
  { subscription, provider }: Pick<PlannedChange, 'subscription' | 'provider'>,
  { name, plan, interval }: Wanted,
): Promise<OfferedPlanPrice[]> {
  const { metered, licensed } = offerOf(plan, interval);
  const references = [
    ...metered.map((price) => ({ ...price, quantity: null })),
    ...licensed.map((price) => ({ ...price, meter: null })),
  ];
  const found = await provider.findPrices({ references });
  if (found.outcome !== 'read') throw errorOf(found);
  const offered = references.map(({ stripe_price, lookup_key, quantity, meter }, index) => {
    const price = found.prices[index];
    if (price) return { ...price, quantity, meter };
    const reason = `Stripe has no active price ${stripe_price ?? lookup_key} for the plan ${name}.`;
    throw new UsageError('price_not_found', { field: 'plan', value: name, reason });
  });
  if (offered.some(({ currency }) => currency !== subscription.currency)) {
    const reason = `The subscription is in ${subscription.currency}.`;
    throw new UsageError('currency_mismatch', { field: 'plan', value: name, reason });
  }
  const meter = allow_tiers_mode_change ? null : mismatchedTiersMode(subscription, metered);
  if (meter !== null) {
    const reason = `The plan ${name} and the present one price ${meter} in different ways: one by volume, the other not.`;
    throw new UsageError('tiers_mode_change', { field: 'plan', value: name, reason });
  }
  return offered;
}

/** What Stripe answered, as the error that the caller gets. */
export function errorOf(failure: Failed): UsageError {
  return failure.outcome === 'refused'
    ? new UsageError(failure.code, { reason: failure.message })
    : new UsageError('stripe_unavailable', { reason: failure.message });
}

/** What a change failed of, as the error that its caller gets. */
export function changeError({ error_code, last_error }: SubscriptionChange): UsageError {
  return new UsageError(error_code ?? 'stripe_refused', { reason: last_error ?? '' });
}

function parseSeats(value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_SEATS) return value;
  const reason = `Seats are a whole number from 1 to ${MAX_SEATS.toLocaleString('en-US')}.`;
  throw new UsageError('invalid_parameter', { field: 'seats', value, reason });
}

function parseFlag(value: unknown, field: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw new UsageError('invalid_parameter', { field, value, reason: 'It is true or false.' });
}
