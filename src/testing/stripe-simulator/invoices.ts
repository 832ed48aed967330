import { emitChange } from './events.ts';
import { finalizeInvoice } from './invoice-issuing.ts';
import { linesOf } from './invoice-lines.ts';
import { invoiceLineView, invoiceView } from './invoice-view.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { boolean, changedMetadata, integer, metadata, oneOf, optional, readParams, text } from './params.ts';
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

/** When a draft becomes final, and what is written on it. */
function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const change = readParams(params, {
    automatically_finalizes_at: optional(integer(1)),
    auto_advance: optional(boolean()),
    description: optional(text()),
    metadata: optional(metadata()),
  });
  const { automatically_finalizes_at: at_s, auto_advance } = change;
  const before = existingInvoice(simulation, id);
  if (before.finalized && (at_s !== undefined || auto_advance !== undefined)) {
    throw new StripeError('Finalized invoices cannot be updated in this way.', {
      code: 'invoice_not_editable',
    });
  }
  if (at_s !== undefined) refuseFinalization(simulation, at_s);
  const after = simulation.state.invoices.put({
    ...before,
    description: change.description ?? before.description,
    metadata: changedMetadata(before.metadata, change.metadata),
    finalizes_at_ms: at_s === undefined ? advancesAt(simulation, before, auto_advance) : at_s * 1_000,
  });
  simulation.expectFinalization(after);
  const view = (invoice: InvoiceRecord) => () => invoiceView(simulation, invoice);
  emitChange(simulation, 'invoice.updated', view(before), view(after));
  return invoiceView(simulation, after);
}

/** A draft that begins to advance does so within the usual hour; one that advances already is not moved. */
function advancesAt(
  { now_ms, settings }: Simulation,
  { finalizes_at_ms }: InvoiceRecord,
  auto_advance: boolean | undefined,
): number | null {
  if (auto_advance === undefined) return finalizes_at_ms;
  return auto_advance ? (finalizes_at_ms ?? now_ms + settings.finalize_after_ms) : null;
}

/** @throws StripeError for an instant that is past. */
export function refuseFinalization({ now_s }: Simulation, automatically_finalizes_at: number): void {
  if (automatically_finalizes_at > now_s) return;
  throw new StripeError('`automatically_finalizes_at` must be in the future.', {
    param: 'automatically_finalizes_at',
  });
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

/** @throws StripeError when there is no such invoice. */
export function existingInvoice(simulation: Simulation, id: string, param = 'id'): InvoiceRecord {
  const invoice = simulation.state.invoices.get(id);
  if (!invoice) throw noSuch('invoice', id, param);
  return invoice;
}
