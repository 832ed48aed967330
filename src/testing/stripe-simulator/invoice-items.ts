import { rate } from '../../core/price.ts';
import { existingCustomer } from './customers.ts';
import { invoiceItemView } from './invoice-item-view.ts';
import { existingInvoice } from './invoices.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { boolean, changedMetadata, fields, integer, metadata, optional, readParams, text } from './params.ts';
import { addItem, dropItem } from './pending-items.ts';
import { existingPrice, ratablePrice } from './prices.ts';
import type { InvoiceItemRecord, InvoiceLineRecord, InvoiceRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/invoiceitems';
const MAX_AMOUNT = 999_999_999_999;

export const INVOICE_ITEM_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'DELETE', path: `${PATH}/:id`, handle: remove },
];

const ITEM = {
  customer: text(),
  amount: optional(integer(-MAX_AMOUNT, MAX_AMOUNT)),
  currency: optional(text(3)),
  pricing: optional(fields({ price: text() })),
  quantity: optional(integer()),
  subscription: optional(text()),
  invoice: optional(text()),
  description: optional(text()),
  period: optional(fields({ start: integer(), end: integer() })),
  metadata: optional(metadata()),
};

type ItemParams = ReturnType<typeof read>;

/** Adds something to the customer's next invoice, or to a draft (docs.stripe.com/api/invoiceitems/create). */
function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const item = read(params);
  existingCustomer(simulation, item.customer, 'customer');
  const subscription = simulation.state.subscriptions.get(item.subscription ?? '');
  if (item.subscription !== undefined && subscription?.customer !== item.customer) {
    throw noSuch('subscription', item.subscription, 'subscription');
  }
  const draft = item.invoice === undefined ? null : draftOf(simulation, item.invoice, item.customer);
  const { currency, ...priced } = pricedLine(simulation, item);
  const expected = draft?.currency ?? subscription?.currency ?? currency;
  if (currency !== expected) {
    throw new StripeError(`The currency ${currency} differs from that of the invoice: ${expected}.`, {
      param: 'currency',
    });
  }
  const line = {
    ...priced,
    subscription: item.subscription ?? null,
    subscription_item: null,
    description: item.description ?? priced.description,
    proration: false,
    period: periodOf(simulation, item),
    metadata: changedMetadata({}, item.metadata),
  };
  return invoiceItemView(simulation, addItem(simulation, { customer: item.customer, currency }, line, draft));
}

function read(params: RouteRequest['params']) {
  return readParams(params, ITEM);
}

function draftOf(simulation: Simulation, id: string, customer: string): InvoiceRecord {
  const invoice = existingInvoice(simulation, id, 'invoice');
  if (invoice.customer !== customer) throw noSuch('invoice', id, 'invoice');
  if (invoice.finalized) {
    throw new StripeError('Invoice items can only be added to a draft.', {
      code: 'invoice_not_editable',
      param: 'invoice',
    });
  }
  return invoice;
}

/** Either an amount, or a one-time price with a quantity. */
function pricedLine(
  simulation: Simulation,
  { amount, currency, pricing, quantity = 1 }: ItemParams,
): Pick<InvoiceLineRecord, 'amount' | 'price' | 'quantity' | 'unit_amount_decimal' | 'description'> & {
  readonly currency: string;
} {
  if ((amount === undefined) === (pricing === undefined)) {
    throw new StripeError('You must specify either `amount` or `pricing[price]`, and not both.', {
      code: amount === undefined ? 'parameter_missing' : 'parameters_exclusive',
      param: 'amount',
    });
  }
  if (pricing === undefined) {
    if (currency === undefined) {
      throw new StripeError('Missing required param: currency.', {
        code: 'parameter_missing',
        param: 'currency',
      });
    }
    const own = { price: null, quantity: 1, unit_amount_decimal: String(amount), description: '' };
    return { ...own, amount: amount ?? 0, currency };
  }
  const price = existingPrice(simulation, pricing.price, 'pricing[price]');
  if (price.recurring || price.tiered) {
    throw new StripeError(
      'The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.',
      { param: 'pricing[price]' },
    );
  }
  return {
    amount: rate(ratablePrice(price), quantity).amount,
    price: price.id,
    quantity,
    unit_amount_decimal: price.unit_amount_decimal,
    description: simulation.state.products.get(price.product)?.name ?? '',
    currency: price.currency,
  };
}

function periodOf({ now_s }: Simulation, { period }: ItemParams) {
  if (period === undefined) return { start: now_s, end: now_s };
  if (period.end >= period.start) return period;
  throw new StripeError('The end of a period must not be before its start.', { param: 'period[end]' });
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return invoiceItemView(simulation, existingItem(simulation, id));
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { customer, invoice, pending, ...page } = readParams(params, {
    ...LIST_PARAMS,
    customer: optional(text()),
    invoice: optional(text()),
    pending: optional(boolean()),
  });
  const { invoiceItems, invoices } = simulation.state;
  const owner = customer ?? invoices.get(invoice ?? '')?.customer;
  const candidates = owner === undefined ? invoiceItems.newestFirst() : invoiceItems.of(owner).reverse();
  const listed = candidates.filter(
    (item) =>
      (invoice === undefined || invoice === item.invoice) &&
      (pending === undefined || pending === (item.invoice === null)),
  );
  return pageOf(listed, page, PATH, (item) => invoiceItemView(simulation, item));
}

/** What is on a final invoice stays there. */
function remove(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  const item = existingItem(simulation, id);
  if (simulation.state.invoices.get(item.invoice ?? '')?.finalized) {
    throw new StripeError('An invoice item can only be deleted while it is pending or on a draft.', {
      code: 'invoice_not_editable',
    });
  }
  dropItem(simulation, item);
  return { id, object: 'invoiceitem', deleted: true };
}

function existingItem(simulation: Simulation, id: string): InvoiceItemRecord {
  const item = simulation.state.invoiceItems.get(id);
  if (!item) throw noSuch('invoiceitem', id);
  return item;
}
