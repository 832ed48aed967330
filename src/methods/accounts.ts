import { type Account, parseAccountId, parseStripeCustomer } from '../core/account.ts';
import { UsageError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { parsePlan } from '../core/plan.ts';
import type { SubscriptionStatus } from '../core/stripe-subscription.ts';
import { parseFields } from '../core/usage-event.ts';
import { existingAccount, type SyncContext, syncAccount } from './account-syncing.ts';
import { answered, configured } from './stripe-answers.ts';
import { readSubscription, type SubscriptionResult } from './subscription-result.ts';

/** Parameters of `usage.accounts.set`; what is left out stays as it is. */
export interface SetAccountParams<Plan extends string = string> {
  readonly account: string;
  /** Name of a configured plan; null = none. */
  readonly plan?: Plan | null;
  /** `cus_…`, which no other account may have; null = not linked. */
  readonly stripe_customer?: string | null;
  /**
   * `sub_…` of that customer, or of the customer that the account has: it is checked with Stripe, whose subscriptions
   * of the customer are then read at once. Without a customer, the account is linked to the subscription's.
   */
  readonly stripe_subscription?: string;
}

/** An account as `usage.accounts` answers it. */
export interface AccountResult<Plan extends string = string> {
  readonly account: string;
  /** null = none. */
  readonly plan: Plan | null;
  /** null = not linked: usage is counted, and its reports wait. */
  readonly stripe_customer: string | null;
  /** `linked`: it has a Stripe customer. `unlinked`: it has none, as after a first increment, whatever its plan. */
  readonly status: 'unlinked' | 'linked';
  /** ISO 8601 in UTC. */
  readonly created_at: string;
}

/** An account as `usage.accounts.get` answers it. */
export interface AccountDetails<Plan extends string = string> extends AccountResult<Plan> {
  /** Of the subscription that `usage.subscriptions.get` tells more of. */
  readonly subscription_status: SubscriptionStatus | 'none';
  /** When Stripe was last asked about subscriptions; null = never since the account was linked. */
  readonly synced_at: string | null;
}

export interface AccountsPage<Plan extends string = string> {
  readonly accounts: readonly AccountResult<Plan>[];
  /** Pass as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

const SET_FIELDS = new Set(['account', 'plan', 'stripe_customer', 'stripe_subscription']);
const ACCOUNT_FIELDS = new Set(['account']);
const LIST_FIELDS = new Set(['after', 'limit']);
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** The methods behind `usage.accounts`. */
export function createAccounts(context: SyncContext) {
  const { store, clock, plans } = context;

  /** Whose a subscription is. @throws UsageError `subscription_not_found`, `stripe_unavailable`, `stripe_refused`. */
  async function customerOf(account_id: string, customer: string | undefined, subscription: string) {
    const provider = configured(context.provider);
    const { stripe_customer } = answered(await provider.readOwner({ object_id: subscription }));
    const known = await store.getAccount({ account_id });
    const expected = customer ?? known?.account.stripe_customer ?? stripe_customer;
    if (stripe_customer !== null && expected === stripe_customer) return stripe_customer;
    const reason = `It belongs to ${stripe_customer ?? 'no customer'}, not to ${expected ?? 'one'}.`;
    throw new UsageError('subscription_not_found', {
      field: 'stripe_subscription',
      value: subscription,
      reason,
    });
  }

  return {
    async set(params: unknown): Promise<AccountResult> {
      const fields = parseFields(params, SET_FIELDS);
      const account_id = parseAccountId(fields['account']);
      const { plan } = fields;
      const parsed = plan === undefined || plan === null ? plan : parsePlan(plan, plans);
      const customer = parseCustomer(fields['stripe_customer']);
      const subscription = parseSubscription(fields['stripe_subscription'], customer);
      const stripe_customer =
        subscription === undefined
          ? customer
          : await customerOf(account_id, customer ?? undefined, subscription);
      const account = await store.setAccount({ account_id, plan: parsed, stripe_customer, now: clock.now() });
      if (subscription === undefined) return toResult(account);
      await syncAccount(context, account);
      return toResult(await existingAccount(store, account_id));
    },

    async get(params: unknown): Promise<AccountDetails> {
      const account_id = parseAccountId(parseFields(params, ACCOUNT_FIELDS)['account']);
      const account = await existingAccount(store, account_id);
      const { status, synced_at } = await readSubscription(store, account);
      return { ...toResult(account), subscription_status: status, synced_at };
    },

    async sync(params: unknown): Promise<SubscriptionResult> {
      const account_id = parseAccountId(parseFields(params, ACCOUNT_FIELDS)['account']);
      await syncAccount(context, await existingAccount(store, account_id));
      return await readSubscription(store, await existingAccount(store, account_id));
    },

    async list(params: unknown = {}): Promise<AccountsPage> {
      const { after, limit = DEFAULT_LIMIT } = parseFields(params, LIST_FIELDS);
      if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
        const reason = `It is a whole number from 1 to ${MAX_LIMIT}.`;
        throw new UsageError('invalid_parameter', { field: 'limit', value: limit, reason });
      }
      const first = after === undefined ? null : parseAccountId(after);
      const accounts = await store.listAccounts({ after: first, limit });
      const next = accounts.length === limit ? (accounts.at(-1)?.account_id ?? null) : null;
      return { accounts: accounts.map(toResult), next };
    },
  };
}

function parseCustomer(value: unknown): string | null | undefined {
  return value === undefined || value === null ? value : parseStripeCustomer(value);
}

/** @throws UsageError `invalid_parameter`. */
function parseSubscription(value: unknown, customer: string | null | undefined): string | undefined {
  if (value === undefined) return undefined;
  const field = 'stripe_subscription';
  if (customer === null) {
    throw new UsageError('invalid_parameter', { field, reason: 'Without a customer there is none.' });
  }
  if (typeof value === 'string' && /^sub_\w{1,250}$/.test(value)) return value;
  throw new UsageError('invalid_parameter', {
    field,
    value,
    reason: 'It is a subscription at Stripe: sub_….',
  });
}

function toResult({ account_id, plan, stripe_customer, created_at }: Account): AccountResult {
  return {
    account: account_id,
    plan,
    stripe_customer,
    status: stripe_customer === null ? 'unlinked' : 'linked',
    created_at: formatInstant(created_at),
  };
}
