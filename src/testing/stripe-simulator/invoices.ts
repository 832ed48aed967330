import { finalizeInvoice } from './invoice-issuing.ts';
import { linesOf } from './invoice-lines.ts';
import { invoiceLineView, invoiceView } from './invoice-view.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { boolean, integer, oneOf, optional, readParams, text } from './params.ts';
import type { InvoiceRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/invoices';

export const INVOICE_ROUTES: readonly Route[] = [
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'GET', path: `${PATH}/:id/lines`, handle: listLines },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
  { method: 'POST', path: `${PATH}/:id/finalize`, handle: finalize },
];

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { customer, subscription, status, ...page } = readParams(params, {
    ...LIST_PARAMS,
    customer: optional(text()),
    subscription: optional(text()),
    status: optional(oneOf('draft', 'open', 'paid', 'uncollectible', 'void')),
  });
  const owner = customer ?? simulation.state.subscriptions.get(subscription ?? '')?.customer;
  const { invoices } = simulation.state;
  const candidates = owner === undefined ? invoices.newestFirst() : invoices.of(owner).reverse();
  const listed = candidates.filter(
    (invoice) =>
      (subscription === undefined || subscription === invoice.subscription) &&
      (status === undefined || status === invoice.status),
  );
  return pageOf(listed, page, PATH, (invoice) => invoiceView(simulation, invoice));
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return invoiceView(simulation, existingInvoice(simulation, id));
}

function listLines(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const page = readParams(params, LIST_PARAMS);
  const invoice = existingInvoice(simulation, id);
  const lines = linesOf(simulation, invoice).map((line, index) =>
    invoiceLineView(simulation, invoice, line, index),
  );
  const identified = lines.map((view) => ({ ...view, id: String(view['id']) }));
  return pageOf(identified, page, `${PATH}/${id}/lines`, (line) => line);
}

/** Of all that can be changed, when a draft becomes final. */
function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { automatically_finalizes_at } = readParams(params, {
    automatically_finalizes_at: optional(integer(1)),
  });
  const invoice = existingInvoice(simulation, id);
  if (automatically_finalizes_at === undefined) return invoiceView(simulation, invoice);
  if (invoice.finalized) {
    throw new StripeError('Finalized invoices cannot be updated in this way.', {
      code: 'invoice_not_editable',
    });
  }
  if (automatically_finalizes_at <= simulation.now_s) {
    throw new StripeError('`automatically_finalizes_at` must be in the future.', {
      param: 'automatically_finalizes_at',
    });
  }
  const postponed = simulation.state.invoices.put({
    ...invoice,
    finalizes_at_ms: automatically_finalizes_at * 1_000,
  });
  simulation.expectFinalization(postponed);
  return invoiceView(simulation, postponed);
}

function finalize(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, { auto_advance: optional(boolean()) });
  const invoice = existingInvoice(simulation, id);
  if (invoice.finalized) {
    throw new StripeError("This invoice is already finalized, you can't re-finalize a non-draft invoice.", {
      code: 'invoice_not_editable',
    });
  }
  return invoiceView(simulation, finalizeInvoice(simulation, invoice));
}

function existingInvoice(simulation: Simulation, id: string): InvoiceRecord {
  const invoice = simulation.state.invoices.get(id);
  if (!invoice) throw noSuch('invoice', id);
  return invoice;
}
