import { settlementOf } from './customer-balance.ts';
import { linesOf } from './invoice-lines.ts';
import type { JsonObject } from './json.ts';
import { listOf } from './lists.ts';
import type { InvoiceLineRecord, InvoiceRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

const DAY_S = 86_400;

/** @param lines what it bills, when that is not what is remembered of it. */
export function invoiceView(
  simulation: Simulation,
  invoice: InvoiceRecord,
  lines: readonly InvoiceLineRecord[] = linesOf(simulation, invoice),
): JsonObject {
  const subtotal = lines.reduce((sum, { amount }) => sum + amount, 0);
  const { amount_due, starting_balance, ending_balance } = settlementOf(simulation, invoice, subtotal);
  const isPaid = invoice.status === 'paid';
  const payments = simulation.state.payments.of(invoice.id);
  const finalized_at = invoice.finalized?.at ?? null;
  const isAutomatic = invoice.finalizes_at_ms !== null;
  const lineViews = lines.map((line, index) => invoiceLineView(simulation, invoice, line, index));
  return {
    id: invoice.id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'Simulated account',
    account_tax_ids: null,
    amount_due,
    amount_overpaid: 0,
    amount_paid: isPaid ? amount_due : 0,
    amount_remaining: isPaid ? 0 : amount_due,
    amount_shipping: 0,
    application: null,
    attempt_count: payments.reduce((sum, { attempts }) => sum + attempts, 0),
    attempted: isPaid || payments.some(({ attempts }) => attempts > 0),
    auto_advance: isAutomatic,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at:
      invoice.finalizes_at_ms === null ? null : Math.floor(invoice.finalizes_at_ms / 1000),
    billing_reason: invoice.billing_reason,
    collection_method: invoice.collection_method,
    created: invoice.created,
    currency: invoice.currency,
    custom_fields: null,
    customer: invoice.customer,
    customer_account: null,
    ...customerDetails(simulation, invoice.customer),
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: invoice.description,
    discounts: [],
    due_date: dueDate(invoice),
    effective_at: finalized_at,
    ending_balance: finalized_at === null ? null : ending_balance,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: invoice.finalized ? `${simulation.pages_url}/pages/invoices/${invoice.id}` : null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: listOf(lineViews, `/v1/invoices/${invoice.id}/lines`),
    livemode: false,
    metadata: invoice.metadata,
    next_payment_attempt: null,
    number: invoice.finalized?.number ?? null,
    on_behalf_of: null,
    parent:
      invoice.subscription === null
        ? null
        : {
            quote_details: null,
            subscription_details: { metadata: {}, subscription: invoice.subscription },
            type: 'subscription_details',
          },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: invoice.period.end,
    period_start: invoice.period.start,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance,
    statement_descriptor: null,
    status: invoice.status,
    status_transitions: {
      finalized_at,
      marked_uncollectible_at: invoice.status === 'uncollectible' ? invoice.closed_at : null,
      paid_at: isPaid ? invoice.closed_at : null,
      voided_at: invoice.status === 'void' ? invoice.closed_at : null,
    },
    subtotal,
    subtotal_excluding_tax: subtotal,
    test_clock: simulation.state.customers.get(invoice.customer)?.test_clock ?? null,
    total: subtotal,
    total_discount_amounts: [],
    total_excluding_tax: subtotal,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
  };
}

function customerDetails({ state }: Simulation, id: string): JsonObject {
  const customer = state.customers.get(id);
  return {
    customer_address: null,
    customer_email: customer?.email ?? null,
    customer_name: customer?.name ?? null,
    customer_phone: customer?.phone ?? null,
    customer_shipping: null,
    customer_tax_exempt: 'none',
    customer_tax_ids: [],
  };
}

function dueDate({ collection_method, days_until_due, finalized, created }: InvoiceRecord): number | null {
  if (collection_method !== 'send_invoice') return null;
  return (finalized?.at ?? created) + (days_until_due ?? 0) * DAY_S;
}

/** @param index position of the line, from 0: lines keep their order, so it makes a stable id. */
export function invoiceLineView(
  { state }: Simulation,
  invoice: InvoiceRecord,
  line: InvoiceLineRecord,
  index: number,
): JsonObject {
  return {
    id: `il_${invoice.id.replace(/^in_/, '')}_${index + 1}`,
    object: 'line_item',
    amount: line.amount,
    currency: invoice.currency,
    description: line.description,
    discount_amounts: [],
    discountable: !line.proration,
    discounts: [],
    invoice: invoice.id,
    livemode: false,
    metadata: line.metadata,
    parent: lineParent(line),
    period: { end: line.period.end, start: line.period.start },
    pretax_credit_amounts: [],
    pricing:
      line.price === null ? null : pricingView(line, line.price, state.prices.get(line.price)?.product),
    quantity: line.quantity,
    quantity_decimal: String(line.quantity),
    subscription: line.subscription,
    subtotal: line.amount,
    taxes: [],
  };
}

function lineParent({
  subscription,
  subscription_item,
  invoice_item,
  proration,
}: InvoiceLineRecord): JsonObject {
  const proration_details = { credited_items: null };
  if (subscription_item === null) {
    return {
      invoice_item_details: { invoice_item, proration, proration_details, subscription },
      subscription_item_details: null,
      type: 'invoice_item_details',
    };
  }
  return {
    invoice_item_details: null,
    subscription_item_details: {
      invoice_item,
      proration,
      proration_details,
      subscription,
      subscription_item,
    },
    type: 'subscription_item_details',
  };
}

/** What a line, or an invoice item, is priced by. */
export function pricingView(
  { unit_amount_decimal }: InvoiceLineRecord,
  price: string,
  product: string | undefined,
): JsonObject {
  return { price_details: { price, product: product ?? '' }, type: 'price_details', unit_amount_decimal };
}
