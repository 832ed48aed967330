import type { BillingProvider, Failed } from '../core/billing-provider.ts';
import { UsageError } from '../core/errors.ts';

/**
 * What Stripe answered, where a call of the app cannot go on without it.
 *
 * @throws UsageError with the refusal's code, in Stripe's words; `stripe_unavailable`.
 */
export function answered<Answer extends { readonly outcome: string }>(
  answer: Answer | Failed,
): Exclude<Answer, Failed> {
  if (isFailed(answer)) {
    const code = answer.outcome === 'refused' ? answer.code : 'stripe_unavailable';
    throw new UsageError(code, { reason: sentence(answer.message) });
  }
  return answer as Exclude<Answer, Failed>; // whatever is no failure is an answer
}

/** @throws UsageError `stripe_unavailable` when Stripe is not configured. */
export function configured(provider: BillingProvider | null): BillingProvider {
  if (provider) return provider;
  throw new UsageError('stripe_unavailable', { field: 'stripe', reason: 'Stripe is not configured.' });
}

function isFailed(answer: { readonly outcome: string }): answer is Failed {
  return answer.outcome === 'refused' || answer.outcome === 'unknown';
}

/** Stripe's messages end with a full stop, or not. */
function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
