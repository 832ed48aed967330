import type { RefusalCode } from '../core/billing-provider.ts';

/** What of Stripe's error says why it refuses (docs.stripe.com/error-codes). */
export interface RefusalShape {
  readonly message: string;
  readonly code?: string;
  /** Stripe's own type of the error, in snake_case. */
  readonly rawType?: string;
  readonly param?: string;
}

/** Names the refusals that a person can do something about; everything else is `stripe_refused`, in Stripe's words. */
export function refusalCodeOf({ message, code, rawType, param }: RefusalShape): RefusalCode {
  if (/similar object exists in (live|test) mode/i.test(message)) return 'stripe_mode_mismatch';
  if (code === 'resource_missing') {
    if (/payment (source|method)/i.test(message)) return 'payment_method_missing';
    if (param === 'customer') return 'stripe_customer_deleted';
    if (param?.includes('price')) return 'price_not_found';
    if (/^no such subscription/i.test(message)) return 'subscription_not_found';
    if (/^no such customer/i.test(message)) return 'stripe_customer_deleted';
    if (/^no such price/i.test(message)) return 'price_not_found';
  }
  if (/customer.*(has been|is) deleted/i.test(message)) return 'stripe_customer_deleted';
  if (/no attached payment source|default payment method/i.test(message)) return 'payment_method_missing';
  if (/combine currencies|currency of the|same currency/i.test(message)) return 'currency_mismatch';
  if (/price.*inactive/i.test(message)) return 'price_not_found';
  if (code === 'authentication_required' || code === 'subscription_payment_intent_requires_action') {
    return 'payment_action_required';
  }
  if (rawType === 'card_error') return 'payment_failed';
  return 'stripe_refused';
}
