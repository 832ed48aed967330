import { emitSnapshot } from './events.ts';
import { invoiceView } from './invoice-view.ts';
import { customersCard, declined } from './payment-methods.ts';
import type { PaymentMethodRecord, PaymentRecord } from './payment-records.ts';
import type { InvoiceRecord, SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';

/**
 * What charging a customer comes to. `missing`: there is no payment method. `asks`: the customer must confirm.
 * `waits`: it is not tried.
 */
export type PaymentOutcome = 'pays' | 'declines' | 'asks' | 'missing' | 'waits';

/** What is charged for a subscription: its own payment method, or the customer's default. */
export function cardOf(
  { state }: Simulation,
  customer: string,
  subscription: Pick<SubscriptionRecord, 'default_payment_method'> | null,
): PaymentMethodRecord | null {
  const id = subscription?.default_payment_method ?? state.customers.get(customer)?.default_payment_method;
  return id == null ? null : (state.paymentMethods.get(id) ?? null);
}

/** What charging would come to. Without a payment method every customer pays, unless the simulator asks for one. */
export function outcomeOf({ settings }: Simulation, card: PaymentMethodRecord | null): PaymentOutcome {
  return card?.behavior ?? (settings.payment_methods === 'required' ? 'missing' : 'pays');
}

/** Why a subscription, or a payment, is refused that cannot wait for the customer. */
export function paymentRefusal(outcome: PaymentOutcome): StripeError {
  if (outcome === 'asks') {
    return new StripeError(
      'Payment for this subscription requires additional user action before it can be completed successfully.',
      {
        status: 402,
        type: 'card_error',
        code: 'subscription_payment_intent_requires_action',
      },
    );
  }
  if (outcome !== 'missing') return declined();
  return new StripeError(
    'This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://docs.stripe.com/billing/subscriptions/payment-methods-setting#payment-method-priority.',
    { code: 'resource_missing' },
  );
}

/** Writes down how the payment of a final invoice stands after a try, or without one. */
export function notePayment(
  simulation: Simulation,
  invoice: InvoiceRecord,
  outcome: PaymentOutcome,
  card: PaymentMethodRecord | null,
): PaymentRecord {
  const before = paymentOf(simulation, invoice.id);
  const tried = outcome === 'waits' || outcome === 'missing' ? 0 : 1;
  const { payments } = simulation.state;
  return payments.put({
    id: before?.id ?? simulation.newId('pi'),
    created: before?.created ?? simulation.now_s,
    invoice: invoice.id,
    customer: invoice.customer,
    amount: invoice.finalized?.settlement.amount_due ?? 0,
    currency: invoice.currency,
    status:
      outcome === 'pays' ? 'succeeded' : outcome === 'asks' ? 'requires_action' : 'requires_payment_method',
    attempts: (before?.attempts ?? 0) + tried,
    payment_method: card?.id ?? null,
    paid_at: outcome === 'pays' ? simulation.now_s : null,
  });
}

/**
 * Charges an open invoice. A try that fails is remembered, although the request is refused: so it is at Stripe.
 *
 * @param payment_method of the customer; undefined: the subscription's, or the customer's default.
 * @throws StripeError when the payment does not succeed.
 */
export function chargeInvoice(
  simulation: Simulation,
  invoice: InvoiceRecord,
  payment_method: string | undefined,
): void {
  const { customer, subscription } = invoice;
  const owner = subscription === null ? null : (simulation.state.subscriptions.get(subscription) ?? null);
  const card =
    payment_method === undefined
      ? cardOf(simulation, customer, owner)
      : customersCard(simulation, payment_method, { id: customer }, 'payment_method');
  const outcome = outcomeOf(simulation, card);
  notePayment(simulation, invoice, outcome, card);
  if (outcome === 'pays') return;
  emitUnpaid(simulation, invoice, outcome);
  throw paymentRefusal(outcome);
}

export function paymentOf({ state }: Simulation, invoice: string): PaymentRecord | null {
  return state.payments.of(invoice)[0] ?? null;
}

/** Tells the endpoint of a payment that did not succeed. */
export function emitUnpaid(simulation: Simulation, invoice: InvoiceRecord, outcome: PaymentOutcome): void {
  if (outcome === 'pays' || outcome === 'waits') return;
  const view = () => invoiceView(simulation, invoice);
  emitSnapshot(simulation, 'invoice.payment_failed', view);
  if (outcome === 'asks') emitSnapshot(simulation, 'invoice.payment_action_required', view);
}
