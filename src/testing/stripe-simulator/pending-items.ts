import { emitSnapshot } from './events.ts';
import { invoiceItemView } from './invoice-item-view.ts';
import { ratedLines } from './invoice-lines.ts';
import type {
  ChargeRecord,
  InvoiceItemRecord,
  InvoiceLineRecord,
  InvoiceRecord,
  SubscriptionRecord,
} from './records.ts';
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
  return prorationLines(simulation, subscription, charges).map((line) =>
    addItem(simulation, subscription, line, null),
  );
}

/** Adds something to a draft; null: to the next invoice that takes it. */
export function addItem(
  simulation: Simulation,
  { customer, currency }: { readonly customer: string; readonly currency: string },
  line: Omit<InvoiceLineRecord, 'invoice_item'>,
  draft: InvoiceRecord | null,
): InvoiceItemRecord {
  const { state, now_s } = simulation;
  const id = simulation.newId('ii');
  const invoice = draft?.id ?? null;
  if (draft) state.invoices.put({ ...draft, items: [...draft.items, id] });
  const item = state.invoiceItems.put({
    id,
    created: now_s,
    customer,
    currency,
    invoice,
    line: { ...line, invoice_item: id },
  });
  emitSnapshot(simulation, 'invoiceitem.created', () => invoiceItemView(simulation, item));
  return item;
}

/** Takes an item off its draft and forgets it. */
export function dropItem(simulation: Simulation, item: InvoiceItemRecord): void {
  const { state } = simulation;
  const { id, invoice } = item;
  const draft = state.invoices.get(invoice ?? '');
  if (draft) state.invoices.put({ ...draft, items: draft.items.filter((other) => other !== id) });
  state.invoiceItems.delete(id);
  emitSnapshot(simulation, 'invoiceitem.deleted', () => invoiceItemView(simulation, item));
}
