import type { BillingPeriod, Period, SubscriptionItem } from './billing-period.ts';
import type { Instant } from './environment.ts';

/** An invoice as Stripe has it. Amounts are minor units of its currency. */
export interface Invoice {
  readonly invoice: string;
  readonly stripe_customer: string;
  /** null = it has none yet. */
  readonly number: string | null;
  readonly status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
  readonly currency: string;
  /** After discounts and taxes. */
  readonly total: number;
  readonly created_at: Instant;
  /** null = a draft: its usage is still rated anew. */
  readonly finalized_at: Instant | null;
  /** When Stripe makes a draft final by itself; null = it does not, or it is final. */
  readonly finalizes_at: Instant | null;
  readonly lines: readonly InvoiceLine[];
}

/** An invoice with the page that Stripe has for it. */
export interface HostedInvoice extends Invoice {
  /** Where the customer sees it and pays it; null = it has none, as a draft. */
  readonly hosted_invoice_url: string | null;
}

export interface InvoiceLine {
  /** null = the line is of no subscription item. */
  readonly stripe_subscription_item: string | null;
  /** Whether an invoice item made it, as of a change: it stays as it is, where others are rated anew until the invoice is final. */
  readonly is_invoice_item: boolean;
  readonly description: string;
  /** The time that the line bills. */
  readonly period: Period;
  /** null = Stripe does not say. */
  readonly quantity: number | null;
  /** What one unit costs, in minor units; null = the line is not of units, as a flat fee. */
  readonly unit_amount_decimal: string | null;
  /** Before discounts and taxes. */
  readonly amount: number;
}

/** What invoices say of one meter and billing period. */
export interface InvoicedUsage {
  readonly invoices: readonly Invoice[];
  /** Whether everything that is invoiced is final; null = no invoice bills the period. */
  readonly isFinal: boolean | null;
  readonly quantity: number;
  readonly amount: number;
}

/** The time that usage is looked for on invoices in. */
export type InvoicedPeriod = Period & Partial<Pick<BillingPeriod, 'is_cut_short'>>;

/**
 * What bills the usage of some subscription items in a billing period. A new subscription's first invoice also names the
 * period, before it is over, with lines of nothing: it is none of these. Void invoices bill nothing.
 */
export function invoicedUsage(
  invoices: readonly Invoice[],
  items: readonly Pick<SubscriptionItem, 'stripe_subscription_item'>[],
  period: InvoicedPeriod,
): InvoicedUsage {
  const billing = invoices
    .filter(({ status }) => status !== 'void')
    .map((invoice) => ({
      invoice,
      lines: invoice.lines.filter((line) => isUsageLine(invoice, line, items, period)),
    }))
    .filter(({ lines }) => lines.length > 0);
  const lines = billing.flatMap((found) => found.lines);
  return {
    invoices: billing.map(({ invoice }) => invoice),
    isFinal: billing.length === 0 ? null : billing.every(({ invoice }) => invoice.finalized_at !== null),
    quantity: lines.reduce((sum, { quantity }) => sum + (quantity ?? 0), 0),
    amount: lines.reduce((sum, { amount }) => sum + amount, 0),
  };
}

/**
 * Whether an invoice is a draft on which the usage of some items in a period is still rated anew. A line that goes on after the
 * end of the period is of an item that has another price since: what was used before is not rated by it.
 */
export function ratesUsage(
  invoice: Invoice,
  items: readonly Pick<SubscriptionItem, 'stripe_subscription_item'>[],
  { start, end }: InvoicedPeriod,
): boolean {
  const { finalized_at, lines } = invoice;
  const isRated = (line: InvoiceLine) =>
    !line.is_invoice_item && isUsageLine(invoice, line, items, { start, end });
  return finalized_at === null && lines.some(isRated);
}

/**
 * Whether a line bills what some items used in a period that had ended when the invoice was made. A period that a change
 * has cut short ends with the request; Stripe's line ends when Stripe made the change, which is later.
 */
export function isUsageLine(
  invoice: Invoice,
  line: InvoiceLine,
  items: readonly Pick<SubscriptionItem, 'stripe_subscription_item'>[],
  { start, end, is_cut_short = false }: InvoicedPeriod,
): boolean {
  return (
    items.some((item) => item.stripe_subscription_item === line.stripe_subscription_item) &&
    line.period.start >= start &&
    (is_cut_short ? line.period.start < end : line.period.end <= end) &&
    invoice.created_at >= line.period.end
  );
}
