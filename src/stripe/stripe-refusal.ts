import type { RefusalCode } from '../core/billing-provider.ts';

/** What of Stripe's error says why it refuses (docs.stripe.com/error-codes). */
export interface RefusalShape {
  readonly message: string;
  readonly code?: string;
  /** Stripe's own type of the error, in snake_case. */
  readonly rawType?: string;
  readonly param?: string;
}

/**
 * Names the refusals that a person can do something about; everything else is `stripe_refused`, in Stripe's words. Where
 * Stripe has a code for it, the code decides; some refusals of subscriptions have none, or share one, and are known by
 * what they are about and by their words.
 */
export function refusalCodeOf(shape: RefusalShape): RefusalCode {
  const { message, code, rawType } = shape;
  // Whatever is missing, it is there in the other mode.
  if (/similar object exists in (live|test) mode/i.test(message)) return 'stripe_mode_mismatch';
  if (code === 'resource_missing') {
    const missing = missingCodeOf(shape);
    if (missing) return missing;
  }
  const coded = code === undefined ? undefined : CODES.get(code);
  if (coded) return coded;
  if (rawType === 'card_error') return 'payment_failed';
  return WORDS.find(([words]) => words.test(message))?.[1] ?? 'stripe_refused';
}

/** Codes of Stripe's that mean one thing, whatever was asked. */
const CODES: ReadonlyMap<string, RefusalCode> = new Map<string, RefusalCode>([
  ['livemode_mismatch', 'stripe_mode_mismatch'],
  ['product_inactive', 'price_not_found'],
  ['authentication_required', 'payment_action_required'],
  ['invoice_payment_intent_requires_action', 'payment_action_required'],
  ['payment_intent_action_required', 'payment_action_required'],
  ['subscription_payment_intent_requires_action', 'payment_action_required'],
  ['authentication_failure', 'payment_failed'],
  ['debit_not_authorized', 'payment_failed'],
  ['expired_payment_method', 'payment_failed'],
  ['insufficient_funds', 'payment_failed'],
  ['payment_intent_authentication_failure', 'payment_failed'],
  ['payment_intent_payment_attempt_expired', 'payment_failed'],
  ['payment_intent_payment_attempt_failed', 'payment_failed'],
  ['payment_method_customer_decline', 'payment_failed'],
  ['payment_method_provider_decline', 'payment_failed'],
  ['payment_method_currency_mismatch', 'currency_mismatch'],
]);

/** Refusals without a code of their own, in Stripe's words. */
const WORDS: readonly (readonly [RegExp, RefusalCode])[] = [
  [/combine currencies|same currency|currency of the/i, 'currency_mismatch'],
  [/customer.*(has been|is|was) deleted/i, 'stripe_customer_deleted'],
  [/price.*(inactive|not active)/i, 'price_not_found'],
  [/no attached payment source|no active card|no default payment method/i, 'payment_method_missing'],
];

/** What it is that does not exist; null = nothing of what is asked for here. */
function missingCodeOf({ message, param }: RefusalShape): RefusalCode | null {
  if (/payment ?(source|method)/i.test(message)) return 'payment_method_missing';
  if (param === 'customer' || /^no such customer/i.test(message)) return 'stripe_customer_deleted';
  if (param?.includes('price') || /^no such price/i.test(message)) return 'price_not_found';
  if (/^no such subscription/i.test(message)) return 'subscription_not_found';
  return null;
}
