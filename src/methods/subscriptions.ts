import { type Account, parseAccountId } from '../core/account.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import type { Environment } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { DateInput } from '../core/instant.ts';
import { type Plan, type PriceInterval, parsePlan } from '../core/plan.ts';
import { billingSubscriptions, isLive, type StripeSubscription } from '../core/stripe-subscription.ts';
import type { PaymentBehavior, SubscribingTerms } from '../core/subscribing.ts';
import { parseFields, parseIdempotencyKey } from '../core/usage-event.ts';
import { existingAccount, type SyncContext, syncAccount } from './account-syncing.ts';
import { answered, configured } from './stripe-answers.ts';
import {
  itemsAtStripe,
  parseEmail,
  parseInterval,
  parseSeats,
  parseTrial,
  parseUrl,
} from './subscribing-terms.ts';
import { readSubscription, type SubscriptionResult } from './subscription-result.ts';

/** What an account is to be subscribed to. */
interface SubscribeParams<Plan extends string> {
  /** An account that is not known yet is created. */
  readonly account: string;
  /** A configured plan that is not free. */
  readonly plan: Plan;
  /** Default: the plan's only one. */
  readonly interval?: PriceInterval;
  /** 1 to 730; usage during the trial is never billed. Default: no trial. */
  readonly trial_days?: number;
  /** Of plans with a price of seats: 1 to 1,000,000; default 1. */
  readonly seats?: number;
  /** For the Stripe customer, where the account has none yet. */
  readonly customer_email?: string;
}

/** Parameters of `usage.subscriptions.checkout`. */
export interface CheckoutParams<Plan extends string = string> extends SubscribeParams<Plan> {
  /** Where Stripe sends the customer afterwards; it replaces `{CHECKOUT_SESSION_ID}` in it. */
  readonly success_url: string;
  /** Where Stripe sends a customer who goes back. */
  readonly cancel_url: string;
}

export interface CheckoutResult {
  /** Stripe's page: send the customer there. */
  readonly url: string;
  /** `cs_…` */
  readonly checkout_session: string;
}

/** Parameters of `usage.subscriptions.create`. */
export interface CreateSubscriptionParams<Plan extends string = string> extends SubscribeParams<Plan> {
  /** In place of `trial_days`: a whole second in the future, at most 730 days ahead. */
  readonly trial_end?: DateInput;
  /**
   * What becomes of it when the first invoice is not paid at once. `allow_incomplete`: it waits for the customer as
   * `incomplete`. `default_incomplete`: the same, without trying the payment. `error_if_incomplete`: it is not made, and
   * the error says why. Default: `allow_incomplete`.
   */
  readonly payment_behavior?: PaymentBehavior;
  /** Tells this request from others. Default: calls with the same content are the same request. */
  readonly idempotency_key?: string;
}

/** Parameters of `usage.subscriptions.portal`. */
export interface PortalParams {
  readonly account: string;
  /** Where Stripe sends the customer afterwards. */
  readonly return_url: string;
}

interface SubscriptionsContext extends Omit<SyncContext, 'clock'> {
  readonly environment: Environment;
}

const TERMS = ['account', 'plan', 'interval', 'trial_days', 'seats', 'customer_email'];
const CHECKOUT_FIELDS = new Set([...TERMS, 'success_url', 'cancel_url']);
const CREATE_FIELDS = new Set([...TERMS, 'trial_end', 'payment_behavior', 'idempotency_key']);
const PORTAL_FIELDS = new Set(['account', 'return_url']);
const GET_FIELDS = new Set(['account']);
const BEHAVIORS: readonly PaymentBehavior[] = [
  'allow_incomplete',
  'default_incomplete',
  'error_if_incomplete',
];

