import type { Failed } from './billing-provider.ts';
import type { Instant } from './environment.ts';

/** What subscribing needs of Stripe. As everywhere at this port, the answer is the result and nothing is thrown. */
export interface SubscribingProvider {
  /** The customer of an account that has none yet. Repeated calls, also at once, give the same one. */
  createCustomer(params: CreateCustomerParams): Promise<CreateCustomerResult>;
  /** A page at Stripe on which a customer subscribes; one that is open for the same request is used again. */
  openCheckout(params: OpenCheckoutParams): Promise<OpenCheckoutResult>;
  /** Subscribes a customer, whom the default payment method is charged of. Repeated calls subscribe once. */
  createSubscription(params: CreateSubscriptionParams): Promise<CreateSubscriptionResult>;
  /** Ends a subscription whose first invoice was never paid. */
  discardIncomplete(params: { readonly stripe_subscription: string }): Promise<DiscardIncompleteResult>;
  /** A page at Stripe on which a customer sees invoices, changes payment methods and cancels. */
  openPortal(params: OpenPortalParams): Promise<OpenPortalResult>;
  /** Whom a subscription, or a Checkout session, is about. */
  readOwner(params: { readonly object_id: string }): Promise<ReadOwnerResult>;
}

export interface CreateCustomerParams {
  readonly account_id: string;
  /** Of the account: two databases that know the same id do not share a customer. */
  readonly created_at: Instant;
  /** null = none. */
  readonly email: string | null;
}

export type CreateCustomerResult = { readonly outcome: 'created'; readonly stripe_customer: string } | Failed;

/** What is subscribed to. */
export interface SubscribingTerms {
  readonly account_id: string;
  readonly stripe_customer: string;
  readonly plan: string;
  readonly items: readonly {
    readonly stripe_price: string;
    /** null = metered. */
    readonly quantity: number | null;
  }[];
  /** null = no trial. */
  readonly trial: { readonly days: number } | { readonly end: Instant } | null;
  /** Tells this request from others of the account: what makes it the same when it is repeated. */
  readonly request: string;
}

export interface OpenCheckoutParams extends SubscribingTerms {
  readonly success_url: string;
  readonly cancel_url: string;
}

/** `completed`: the customer has just subscribed on another page. */
export type OpenCheckoutResult =
  | { readonly outcome: 'opened'; readonly url: string; readonly checkout_session: string }
  | { readonly outcome: 'completed'; readonly checkout_session: string }
  | Failed;

/**
 * What becomes of a subscription whose first invoice is not paid at once (docs.stripe.com/api/subscriptions/create):
 * it waits as `incomplete`, without a try at the payment (`default_incomplete`) or after one (`allow_incomplete`), or
 * it is not made at all.
 */
export type PaymentBehavior = 'allow_incomplete' | 'default_incomplete' | 'error_if_incomplete';

export interface CreateSubscriptionParams extends SubscribingTerms {
  readonly payment_behavior: PaymentBehavior;
}

export type CreateSubscriptionResult =
  | { readonly outcome: 'created'; readonly stripe_subscription: string }
  | Failed;

export type DiscardIncompleteResult = { readonly outcome: 'discarded' } | Failed;

export interface OpenPortalParams {
  readonly stripe_customer: string;
  readonly return_url: string;
}

export type OpenPortalResult = { readonly outcome: 'opened'; readonly url: string } | Failed;

/** null = it names none. */
export type ReadOwnerResult =
  | {
      readonly outcome: 'read';
      readonly account_id: string | null;
      readonly stripe_customer: string | null;
    }
  | Failed;
