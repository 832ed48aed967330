import { parseAccountId } from '../core/account.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import { UsageError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { parseFields } from '../core/usage-event.ts';
import { errorOf, findSubscription, type SubscriptionChangesContext } from './planned-change.ts';

export interface ResumeParams {
  readonly account: string;
  /**
   * The invoices that a pause has left as drafts. `collect`: Stripe makes them final within an hour, and charges them.
   * `keep`: they stay drafts, until somebody decides at Stripe. Default: `collect`.
   */
  readonly drafts?: 'collect' | 'keep';
}

const ACCOUNT_FIELDS = new Set(['account']);
const RESUME_FIELDS = new Set(['account', 'drafts']);
/** Of an account's subscriptions that have ended, the newest so many are looked at for drafts. */
const MAX_ENDED = 10;

/** The methods that pause the collection of payments, and end the pause. */
export function createCollectionPauses(context: SubscriptionChangesContext) {
  async function pause(params: unknown): Promise<void> {
    const { account } = parseFields(params, ACCOUNT_FIELDS);
    const { subscription, provider } = await findSubscription(context, account);
    const { stripe_subscription, cancel_at_period_end, cancel_at } = subscription;
    if (cancel_at_period_end || cancel_at !== null) {
      const when = cancel_at === null ? 'with its period' : `at ${formatInstant(cancel_at)}`;
      const reason = `${stripe_subscription} ends ${when}.`;
      throw new UsageError('subscription_ending', { field: 'account', reason });
    }
    await setEnd(provider, { stripe_subscription, is_paused: true });
  }

  async function resume(params: unknown): Promise<void> {
    const { account, drafts = 'collect' } = parseFields(params, RESUME_FIELDS);
    if (drafts !== 'collect' && drafts !== 'keep') {
      const reason = 'It is collect or keep.';
      throw new UsageError('invalid_parameter', { field: 'drafts', value: drafts, reason });
    }
    try {
      const { provider, subscription } = await findSubscription(context, account);
      const { stripe_subscription } = subscription;
      await setEnd(provider, { stripe_subscription, is_paused: false, cancel_at_period_end: false });
      if (drafts === 'collect') await collectDrafts(provider, stripe_subscription);
    } catch (error) {
      const hasEnded = error instanceof UsageError && error.code === 'subscription_not_found';
      if (!hasEnded || drafts === 'keep' || !(await collectEnded(context, account))) throw error;
    }
  }

  return { pause, resume };
}

/** Whether a subscription ends with its period, and whether its invoices are collected. */
export async function setEnd(
  provider: BillingProvider,
  params: Parameters<BillingProvider['setSubscriptionEnd']>[0],
): Promise<void> {
  const result = await provider.setSubscriptionEnd(params);
  if (result.outcome !== 'changed') throw errorOf(result);
}

/**
 * A subscription that ended while its collection was paused, as the Dashboard lets it, has left its last invoice a draft.
 *
 * @returns whether there was one.
 */
async function collectEnded(
  { store, provider }: SubscriptionChangesContext,
  account: unknown,
): Promise<boolean> {
  if (!provider) return false;
  const known = await store.listSubscriptions({ account_id: parseAccountId(account) });
  const ended = known
    .filter(({ ended_at }) => ended_at !== null)
    .toSorted((a, b) => b.created_at - a.created_at)
    .slice(0, MAX_ENDED);
  let collected = 0;
  for (const { stripe_subscription } of ended) {
    collected += await collectDrafts(provider, stripe_subscription);
  }
  return collected > 0;
}

/** @returns how many drafts there were. */
async function collectDrafts(provider: BillingProvider, stripe_subscription: string): Promise<number> {
  const result = await provider.collectDrafts({ stripe_subscription });
  if (result.outcome !== 'collecting') throw errorOf(result);
  return result.invoices;
}
