import { applySettlement, settlementOf, unsettled } from './customer-balance.ts';
import { emitSnapshot } from './events.ts';
import { linesOf } from './invoice-lines.ts';
import { invoiceView } from './invoice-view.ts';
import type { PaymentMethodRecord } from './payment-records.ts';
import { cardOf, emitUnpaid, notePayment, outcomeOf, type PaymentOutcome, paymentOf } from './payments.ts';
import type {
  ChargeRecord,
  InvoiceItemRecord,
  InvoiceRecord,
  Period,
  SubscriptionRecord,
} from './records.ts';
import type { Simulation } from './simulation.ts';
import { followPayment } from './subscription-payment.ts';

/** What a new invoice of a subscription bills. */
export interface InvoiceContent {
  readonly billing_reason: InvoiceRecord['billing_reason'];
  readonly period: Period;
  readonly charges: readonly ChargeRecord[];
  /** Pending invoice items, which are no longer pending then. */
  readonly items: readonly InvoiceItemRecord[];
}

/** An invoice at the end of a period: a draft for the usual hour, unless nothing is collected. */
export function invoiceLater(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  content: InvoiceContent,
): InvoiceRecord {
  const draft = draftInvoice(simulation, subscription, content);
  const behavior = subscription.pause_collection?.behavior ?? 'keep_as_draft';
  return behavior === 'keep_as_draft' ? draft : finalizeInvoice(simulation, draft, OUTCOMES[behavior]);
}

/** An invoice that is final at once, unless drafts are kept because nothing is collected. */
export function invoiceNow(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  content: InvoiceContent,
  outcome: FinalOutcome = 'collected',
): InvoiceRecord {
  const draft = draftInvoice(simulation, subscription, content);
  const behavior = subscription.pause_collection?.behavior;
  if (behavior === 'keep_as_draft') return draft;
  return finalizeInvoice(simulation, draft, behavior === undefined ? outcome : OUTCOMES[behavior]);
}

/** What becomes of what is due when nothing is collected (docs.stripe.com/billing/subscriptions/pause-payment). */
const OUTCOMES = { mark_uncollectible: 'uncollectible', void: 'void' } as const;

function draftInvoice(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  { billing_reason, period, charges, items }: InvoiceContent,
): InvoiceRecord {
  const isHeld = subscription.pause_collection?.behavior === 'keep_as_draft';
  return putDraft(simulation, items, {
    customer: subscription.customer,
    subscription: subscription.id,
    currency: subscription.currency,
    billing_reason,
    collection_method: subscription.collection_method,
    days_until_due: subscription.days_until_due,
    period,
    charges,
    description: null,
    metadata: {},
    finalizes_at_ms: isHeld ? null : simulation.now_ms + simulation.settings.finalize_after_ms,
  });
}

/** Writes down a new draft with its invoice items. */
export function putDraft(
  simulation: Simulation,
  items: readonly InvoiceItemRecord[],
  draft: Omit<InvoiceRecord, 'id' | 'created' | 'items' | 'status' | 'finalized' | 'closed_at'>,
): InvoiceRecord {
  const invoice = simulation.state.invoices.put({
    id: simulation.newId('in'),
    created: simulation.now_s,
    ...draft,
    items: items.map(({ id }) => id),
    status: 'draft',
    finalized: null,
    closed_at: null,
  });
  for (const item of items) simulation.state.invoiceItems.put({ ...item, invoice: invoice.id });
  simulation.expectFinalization(invoice);
  emitSnapshot(simulation, 'invoice.created', () => invoiceView(simulation, invoice));
  return invoice;
}

/**
 * Rates a draft with what is counted by now, for good. What is due is charged at once, unless the invoice is sent, and
 * `open` until it is paid.
 *
 * @param outcome what becomes of what is due.
 */
export function finalizeInvoice(
  simulation: Simulation,
  draft: InvoiceRecord,
  outcome: FinalOutcome = 'collected',
): InvoiceRecord {
  const lines = linesOf(simulation, draft);
  const total = lines.reduce((sum, { amount }) => sum + amount, 0);
  const isForgiven = (outcome === 'void' || outcome === 'uncollectible') && total > 0;
  const settlement = isForgiven
    ? unsettled(simulation, draft, total)
    : settlementOf(simulation, draft, total);
  const isDue = settlement.amount_due > 0;
  const card = cardOf(simulation, draft.customer, subscriptionOf(simulation, draft));
  const payment = isDue ? paymentOutcome(simulation, draft, card, outcome) : 'pays';
  const status = isForgiven ? outcome : payment === 'pays' ? 'paid' : 'open';
  const invoice = simulation.state.invoices.put({
    ...draft,
    status,
    finalizes_at_ms: null,
    finalized: { at: simulation.now_s, number: `SIM-${draft.id.slice(-8)}`, lines, settlement },
    closed_at: status === 'open' ? null : simulation.now_s,
  });
  applySettlement(simulation, invoice);
  emitSnapshot(simulation, 'invoice.finalized', () => invoiceView(simulation, invoice));
  if (isDue && !isForgiven) {
    notePayment(simulation, invoice, payment, card);
    emitUnpaid(simulation, invoice, payment);
  }
  emitClosed(simulation, invoice);
  followPayment(simulation, invoice);
  return invoice;
}

/**
 * `collected`: charged, or sent. `confirmed`: the same, with the customer there to confirm it. `unattempted`: it waits
 * for the customer without a try.
 */
export type FinalOutcome = 'collected' | 'confirmed' | 'unattempted' | 'uncollectible' | 'void';

function subscriptionOf({ state }: Simulation, { subscription }: InvoiceRecord): SubscriptionRecord | null {
  return subscription === null ? null : (state.subscriptions.get(subscription) ?? null);
}

function paymentOutcome(
  simulation: Simulation,
  { collection_method }: InvoiceRecord,
  card: PaymentMethodRecord | null,
  outcome: FinalOutcome,
): PaymentOutcome {
  if (collection_method === 'send_invoice' || outcome === 'unattempted') return 'waits';
  const charged = outcomeOf(simulation, card);
  return charged === 'asks' && outcome === 'confirmed' ? 'pays' : charged;
}

/** Tells the endpoint what became of an invoice that is final. */
export function emitClosed(simulation: Simulation, invoice: InvoiceRecord): void {
  const type = CLOSED_EVENTS[invoice.status];
  const view = () => invoiceView(simulation, invoice);
  if (type !== undefined) emitSnapshot(simulation, type, view);
  // Of what nobody had to pay, no payment succeeds.
  const isPaid = invoice.status === 'paid' && paymentOf(simulation, invoice.id)?.status === 'succeeded';
  if (isPaid) emitSnapshot(simulation, 'invoice.payment_succeeded', view);
}

const CLOSED_EVENTS: Readonly<Partial<Record<InvoiceRecord['status'], string>>> = {
  paid: 'invoice.paid',
  uncollectible: 'invoice.marked_uncollectible',
  void: 'invoice.voided',
};
