import { type Account, parseAccountId, parseStripeCustomer } from './core/account.ts';
import type { Clock } from './core/environment.ts';
import { UsageError } from './core/errors.ts';
import { formatInstant } from './core/instant.ts';
import { type Plans, parsePlan } from './core/plan.ts';
import type { Store } from './core/store.ts';
import { parseFields } from './core/usage-event.ts';

/** Parameters of `usage.accounts.set`; what is left out stays as it is. */
export interface SetAccountParams<Plan extends string = string> {
  readonly account: string;
  /** Name of a configured plan; null = none. */
  readonly plan?: Plan | null;
  /** `cus_…`, which no other account may have; null = not linked. */
  readonly stripe_customer?: string | null;
}

/** An account as `usage.accounts` answers it. */
export interface AccountResult<Plan extends string = string> {
  readonly account: string;
  /** null = none. */
  readonly plan: Plan | null;
  /** null = not linked: usage is counted, and its reports wait. */
  readonly stripe_customer: string | null;
  /** `unlinked`: neither a plan nor a Stripe customer was set, as after a first increment. */
  readonly status: 'unlinked' | 'linked';
  /** ISO 8601 in UTC. */
  readonly created_at: string;
}

export interface AccountsPage<Plan extends string = string> {
  readonly accounts: readonly AccountResult<Plan>[];
  /** Pass as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

interface AccountsContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly plans: Plans;
}

const SET_FIELDS = new Set(['account', 'plan', 'stripe_customer']);
const GET_FIELDS = new Set(['account']);
const LIST_FIELDS = new Set(['after', 'limit']);
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** The methods behind `usage.accounts`. */
export function createAccounts({ store, clock, plans }: AccountsContext) {
  return {
    async set(params: unknown): Promise<AccountResult> {
      const { account, plan, stripe_customer } = parseFields(params, SET_FIELDS);
      return toResult(
        await store.setAccount({
          account_id: parseAccountId(account),
          plan: plan === undefined || plan === null ? plan : parsePlan(plan, plans),
          stripe_customer:
            stripe_customer === undefined || stripe_customer === null
              ? stripe_customer
              : parseStripeCustomer(stripe_customer),
          now: clock.now(),
        }),
      );
    },

    async get(params: unknown): Promise<AccountResult> {
      const account_id = parseAccountId(parseFields(params, GET_FIELDS)['account']);
      const found = await store.getAccount({ account_id });
      if (!found) throw new UsageError('account_not_found', { field: 'account', value: account_id });
      return toResult(found.account);
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

function toResult({ account_id, plan, stripe_customer, created_at }: Account): AccountResult {
  return {
    account: account_id,
    plan,
    stripe_customer,
    status: plan === null && stripe_customer === null ? 'unlinked' : 'linked',
    created_at: formatInstant(created_at),
  };
}
