import type { Metadata } from './records.ts';

/** What charging a card comes to; which test cards there are is in `payment-methods.ts`. */
export type CardBehavior = 'pays' | 'declines' | 'asks';

export interface PaymentMethodRecord {
  readonly id: string;
  readonly created: number;
  /** null: of nobody, or no longer. */
  readonly customer: string | null;
  readonly brand: string;
  readonly last4: string;
  readonly behavior: CardBehavior;
  readonly metadata: Metadata;
}

/** How the payment of an invoice stands; the id is that of the PaymentIntent. */
export interface PaymentRecord {
  readonly id: string;
  readonly created: number;
  readonly invoice: string;
  readonly customer: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: 'requires_payment_method' | 'requires_action' | 'succeeded' | 'canceled';
  /** How often it was tried. */
  readonly attempts: number;
  /** What was charged last; null: nothing was, or a customer who always pays. */
  readonly payment_method: string | null;
  /** When it succeeded; null: not yet. */
  readonly paid_at: number | null;
}

export interface CheckoutSessionRecord {
  readonly id: string;
  readonly created: number;
  readonly expires_at: number;
  readonly status: 'open' | 'complete' | 'expired';
  /** null: made when it is completed. */
  readonly customer: string | null;
  readonly customer_email: string | null;
  readonly client_reference_id: string | null;
  readonly currency: string;
  /** Texts, as the form of a new subscription has them. */
  readonly items: readonly { readonly price: string; readonly quantity?: string }[];
  /** Further parameters of the subscription, as its form has them. */
  readonly subscription_data: {
    readonly billing_mode: 'flexible' | 'classic';
    readonly description: string | null;
    readonly metadata: Metadata;
    readonly trial_period_days: number | null;
    readonly trial_end: number | null;
  };
  readonly metadata: Metadata;
  readonly success_url: string | null;
  readonly cancel_url: string | null;
  /** null: not complete. */
  readonly subscription: string | null;
}

export interface PortalSessionRecord {
  readonly id: string;
  readonly created: number;
  readonly customer: string;
  readonly configuration: string;
  readonly return_url: string | null;
}
