import type { Stripe } from 'stripe';
import type {
  CreateInvoiceItemParams,
  CreateInvoiceItemResult,
  ListInvoiceItemsResult,
  ListInvoicesParams,
} from '../core/billing-provider.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { InvoiceItem, InvoiceItemBill } from '../core/invoice-item.ts';
import { ACCOUNT_KEY } from './metadata-keys.ts';
import type { Connect } from './stripe-connection.ts';
import { failureOf } from './stripe-outcome.ts';

const PAGE = 100;
/** A customer with more since the period in question would be billed by hand, all day. */
const MAX_ITEMS = 1_000;
/** Metadata of the invoice items that are ours. */
const KEY = 'tallybook_bill';
const METER = 'tallybook_meter';
const PERIOD_START = 'tallybook_period_start';
const QUANTITY = 'tallybook_quantity';

/** Newest first, as Stripe lists them, until they are too old. */
export async function listInvoiceItems(
  connect: Connect,
  { stripe_customer, created_from }: ListInvoicesParams,
): Promise<ListInvoiceItemsResult> {
  try {
    const stripe = await connect();
    const items: InvoiceItem[] = [];
    for await (const item of stripe.invoiceItems.list({ customer: stripe_customer, limit: PAGE })) {
      if (item.date * SECOND_MS < created_from) break;
      if (items.length === MAX_ITEMS) throw new Error(`The customer has over ${MAX_ITEMS} invoice items.`);
      items.push(toInvoiceItem(item));
    }
    return { outcome: 'read', items };
  } catch (error) {
    return failureOf(error);
  }
}

/** Stripe makes one item for a key within a day at least; later, the caller looks for it first. */
export async function createInvoiceItem(
  connect: Connect,
  { stripe_customer, amount, currency, description, period, bill }: CreateInvoiceItemParams,
): Promise<CreateInvoiceItemResult> {
  try {
    const stripe = await connect();
    const item = await stripe.invoiceItems.create(
      {
        customer: stripe_customer,
        amount,
        currency,
        description,
        period: { start: period.start / SECOND_MS, end: period.end / SECOND_MS },
        metadata: {
          [KEY]: bill.key,
          [ACCOUNT_KEY]: bill.account_id,
          [METER]: bill.meter,
          [PERIOD_START]: bill.period_start,
          ...(bill.quantity === null ? {} : { [QUANTITY]: String(bill.quantity) }),
        },
      },
      { idempotencyKey: bill.key },
    );
    return { outcome: 'created', invoice_item: item.id };
  } catch (error) {
    return failureOf(error);
  }
}

function toInvoiceItem(item: Stripe.InvoiceItem): InvoiceItem {
  const { id, invoice, parent, period, quantity, amount, metadata } = item;
  return {
    invoice_item: id,
    invoice: typeof invoice === 'string' ? invoice : (invoice?.id ?? null),
    stripe_subscription_item: parent?.subscription_details?.subscription_item ?? null,
    period: { start: period.start * SECOND_MS, end: period.end * SECOND_MS },
    quantity,
    amount,
    bill: billOf(metadata),
  };
}

function billOf(metadata: Stripe.Metadata | null): InvoiceItemBill | null {
  const key = metadata?.[KEY];
  if (metadata === null || key === undefined) return null;
  const quantity = metadata[QUANTITY];
  return {
    key,
    account_id: metadata[ACCOUNT_KEY] ?? '',
    meter: metadata[METER] ?? '',
    period_start: metadata[PERIOD_START] ?? '',
    quantity: quantity === undefined ? null : Number(quantity),
  };
}
