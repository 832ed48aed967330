import type { Stripe } from 'stripe';
import type {
  CollectDraftsResult,
  ListInvoicesParams,
  ListInvoicesResult,
  PostponeInvoiceParams,
  PostponeInvoiceResult,
  ReadInvoicePageParams,
  ReadInvoicePageResult,
  ReadInvoiceResult,
} from '../core/billing-provider.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { Invoice, InvoiceLine } from '../core/invoice.ts';
import { failureOf } from './stripe-outcome.ts';

type Connect = () => Promise<Stripe>;

const PAGE = 100;
/** More invoices than this since the period in question would be a customer billed every few minutes. */
const MAX_INVOICES = 10_000;
const TOO_MANY = `The customer has more than ${MAX_INVOICES} invoices since then, which are too many to read.`;
/** 20 items of a subscription, each with a line for every tier. */
const MAX_LINES = 5_000;

/** Newest first, as Stripe lists them, until they are too old. What is not all of them is not told: it could lack the one in question. */
export async function listInvoices(
  connect: Connect,
  { stripe_customer, created_from }: ListInvoicesParams,
): Promise<ListInvoicesResult> {
  try {
    const invoices: Invoice[] = [];
    for (let last: string | null = null; ; ) {
      const stripe = await connect();
      const page: Stripe.ApiList<Stripe.Invoice> = await stripe.invoices.list({
        customer: stripe_customer,
        limit: PAGE,
        ...(last === null ? {} : { starting_after: last }),
      });
      const wanted = page.data.filter(({ created }) => created * SECOND_MS >= created_from);
      for (const invoice of wanted) invoices.push(await toInvoice(connect, invoice));
      last = page.data.at(-1)?.id ?? null;
      if (last === null || !page.has_more || wanted.length < page.data.length) break;
      if (invoices.length >= MAX_INVOICES)
        return { outcome: 'unknown', message: TOO_MANY, retry_after_ms: null };
    }
    return { outcome: 'read', invoices };
  } catch (error) {
    return failureOf(error);
  }
}

export async function readInvoicePage(
  connect: Connect,
  { stripe_customer, after, limit }: ReadInvoicePageParams,
): Promise<ReadInvoicePageResult> {
  try {
    const stripe = await connect();
    const { data, has_more } = await stripe.invoices.list({
      customer: stripe_customer,
      limit,
      ...(after === null ? {} : { starting_after: after }),
    });
    const invoices = [];
    for (const invoice of data) {
      const hosted_invoice_url = invoice.hosted_invoice_url ?? null;
      invoices.push({ ...(await toInvoice(connect, invoice)), hosted_invoice_url });
    }
    return { outcome: 'read', invoices, has_more };
  } catch (error) {
    return failureOf(error);
  }
}

export async function readInvoice(
  connect: Connect,
  { invoice }: { readonly invoice: string },
): Promise<ReadInvoiceResult> {
  try {
    const stripe = await connect();
    return { outcome: 'read', invoice: await toInvoice(connect, await stripe.invoices.retrieve(invoice)) };
  } catch (error) {
    return failureOf(error);
  }
}

/** Keeps a draft open for longer: usage that is not counted yet would be on no invoice. */
export async function postponeInvoice(
  connect: Connect,
  { invoice, finalizes_at }: PostponeInvoiceParams,
): Promise<PostponeInvoiceResult> {
  try {
    const stripe = await connect();
    await stripe.invoices.update(invoice, {
      automatically_finalizes_at: Math.floor(finalizes_at / SECOND_MS),
    });
    return { outcome: 'postponed' };
  } catch (error) {
    return failureOf(error);
  }
}

/**
 * A pause of the collection makes drafts that do not advance by themselves, and its end does not change them
 * (docs.stripe.com/billing/subscriptions/pause-payment). Safe to repeat.
 */
export async function collectDrafts(
  connect: Connect,
  { stripe_subscription }: { readonly stripe_subscription: string },
): Promise<CollectDraftsResult> {
  try {
    const stripe = await connect();
    const drafts = await stripe.invoices
      .list({ subscription: stripe_subscription, status: 'draft', limit: PAGE })
      .autoPagingToArray({ limit: MAX_INVOICES });
    const kept = drafts.filter(({ auto_advance }) => auto_advance === false);
    for (const { id } of kept) await stripe.invoices.update(id, { auto_advance: true });
    return { outcome: 'collecting', invoices: kept.length };
  } catch (error) {
    return failureOf(error);
  }
}

async function toInvoice(connect: Connect, invoice: Stripe.Invoice): Promise<Invoice> {
  const { customer, number, currency, total, created, status_transitions, status } = invoice;
  const finalizes_at = invoice.automatically_finalizes_at;
  const { finalized_at } = status_transitions;
  const lines = await linesOf(connect, invoice);
  return {
    invoice: invoice.id,
    stripe_customer: typeof customer === 'string' ? customer : (customer?.id ?? ''),
    number,
    status: statusOf(status),
    currency,
    total,
    created_at: created * SECOND_MS,
    finalized_at: finalized_at === null ? null : finalized_at * SECOND_MS,
    finalizes_at: finalizes_at === null ? null : finalizes_at * SECOND_MS,
    lines: lines.map(toLine),
  };
}

/** An invoice holds its first lines; the others are read page by page. */
export async function linesOf(
  connect: Connect,
  { id, lines }: Stripe.Invoice,
): Promise<Stripe.InvoiceLineItem[]> {
  if (!lines.has_more) return lines.data;
  const stripe = await connect();
  return await stripe.invoices.listLineItems(id, { limit: PAGE }).autoPagingToArray({ limit: MAX_LINES });
}

export function toLine({
  parent,
  description,
  period,
  quantity,
  pricing,
  amount,
}: Stripe.InvoiceLineItem): InvoiceLine {
  // The flat fee of a tier is a line of no units.
  const unit_amount = quantity === 0 ? null : pricing?.unit_amount_decimal;
  const of_item = parent?.subscription_item_details;
  return {
    stripe_subscription_item: of_item?.subscription_item ?? null,
    is_invoice_item: (of_item?.invoice_item ?? parent?.invoice_item_details ?? null) !== null,
    description: description ?? '',
    period: { start: period.start * SECOND_MS, end: period.end * SECOND_MS },
    quantity,
    unit_amount_decimal: unit_amount?.toString() ?? null,
    amount,
  };
}

function statusOf(status: string | null): Invoice['status'] {
  switch (status) {
    case 'draft':
    case 'open':
    case 'paid':
    case 'uncollectible':
    case 'void':
      return status;
    default:
      throw new Error(`Stripe names an invoice status that is not known here: ${status}.`);
  }
}
