import { ratedLines } from './invoice-lines.ts';
import type { ChargeRecord, InvoiceItemRecord, InvoiceLineRecord, SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

/** What the next invoice of a billing cycle takes along: what waits for it, and what waits for any invoice. */
export function pendingForCycle(
  simulation: Simulation,
  subscription: SubscriptionRecord,
): InvoiceItemRecord[] {
  return pendingItems(simulation, subscription).filter(
    ({ line }) => line.subscription === null || line.subscription === subscription.id,
  );
}

/** What waits for an invoice of the subscription and no other. */
export function pendingOf(simulation: Simulation, subscription: SubscriptionRecord): InvoiceItemRecord[] {
  return pendingItems(simulation, subscription).filter(({ line }) => line.subscription === subscription.id);
}

/** What waits for any invoice of the customer in a currency, the newest first as Stripe sorts it on an invoice. */
export function pendingItems(
  { state }: Simulation,
  { customer, currency }: { readonly customer: string; readonly currency: string },
): InvoiceItemRecord[] {
  return state.invoiceItems
    .of(customer)
    .filter((item) => item.invoice === null && item.currency === currency)
    .sort((a, b) => b.created - a.created);
}

/** Rates what a change bills, now and for good. What costs nothing because there is nothing of it, has no line. */
export function prorationLines(
  simulation: Simulation,
  { customer }: SubscriptionRecord,
  charges: readonly ChargeRecord[],
): InvoiceLineRecord[] {
  return charges
    .flatMap((charge) => ratedLines(simulation, customer, charge))
    .filter(({ amount, quantity }) => amount !== 0 || quantity !== 0)
    .map((line) => ({ ...line, proration: true }));
}

/** Lets what a change bills wait for the next invoice. */
export function addProrations(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  charges: readonly ChargeRecord[],
): InvoiceItemRecord[] {
  return prorationLines(simulation, subscription, charges).map((line) => {
    const id = simulation.newId('ii');
    return simulation.state.invoiceItems.put({
      id,
      created: simulation.now_s,
      customer: subscription.customer,
      currency: subscription.currency,
      invoice: null,
      line: { ...line, invoice_item: id },
    });
  });
}
