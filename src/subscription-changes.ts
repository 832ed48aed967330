import { parseAccountId } from './core/account.ts';
import type { BillingProvider, Failed } from './core/billing-provider.ts';
import type { Environment } from './core/environment.ts';
import { UsageError } from './core/errors.ts';
import { formatInstant } from './core/instant.ts';
import { intervalsOf, isFree, type Plan, type Plans, type PriceInterval, parsePlan } from './core/plan.ts';
import type { Store } from './core/store.ts';
import {
  type BilledSubscription,
  type ChangeKind,
  isOfPlans,
  itemChanges,
  mismatchedTiersMode,
  offerOf,
  type SubscriptionChange,
  seatsOf,
} from './core/subscription-change.ts';
import { parseFields } from './core/usage-event.ts';
import { findAccount } from './query/billed-account.ts';
import { instantOrNull } from './query/usage-result.ts';

/** Parameters of `usage.plans.change`. */
export interface ChangePlanParams<PlanName extends string = string> {
  readonly account: string;
  /** The plan to be on. A free one cancels the subscription now. */
  readonly plan: PlanName;
  /** Of the plan's prices. Default: the present one, where the plan has it, or the plan's only one. */
  readonly interval?: PriceInterval;
  /** Default: as many as before. */
  readonly seats?: number;
  /** Whether a subscription in classic billing mode may be turned into a flexible one, for good. Default: false. */
  readonly migrate?: boolean;
}

export interface CancelParams {
  readonly account: string;
  /** `now`: what was used is invoiced at once, and what is used afterwards is free. Default: `period_end`. */
  readonly when?: 'now' | 'period_end';
}

/** A change of an account's subscription. Instants are ISO 8601 in UTC. */
export interface ChangeResult {
  readonly account: string;
  /** Counts the changes of one account from 1; null = there was nothing to change. */
  readonly change: number | null;
  readonly kind: ChangeKind;
  /** `pending`: the worker completes it, as soon as Stripe has counted what was used until the request. */
  readonly status: 'pending' | 'done' | 'failed';
  /** The plan that the account is on once it is done; null = none. */
  readonly plan: string | null;
  /** The customer's switch: usage since then has the new price. */
  readonly requested_at: string;
  /** When Stripe changed it; null = it has not. */
  readonly changed_at: string | null;
  /** What it waits for, or why it failed; null = nothing. */
  readonly reason: string | null;
}

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

const CHANGE_FIELDS = new Set(['account', 'plan', 'interval', 'seats', 'migrate']);
const CANCEL_FIELDS = new Set(['account', 'when']);
const ACCOUNT_FIELDS = new Set(['account']);
export const MAX_SEATS = 1_000_000;

