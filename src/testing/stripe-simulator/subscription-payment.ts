import { emitChange } from './events.ts';
import type { InvoiceRecord, SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { subscriptionView } from './subscription-view.ts';

/**
 * What the payment of an invoice makes of its subscription (docs.stripe.com/billing/subscriptions/overview): one that
 * waited for it becomes active, and one whose charge failed is past due. A first invoice that is void ends it.
 */
export function followPayment(simulation: Simulation, invoice: InvoiceRecord): void {
  const { state } = simulation;
  const before = invoice.subscription === null ? undefined : state.subscriptions.get(invoice.subscription);
  if (!before) return;
  const status = statusAfter(simulation, before, invoice);
  if (status === before.status) return;
  const ended_at = status === 'incomplete_expired' ? simulation.now_s : before.ended_at;
  const after = state.subscriptions.put({ ...before, status, ended_at });
  simulation.expectPeriodEnd(after);
  const view = (subscription: SubscriptionRecord) => () => subscriptionView(simulation, subscription);
  emitChange(simulation, 'customer.subscription.updated', view(before), view(after));
}

/** The status of a subscription with an invoice that has just become what it is. */
export function statusAfter(
  { state }: Simulation,
  { id, status, customer }: SubscriptionRecord,
  invoice: InvoiceRecord | null,
): SubscriptionRecord['status'] {
  if (invoice === null || invoice.collection_method === 'send_invoice') return status;
  if (invoice.status === 'open' && status === 'active') return 'past_due';
  if (status === 'incomplete' && invoice.status === 'void') return 'incomplete_expired';
  const isUnpaid = (other: InvoiceRecord) =>
    other.id !== invoice.id && other.subscription === id && other.status === 'open';
  const waits = status === 'incomplete' || status === 'past_due';
  return waits && invoice.status === 'paid' && !state.invoices.of(customer).some(isUnpaid)
    ? 'active'
    : status;
}
