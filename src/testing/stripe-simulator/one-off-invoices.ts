import { existingCustomer } from './customers.ts';
import { emitChange } from './events.ts';
import { emitClosed, putDraft } from './invoice-issuing.ts';
import { invoiceView } from './invoice-view.ts';
import { existingInvoice, refuseFinalization } from './invoices.ts';
import type { JsonObject } from './json.ts';
import { boolean, changedMetadata, integer, metadata, oneOf, optional, readParams, text } from './params.ts';
import { pendingItems } from './pending-items.ts';
import type { InvoiceItemRecord, InvoiceRecord, SubscriptionRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/invoices';

/** What an operator does with invoices by hand. */
export const ONE_OFF_INVOICE_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'POST', path: `${PATH}/:id/pay`, handle: pay },
  { method: 'POST', path: `${PATH}/:id/void`, handle: voidInvoice },
  { method: 'POST', path: `${PATH}/:id/mark_uncollectible`, handle: markUncollectible },
];

const INVOICE = {
  customer: text(),
  subscription: optional(text()),
  currency: optional(text(3)),
  auto_advance: optional(boolean()),
  automatically_finalizes_at: optional(integer(1)),
  collection_method: optional(oneOf('charge_automatically', 'send_invoice')),
  days_until_due: optional(integer()),
  description: optional(text()),
  metadata: optional(metadata()),
  pending_invoice_items_behavior: optional(oneOf('exclude', 'include')),
};

type InvoiceParams = ReturnType<typeof read>;

/** A draft of what waits for an invoice, or of nothing yet (docs.stripe.com/api/invoices/create). */
function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const invoice = read(params);
  existingCustomer(simulation, invoice.customer, 'customer');
  const subscription = subscriptionOf(simulation, invoice);
  refuseTerms(simulation, invoice);
  const currency =
    invoice.currency ?? subscription?.currency ?? customerCurrency(simulation, invoice.customer);
  const items = itemsOf(simulation, invoice, currency);
  const { now_s, now_ms, settings } = simulation;
  const advances_at_ms = invoice.auto_advance ? now_ms + settings.finalize_after_ms : null;
  const { automatically_finalizes_at: at_s } = invoice;
  const draft = putDraft(simulation, items, {
    customer: invoice.customer,
    subscription: invoice.subscription ?? null,
    currency,
    billing_reason: 'manual',
    collection_method: invoice.collection_method ?? 'charge_automatically',
    days_until_due: invoice.days_until_due ?? null,
    period: { start: now_s, end: now_s },
    charges: [],
    description: invoice.description ?? null,
    metadata: changedMetadata({}, invoice.metadata),
    finalizes_at_ms: at_s === undefined ? advances_at_ms : at_s * 1_000,
  });
  return invoiceView(simulation, draft);
}

function read(params: RouteRequest['params']) {
  return readParams(params, INVOICE);
}

function subscriptionOf({ state }: Simulation, invoice: InvoiceParams): SubscriptionRecord | null {
  if (invoice.subscription === undefined) return null;
  const subscription = state.subscriptions.get(invoice.subscription);
  if (subscription?.customer === invoice.customer) return subscription;
  throw noSuch('subscription', invoice.subscription, 'subscription');
}

function refuseTerms(simulation: Simulation, invoice: InvoiceParams): void {
  const { collection_method, days_until_due, automatically_finalizes_at } = invoice;
  if ((collection_method === 'send_invoice') !== (days_until_due !== undefined)) {
    throw new StripeError(
      '`days_until_due` is required for, and only for, `collection_method=send_invoice`.',
      { param: 'days_until_due' },
    );
  }
  if (automatically_finalizes_at !== undefined) refuseFinalization(simulation, automatically_finalizes_at);
}

/** Stripe's customers have the currency in which they were first billed. */
function customerCurrency({ state }: Simulation, customer: string): string {
  const [subscription] = state.subscriptions.of(customer);
  const [item] = state.invoiceItems.of(customer);
  return subscription?.currency ?? item?.currency ?? 'usd';
}

function itemsOf(
  simulation: Simulation,
  { customer, subscription, pending_invoice_items_behavior }: InvoiceParams,
  currency: string,
): InvoiceItemRecord[] {
  if (pending_invoice_items_behavior !== 'include') return [];
  const items = pendingItems(simulation, { customer, currency }).filter(
    ({ line }) => subscription === undefined || line.subscription === subscription,
  );
  if (items.length > 0) return items;
  throw new StripeError('Nothing to invoice: there are no pending invoice items.', {
    code:
      subscription === undefined ? 'invoice_no_customer_line_items' : 'invoice_no_subscription_line_items',
    param: 'pending_invoice_items_behavior',
  });
}

/** Every customer of the simulator pays what they are asked for. */
function pay(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {
    paid_out_of_band: optional(boolean()),
    off_session: optional(boolean()),
    payment_method: optional(text()),
  });
  return close(simulation, id, 'paid', ['open', 'uncollectible']);
}

function voidInvoice(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return close(simulation, id, 'void', ['open', 'uncollectible']);
}

function markUncollectible(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return close(simulation, id, 'uncollectible', ['open']);
}

function close(
  simulation: Simulation,
  id: string,
  status: 'paid' | 'void' | 'uncollectible',
  from: readonly InvoiceRecord['status'][],
): JsonObject {
  const before = existingInvoice(simulation, id);
  if (!from.includes(before.status)) {
    throw new StripeError(
      `An invoice that is ${before.status} cannot become ${status}: it must be ${from.join(' or ')}.`,
      { code: 'status_transition_invalid' },
    );
  }
  const after = simulation.state.invoices.put({ ...before, status, closed_at: simulation.now_s });
  const view = (invoice: InvoiceRecord) => () => invoiceView(simulation, invoice);
  emitChange(simulation, 'invoice.updated', view(before), view(after));
  emitClosed(simulation, after);
  return invoiceView(simulation, after);
}
