import { existingCustomer } from './customers.ts';
import type { FormObject } from './form.ts';
import type { FinalOutcome } from './invoice-issuing.ts';
import { ratedLines } from './invoice-lines.ts';
import { customersCard } from './payment-methods.ts';
import { cardOf, outcomeOf, type PaymentOutcome, paymentRefusal } from './payments.ts';
import type { SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';
import { billStart, isOver, rememberItems, startCharges } from './subscription-cycle.ts';
import { type SubscriptionTerms, subscriptionTerms } from './subscription-terms.ts';

/**
 * Makes a subscription and its first invoice.
 *
 * @param presence whether the customer is there to confirm a payment.
 * @throws StripeError also when a payment fails that must not (docs.stripe.com/api/subscriptions/create).
 */
export function startSubscription(
  simulation: Simulation,
  params: FormObject,
  presence: 'on_session' | 'off_session',
): SubscriptionRecord {
  const { payment_behavior = 'allow_incomplete', ...terms } = subscriptionTerms(simulation, params);
  const customer = existingCustomer(simulation, terms.customer, 'customer');
  refuseOtherCurrency(simulation, terms);
  if (terms.default_payment_method !== null) {
    customersCard(simulation, terms.default_payment_method, customer, 'default_payment_method');
  }
  const draft: SubscriptionRecord = {
    id: '',
    created: simulation.now_s,
    ...terms,
    items: terms.items.map((item) => ({ ...item, id: '', created: simulation.now_s })),
    canceled_at: terms.cancel_at_period_end ? simulation.now_s : null,
    ended_at: null,
    latest_invoice: null,
  };
  const payment = firstPayment(simulation, draft, presence);
  const isPaid = payment === 'pays' || draft.status === 'trialing';
  if (payment === 'missing' && payment_behavior !== 'default_incomplete') throw paymentRefusal(payment);
  if (!isPaid && payment_behavior === 'error_if_incomplete') throw paymentRefusal(payment);

  const isTried = payment_behavior !== 'default_incomplete';
  const waits = isDue(simulation, draft) && (!isPaid || !isTried);
  const subscription = simulation.state.subscriptions.put({
    ...draft,
    id: simulation.newId('sub'),
    status: waits ? 'incomplete' : draft.status,
    items: draft.items.map((item) => ({ ...item, id: simulation.newId('si') })),
  });
  rememberItems(simulation, subscription);
  simulation.expectPeriodEnd(subscription);
  const outcome: FinalOutcome = isTried
    ? presence === 'on_session'
      ? 'confirmed'
      : 'collected'
    : 'unattempted';
  return billStart(simulation, subscription, outcome);
}

/** What charging for the first period comes to. What is billed by use alone needs a payment method all the same. */
function firstPayment(
  simulation: Simulation,
  draft: SubscriptionRecord,
  presence: 'on_session' | 'off_session',
): PaymentOutcome {
  if (draft.status === 'trialing' || draft.collection_method === 'send_invoice') return 'pays';
  const outcome = outcomeOf(simulation, cardOf(simulation, draft.customer, draft));
  if (outcome === 'missing') return outcome;
  if (!isDue(simulation, draft)) return 'pays';
  return outcome === 'asks' && presence === 'on_session' ? 'pays' : outcome;
}

/** Whether something is charged at the start. */
function isDue(simulation: Simulation, draft: SubscriptionRecord): boolean {
  if (draft.collection_method === 'send_invoice') return false;
  const lines = startCharges(simulation, draft).flatMap((charge) =>
    ratedLines(simulation, draft.customer, charge),
  );
  return lines.reduce((sum, { amount }) => sum + amount, 0) > 0;
}

/** @throws StripeError when the customer is billed in another currency. */
export function refuseOtherCurrency(
  { state }: Simulation,
  { customer, currency }: Pick<SubscriptionTerms, 'customer' | 'currency'>,
): void {
  const other = state.subscriptions
    .of(customer)
    .find((subscription) => !isOver(subscription) && subscription.currency !== currency);
  if (!other) return;
  throw new StripeError(
    `You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency ${other.currency}.`,
  );
}
