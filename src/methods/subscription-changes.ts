import { parseAccountId } from '../core/account.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { type DateInput, floorToSecond, formatInstant, HOUR_MS, parseInstant } from '../core/instant.ts';
import { freePlanOf, type PriceInterval } from '../core/plan.ts';
import type { RequestChangeParams } from '../core/store.ts';
import type { BilledSubscription, ChangeKind, SubscriptionChange } from '../core/subscription-change.ts';
import { parseFields } from '../core/usage-event.ts';
import { findAccount } from '../query/billed-account.ts';
import { instantOrNull } from '../query/usage-result.ts';
import { existingAccount, syncAccount } from './account-syncing.ts';
import { awaitChange } from './awaited-change.ts';
import { setEnd } from './collection-pauses.ts';
import {
  changeError,
  errorOf,
  findSubscription,
  planChange,
  refusePaused,
  type SubscriptionChangesContext,
} from './planned-change.ts';

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
  /**
   * To which second what is paid in advance is prorated, at most an hour ago: the `proration_date` of a preview makes the
   * invoice what the preview said. Default: the second in which Stripe makes the change.
   */
  readonly proration_date?: DateInput;
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

const CHANGE_FIELDS = new Set(['account', 'plan', 'interval', 'seats', 'migrate', 'proration_date']);
const CANCEL_FIELDS = new Set(['account', 'when']);
const ACCOUNT_FIELDS = new Set(['account']);
/** How long a preview can be made good on. */
const MAX_PREVIEW_AGE_MS = HOUR_MS;

/** The methods that change what an account is billed by. */
export function createSubscriptionChanges(context: SubscriptionChangesContext) {
  async function changePlan(params: unknown): Promise<ChangeResult> {
    const fields = parseFields(params, CHANGE_FIELDS);
    const { account, plan, interval, seats, migrate } = fields;
    const proration_date = parseProrationDate(fields['proration_date'], context.environment.clock.now());
    const planned = await planChange(context, { account, plan, interval, seats, migrate });
    const { account_id, subscription } = planned;
    await makeFlexible(planned.provider, subscription);
    if (planned.interval === null) {
      return await request(context, account_id, { ...cancelOf(subscription), plan: planned.plan });
    }
    if (planned.items.length === 0) return unchanged(context, account_id, planned.plan);
    return await request(context, account_id, {
      kind: 'plan',
      stripe_subscription: subscription.stripe_subscription,
      plan: planned.plan,
      interval: planned.interval,
      seats: planned.seats,
      proration_date,
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
    refusePaused(subscription);
    if (when === 'now')
      return await request(context, account_id, {
        ...cancelOf(subscription),
        plan: freePlanOf(context.plans),
      });
    await setEnd(provider, {
      stripe_subscription: subscription.stripe_subscription,
      cancel_at_period_end: true,
    });
    return { ...unchanged(context, account_id, freePlanOf(context.plans)), kind: 'cancel' };
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
    lastChange,
  };
}

type Requested = Pick<
  RequestChangeParams,
  'kind' | 'stripe_subscription' | 'plan' | 'interval' | 'seats' | 'proration_date'
>;

/** Writes the change down, and goes on with it for as long as a caller may wait. */
async function request(
  context: SubscriptionChangesContext,
  account_id: string,
  requested: Requested,
): Promise<ChangeResult> {
  const { store, environment, settle, advance, verify_timeout_ms } = context;
  await settle(account_id);
  // Usage of a subscription that nobody has told of yet is sealed with what else the present price bills, and not left for
  // the next price.
  await syncAccount({ ...context, clock: environment.clock }, await existingAccount(store, account_id));
  const since = environment.clock.now();
  const asked = await store.requestChange({ account_id, ...requested, now: since });
  await advance(account_id);
  const change = await awaitChange(context, asked, since + verify_timeout_ms);
  if (change.status === 'failed') throw changeError(change);
  return toResult(change);
}

/** After everything else was found to be in order: it cannot be taken back. */
async function makeFlexible(
  provider: BillingProvider,
  { billing_mode, stripe_subscription }: BilledSubscription,
): Promise<void> {
  if (billing_mode === 'flexible') return;
  const migrated = await provider.migrateSubscription({ stripe_subscription });
  if (migrated.outcome !== 'changed') throw errorOf(migrated);
}

function cancelOf({ stripe_subscription }: BilledSubscription): Omit<Requested, 'plan'> {
  return { kind: 'cancel', stripe_subscription, interval: null, seats: null };
}

/** @throws UsageError `invalid_parameter`. */
function parseProrationDate(value: unknown, now: Instant): Instant | null {
  if (value === undefined) return null;
  const date = parseInstant(value, 'proration_date', 'invalid_parameter');
  if (date <= now && date >= now - MAX_PREVIEW_AGE_MS) return floorToSecond(date);
  const reason = 'It is the proration_date of a preview of the last hour.';
  throw new UsageError('invalid_parameter', { field: 'proration_date', value, reason });
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

function toResult(change: SubscriptionChange): ChangeResult {
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