/** The methods that change what bills an account. */
export function createSubscriptionChanges(context: SubscriptionChangesContext) {
  async function changePlan(params: unknown): Promise<ChangeResult> {
    const fields = parseFields(params, CHANGE_FIELDS);
    const name = parsePlan(fields['plan'], context.plans);
    const plan = context.plans[name];
    if (!plan) throw new UsageError('invalid_plan', { field: 'plan', value: name });
    const { account_id, subscription, provider } = await findSubscription(context, fields['account']);
    await refuseClassic(provider, subscription, parseFlag(fields['migrate'], 'migrate'));
    if (isFree(plan)) return await request(context, account_id, { ...cancelOf(subscription), plan: name });
    const interval = intervalOf(fields['interval'], name, plan, subscription);
    const seats = parseSeats(fields['seats']);
    if (!(await wouldChange(context, provider, subscription, { name, plan, interval, seats }))) {
      return unchanged(context, account_id, name);
    }
    const { stripe_subscription } = subscription;
    return await request(context, account_id, {
      kind: 'plan',
      stripe_subscription,
      plan: name,
      interval,
      seats,
    });
  }

  async function cancel(params: unknown): Promise<ChangeResult> {
    const fields = parseFields(params, CANCEL_FIELDS);
    const { when = 'period_end' } = fields;
    if (when !== 'now' && when !== 'period_end') {
      throw new UsageError('invalid_parameter', {
        field: 'when',
        value: when,
        reason: 'It is now or period_end.',
      });
    }
    const { account_id, subscription, provider } = await findSubscription(context, fields['account']);
    if (when === 'now')
      return await request(context, account_id, { ...cancelOf(subscription), plan: freePlan(context.plans) });
    await setEnd(provider, {
      stripe_subscription: subscription.stripe_subscription,
      cancel_at_period_end: true,
    });
    return { ...unchanged(context, account_id, freePlan(context.plans)), kind: 'cancel' };
  }

  async function setPaused(params: unknown, is_paused: boolean): Promise<void> {
    const fields = parseFields(params, ACCOUNT_FIELDS);
    const { subscription, provider } = await findSubscription(context, fields['account']);
    const { stripe_subscription } = subscription;
    const resumed = is_paused ? {} : { cancel_at_period_end: false };
    await setEnd(provider, { stripe_subscription, is_paused, ...resumed });
  }

  async function lastChange(params: unknown): Promise<ChangeResult | null> {
    const account_id = parseAccountId(parseFields(params, ACCOUNT_FIELDS)['account']);
    await findAccount({ ...context, clock: context.environment.clock }, account_id);
    const change = await context.store.getLastChange({ account_id });
    return change && toResult(change);
  }

  return {
    changePlan,
    cancel,
    /** Takes back a cancellation at the period's end, and a pause. */
    resume: (params: unknown) => setPaused(params, false),
    pause: (params: unknown) => setPaused(params, true),
    lastChange,
  };
}

/** The one plan without prices, which accounts are on when their subscription has ended; null = there is none, or several. */
export function freePlan(plans: Plans): string | null {
  const free = Object.entries(plans).filter(([, plan]) => isFree(plan));
  return free.length === 1 ? (free[0]?.[0] ?? null) : null;
}

type Requested = Pick<SubscriptionChange, 'kind' | 'stripe_subscription' | 'plan' | 'interval' | 'seats'>;

/** Writes the change down, and goes on with it for as long as a caller may wait. */
export async function request(
  context: SubscriptionChangesContext,
  account_id: string,
  requested: Requested,
): Promise<ChangeResult> {
  const { store, environment, settle, advance, verify_timeout_ms } = context;
  const { clock } = environment;
  await settle(account_id);
  if (requested.kind !== 'seats') await readItems(context, account_id);
  const since = clock.now();
  const { change_id } = await store.requestChange({ account_id, ...requested, now: since });
  for (;;) {
    const change = await advance(account_id);
    if (change?.change_id !== change_id) throw new Error('A change that was just requested is missing.');
    if (change.status === 'failed') {
      throw new UsageError(change.error_code ?? 'stripe_refused', { reason: change.last_error ?? '' });
    }
    const now = clock.now();
    const until = change.due_at;
    if (until === null || until > since + verify_timeout_ms) return toResult(change);
    await clock.sleep(Math.max(until - now, 1));
  }
}

/**
 * What bills the account, as Stripe has it now: usage of a subscription that nobody has told of yet is sealed with what
 * else the present price bills, and not left for the next price.
 */
async function readItems(
  { store, provider, environment }: SubscriptionChangesContext,
  account_id: string,
): Promise<void> {
  const known = await store.getAccount({ account_id });
  const stripe_customer = known?.account.stripe_customer ?? null;
  if (!provider || stripe_customer === null) return;
  const read = await provider.listSubscriptionItems({ stripe_customer });
  if (read.outcome !== 'read') throw errorOf(read);
  const now = environment.clock.now();
  await store.setSubscriptionItems({
    account_id,
    stripe_customer,
    items: read.items,
    sync_due_at: null,
    now,
  });
}

async function findSubscription(
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
    throw new UsageError('already_subscribed', {
      reason: `${names} bill the account at once: end one of them.`,
    });
  }
  return { account_id, subscription, provider };
}

