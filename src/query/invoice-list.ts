import type { BillingProvider } from '../core/billing-provider.ts';
import { UsageError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { type HostedInvoice, type InvoiceLine, isUsageLine } from '../core/invoice.ts';
import type { AccountWithItems } from '../core/store.ts';
import { type AccountContext, findAccount } from './billed-account.ts';

/** Some invoices of an account, newest first. */
export interface InvoicesPage {
  /** Those that bill something. */
  readonly invoices: readonly InvoiceResult[];
  /** Pass as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

/** An invoice as its customer sees it. Amounts are minor units of `currency`, instants ISO 8601 in UTC. */
export interface InvoiceResult {
  /** `in_…` */
  readonly invoice: string;
  /** null = a draft, which has none yet. */
  readonly number: string | null;
  readonly status: HostedInvoice['status'];
  /** ISO 4217, lower case. */
  readonly currency: string;
  /** After discounts and taxes. */
  readonly total: number;
  readonly created_at: string;
  /** null = a draft, whose usage is still rated anew. */
  readonly finalized_at: string | null;
  /** Stripe's page on which it is seen and paid; null = a draft has none. */
  readonly hosted_invoice_url: string | null;
  readonly lines: readonly InvoiceLineResult[];
}

export interface InvoiceLineResult {
  /** As Stripe words it on the invoice. */
  readonly description: string;
  /** The meter whose usage it bills; null = it bills something else, such as a base fee. */
  readonly meter: string | null;
  /** null = Stripe does not say. */
  readonly quantity: number | null;
  /** What one unit costs, in minor units; null = the line is not of units, as a flat fee. */
  readonly unit_amount_decimal: string | null;
  /** Before discounts and taxes. */
  readonly amount: number;
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
}

export interface ListInvoicesQuery {
  readonly account_id: string;
  /** `next` of the page before; null = the first page. */
  readonly after: string | null;
  readonly limit: number;
}

interface InvoiceListContext extends AccountContext {
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
}

/** Invoices that bill nothing are passed over; after so many pages without any other, the list stops with a `next`. */
const MAX_PAGES = 5;

/**
 * What an account was billed. An account without a Stripe customer was billed nothing.
 *
 * @throws UsageError `account_not_found`, `invalid_parameter`, `stripe_customer_deleted`, `stripe_refused`,
 * `stripe_unavailable`.
 */
export async function listInvoices(
  context: InvoiceListContext,
  { account_id, after, limit }: ListInvoicesQuery,
): Promise<InvoicesPage> {
  const account = await findAccount(context, account_id);
  const { stripe_customer } = account.account;
  if (stripe_customer === null) return { invoices: [], next: null };
  const invoices: InvoiceResult[] = [];
  let next = after;
  for (let pages = 0; pages < MAX_PAGES && invoices.length < limit; pages += 1) {
    const page = await readPage(context, { stripe_customer, after: next, limit: limit - invoices.length });
    const billing = page.invoices.filter((invoice) => billsSomething(invoice, account));
    invoices.push(...billing.map((invoice) => toResult(invoice, account)));
    next = page.has_more ? (page.invoices.at(-1)?.invoice ?? null) : null;
    if (next === null) break;
  }
  return { invoices, next };
}

async function readPage(
  { provider }: InvoiceListContext,
  params: Parameters<BillingProvider['readInvoicePage']>[0],
) {
  if (provider === null) {
    throw new UsageError('stripe_unavailable', { reason: 'Stripe is not configured.' });
  }
  const read = await provider.readInvoicePage(params);
  if (read.outcome === 'unknown') throw new UsageError('stripe_unavailable', { reason: read.message });
  if (read.outcome === 'read') return read;
  if (read.code !== 'stripe_refused' || params.after === null) {
    throw new UsageError(read.code, { reason: read.message });
  }
  const reason = 'It is the `next` of a page of the same account.';
  throw new UsageError('invalid_parameter', { field: 'after', value: params.after, reason });
}

/** The first invoice of a subscription to nothing but usage is one of lines without units. */
function billsSomething(invoice: HostedInvoice, account: AccountWithItems): boolean {
  return (
    invoice.total !== 0 ||
    invoice.lines.some(
      (line) => line.amount !== 0 || (meterOf(invoice, line, account) !== null && (line.quantity ?? 0) > 0),
    )
  );
}

function toResult(invoice: HostedInvoice, account: AccountWithItems): InvoiceResult {
  const { number, status, currency, total, created_at, finalized_at, hosted_invoice_url, lines } = invoice;
  return {
    invoice: invoice.invoice,
    number,
    status,
    currency,
    total,
    created_at: formatInstant(created_at),
    finalized_at: finalized_at === null ? null : formatInstant(finalized_at),
    hosted_invoice_url,
    lines: lines.map((line) => ({
      description: line.description,
      meter: meterOf(invoice, line, account),
      quantity: line.quantity,
      unit_amount_decimal: line.unit_amount_decimal,
      amount: line.amount,
      period_start: formatInstant(line.period.start),
      period_end: formatInstant(line.period.end),
    })),
  };
}

function meterOf(invoice: HostedInvoice, line: InvoiceLine, { items }: AccountWithItems): string | null {
  return items.find((item) => isUsageLine(invoice, line, [item], line.period))?.meter ?? null;
}
