import type { Stripe } from 'stripe';
import { formatInstant, SECOND_MS } from '../../core/instant.ts';
import { formatMoney } from '../../core/money.ts';
import type { DemoUsage } from './demo.ts';

/** An invoice as Stripe shows it. */
export interface InvoiceView {
  readonly id: string;
  readonly number: string | null;
  /** The account of its Stripe customer; null = the customer is not linked. */
  readonly account: string | null;
  readonly status: string;
  readonly created: string;
  readonly total: string;
  readonly lines: readonly InvoiceLineView[];
}

export interface InvoiceLineView {
  readonly description: string;
  /** Minor units. */
  readonly amount: number;
  readonly amount_text: string;
  readonly period_start: string;
  readonly period_end: string;
}

const SHOWN = 20;
const ACCOUNTS = 1_000;

/** The latest invoices, newest first, read through the official SDK. */
export async function listInvoices(usage: DemoUsage, stripe: Stripe): Promise<InvoiceView[]> {
  const [{ data }, { accounts }] = await Promise.all([
    stripe.invoices.list({ limit: SHOWN }),
    usage.accounts.list({ limit: ACCOUNTS }),
  ]);
  const names = new Map(accounts.map(({ stripe_customer, account }) => [stripe_customer, account]));
  return data.map((invoice) => viewOf(invoice, names));
}

function viewOf(invoice: Stripe.Invoice, names: ReadonlyMap<string | null, string>): InvoiceView {
  const { customer, currency } = invoice;
  const customerId = typeof customer === 'string' ? customer : (customer?.id ?? '');
  return {
    id: invoice.id,
    number: invoice.number,
    account: names.get(customerId) ?? null,
    status: invoice.status ?? 'draft',
    created: formatInstant(invoice.created * SECOND_MS),
    total: formatMoney(String(invoice.total), currency),
    lines: invoice.lines.data.map(({ description, amount, period }) => ({
      description: description ?? '',
      amount,
      amount_text: formatMoney(String(amount), currency),
      period_start: formatInstant(period.start * SECOND_MS),
      period_end: formatInstant(period.end * SECOND_MS),
    })),
  };
}