/** In classic mode Stripe drops what was used when a metered price changes. */
async function refuseClassic(
  provider: BillingProvider,
  { billing_mode, stripe_subscription }: BilledSubscription,
  migrate: boolean,
): Promise<void> {
  if (billing_mode === 'flexible') return;
  if (!migrate) {
    throw new UsageError('classic_subscription', {
      field: 'account',
      reason: `${stripe_subscription} is in classic billing mode, in which Stripe drops usage when a price changes.`,
    });
  }
  const migrated = await provider.migrateSubscription({ stripe_subscription });
  if (migrated.outcome !== 'changed') throw errorOf(migrated);
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

interface Wanted {
  readonly name: string;
  readonly plan: Plan;
  readonly interval: PriceInterval;
  readonly seats: number | null;
}

/** Refuses what could not be changed before anything is sealed for it. */
async function wouldChange(
  { plans, allow_tiers_mode_change }: SubscriptionChangesContext,
  provider: BillingProvider,
  subscription: BilledSubscription,
  { name, plan, interval, seats }: Wanted,
): Promise<boolean> {
  const { metered, licensed } = offerOf(plan, interval);
  const references = [...metered, ...licensed];
  const found = await provider.findPrices({ references });
  if (found.outcome !== 'read') throw errorOf(found);
  const missing = references.find((_, index) => !found.prices[index]);
  if (missing) {
    const reason = `Stripe has no active price ${missing.stripe_price ?? missing.lookup_key} for the plan ${name}.`;
    throw new UsageError('price_not_found', { field: 'plan', value: name, reason });
  }
  if (found.prices.some((price) => price?.currency !== subscription.currency)) {
    const reason = `The subscription is in ${subscription.currency}.`;
    throw new UsageError('currency_mismatch', { field: 'plan', value: name, reason });
  }
  const meter = allow_tiers_mode_change ? null : mismatchedTiersMode(subscription, metered);
  if (meter !== null) {
    const reason = `The plan ${name} and the present one price ${meter} in different ways: one by volume, the other not.`;
    throw new UsageError('tiers_mode_change', { field: 'plan', value: name, reason });
  }
  const quantities = [...metered.map(() => null), ...licensed.map(({ quantity }) => quantity)];
  const offered = found.prices.flatMap((price, index) =>
    price ? [{ stripe_price: price.stripe_price, quantity: quantities[index] ?? null }] : [],
  );
  return itemChanges(subscription, offered, plans, seats ?? seatsOf(subscription, plans)).length > 0;
}

async function setEnd(
  provider: BillingProvider,
  params: Parameters<BillingProvider['setSubscriptionEnd']>[0],
): Promise<void> {
  const result = await provider.setSubscriptionEnd(params);
  if (result.outcome !== 'changed') throw errorOf(result);
}

function cancelOf({ stripe_subscription }: BilledSubscription): Omit<Requested, 'plan'> {
  return { kind: 'cancel', stripe_subscription, interval: null, seats: null };
}

/** What Stripe answered, as the error that the caller gets. */
export function errorOf(failure: Failed): UsageError {
  return failure.outcome === 'refused'
    ? new UsageError(failure.code, { reason: failure.message })
    : new UsageError('stripe_unavailable', { reason: failure.message });
}

export function parseSeats(value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_SEATS) return value;
  const reason = `Seats are a whole number from 1 to ${MAX_SEATS.toLocaleString('en-US')}.`;
  throw new UsageError('invalid_parameter', { field: 'seats', value, reason });
}

function parseFlag(value: unknown, field: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw new UsageError('invalid_parameter', { field, value, reason: 'It is true or false.' });
}

function unchanged(
  { environment }: SubscriptionChangesContext,
  account: string,
  plan: string | null,
): ChangeResult {
  const at = formatInstant(environment.clock.now());
  return {
    account,
    change: null,
    kind: 'plan',
    status: 'done',
    plan,
    requested_at: at,
    changed_at: at,
    reason: null,
  };
}

export function toResult(change: SubscriptionChange): ChangeResult {
  const { account_id, change_id, kind, status, plan, requested_at, changed_at, last_error } = change;
  return {
    account: account_id,
    change: change_id,
    kind,
    status: status === 'done' || status === 'failed' ? status : 'pending',
    plan,
    requested_at: formatInstant(requested_at),
    changed_at: instantOrNull(changed_at),
    reason: last_error,
  };
}