/** The methods behind `usage.subscriptions` that make subscriptions and show them. */
export function createSubscriptions({ environment, ...rest }: SubscriptionsContext) {
  const { clock } = environment;
  const context: SyncContext = { ...rest, clock };
  const { store, plans } = context;

  function parseTerms(fields: Readonly<Record<string, unknown>>): ParsedTerms {
    const name = parsePlan(fields['plan'], plans);
    const plan = plans[name];
    if (!plan) throw new UsageError('invalid_plan', { field: 'plan', value: name });
    const interval = parseInterval(fields['interval'], name, plan);
    return {
      account_id: parseAccountId(fields['account']),
      name,
      plan,
      interval,
      seats: parseSeats(fields['seats'], plan, interval),
      trial: parseTrial(fields['trial_days'], fields['trial_end'], clock.now()),
      email: parseEmail(fields['customer_email']),
    };
  }

  /** The account with its customer, who is created if need be. Of two calls at once, both get the same. */
  async function linkedAccount(provider: BillingProvider, { account_id, email }: ParsedTerms) {
    const now = clock.now();
    const account = await store.setAccount({ account_id, now });
    if (account.stripe_customer !== null) return withCustomer(account);
    const { created_at } = account;
    const { stripe_customer } = answered(await provider.createCustomer({ account_id, created_at, email }));
    return withCustomer(await store.linkAccount({ account_id, stripe_customer, now: clock.now() }));
  }

  async function termsAtStripe(
    provider: BillingProvider,
    parsed: ParsedTerms,
    account: LinkedAccount,
    request: string,
  ): Promise<SubscribingTerms> {
    const { account_id, name, plan, interval, seats, trial } = parsed;
    const items = await itemsAtStripe(provider, name, plan, interval, seats);
    const { stripe_customer } = account;
    return { account_id, stripe_customer, plan: name, items, trial, request };
  }

  /** Tells requests apart: what is the same when one is repeated. */
  function requestOf({ name, interval, seats, trial }: ParsedTerms, more: readonly unknown[]): string {
    return environment.digest(JSON.stringify([name, interval, seats, trial, ...more])).slice(0, 32);
  }

  /**
   * Refuses a second subscription beside one that bills. What waits for a first payment that never came is ended: the
   * customer has chosen anew.
   */
  async function makeRoom(provider: BillingProvider, all: readonly StripeSubscription[]): Promise<void> {
    const ours = new Set(billingSubscriptions(all, plans).map((each) => each.stripe_subscription));
    const known = all.filter((each) => ours.has(each.stripe_subscription));
    const live = known.find(isLive);
    if (live) {
      const value = live.stripe_subscription;
      throw new UsageError('already_subscribed', { field: 'account', reason: `${value} bills it already.` });
    }
    for (const { stripe_subscription, status } of known) {
      if (status === 'incomplete') answered(await provider.discardIncomplete({ stripe_subscription }));
    }
  }

  return {
    async checkout(params: unknown): Promise<CheckoutResult> {
      const fields = parseFields(params, CHECKOUT_FIELDS);
      const parsed = parseTerms(fields);
      const success_url = parseUrl(fields['success_url'], 'success_url');
      const cancel_url = parseUrl(fields['cancel_url'], 'cancel_url');
      const provider = configured(context.provider);
      const account = await linkedAccount(provider, parsed);
      await makeRoom(provider, await syncAccount(context, account));
      const request = requestOf(parsed, [success_url, cancel_url]);
      const terms = await termsAtStripe(provider, parsed, account, request);
      const opened = answered(await provider.openCheckout({ ...terms, success_url, cancel_url }));
      if (opened.outcome === 'completed') {
        const reason = `The customer has just completed ${opened.checkout_session}.`;
        throw new UsageError('already_subscribed', { field: 'account', reason });
      }
      return { url: opened.url, checkout_session: opened.checkout_session };
    },

    async create(params: unknown): Promise<SubscriptionResult> {
      const fields = parseFields(params, CREATE_FIELDS);
      const parsed = parseTerms(fields);
      const key = parseIdempotencyKey(fields['idempotency_key']);
      const payment_behavior = parseBehavior(fields['payment_behavior']);
      const provider = configured(context.provider);
      const account = await linkedAccount(provider, parsed);
      const request = requestOf(parsed, [key]);
      const before = await syncAccount(context, account);
      if (!before.some((each) => isAlive(each) && each.request === request)) {
        await makeRoom(provider, before);
        const terms = await termsAtStripe(provider, parsed, account, request);
        const made = answered(await provider.createSubscription({ ...terms, payment_behavior }));
        const after = await syncAccount(context, account);
        refuseOther(after, made.stripe_subscription, request);
      }
      return await readSubscription(store, await existingAccount(store, parsed.account_id));
    },

    async portal(params: unknown): Promise<{ readonly url: string }> {
      const fields = parseFields(params, PORTAL_FIELDS);
      const account_id = parseAccountId(fields['account']);
      const return_url = parseUrl(fields['return_url'], 'return_url');
      const provider = configured(context.provider);
      const { stripe_customer } = await existingAccount(store, account_id);
      if (stripe_customer === null) {
        const reason = 'The account has no Stripe customer.';
        throw new UsageError('subscription_not_found', { field: 'account', value: account_id, reason });
      }
      const { url } = answered(await provider.openPortal({ stripe_customer, return_url }));
      return { url };
    },

    async get(params: unknown): Promise<SubscriptionResult> {
      const account_id = parseAccountId(parseFields(params, GET_FIELDS)['account']);
      return await readSubscription(store, await existingAccount(store, account_id));
    },
  };
}

/** The terms that a caller named, checked. */
interface ParsedTerms {
  readonly account_id: string;
  /** Of the plan. */
  readonly name: string;
  readonly plan: Plan;
  readonly interval: PriceInterval;
  /** null = the plan sells none. */
  readonly seats: number | null;
  readonly trial: SubscribingTerms['trial'];
  /** null = none. */
  readonly email: string | null;
}

type LinkedAccount = Account & { readonly stripe_customer: string };

function withCustomer(account: Account): LinkedAccount {
  const { stripe_customer } = account;
  if (stripe_customer === null) throw new Error('An account that was just linked has no customer.');
  return { ...account, stripe_customer };
}

function isAlive(subscription: StripeSubscription): boolean {
  return isLive(subscription) || subscription.status === 'incomplete';
}

/** Of two calls at once that ask for different things, one is made, and the other is told so. */
function refuseOther(all: readonly StripeSubscription[], made: string, request: string): void {
  const found = all.find((each) => each.stripe_subscription === made);
  if (found?.request === request) return;
  const reason = `${made} was made at the same time, with other terms.`;
  throw new UsageError('already_subscribed', { field: 'account', reason });
}

function parseBehavior(value: unknown): PaymentBehavior {
  if (value === undefined) return 'allow_incomplete';
  const behavior = BEHAVIORS.find((candidate) => candidate === value);
  if (behavior) return behavior;
  const reason = `It is one of ${BEHAVIORS.join(', ')}.`;
  throw new UsageError('invalid_parameter', { field: 'payment_behavior', value, reason });
}
