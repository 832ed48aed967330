import type { BillingPeriod, BillingTimeline, Period } from './billing-period.ts';
import { formatInstant } from './instant.ts';
import type { InvoicedUsage } from './invoice.ts';
import type { InvoiceItem } from './invoice-item.ts';

/** Units, and minor units. */
export interface Billed {
  /** null = the price bills packages. */
  readonly quantity: number | null;
  readonly amount: number;
}

/** What bills a period that was cut short, beside the lines of invoices. */
export interface CutShortBilling {
  /** Stripe's own invoice items for its usage, which wait for the next invoice. */
  readonly waiting: Billed;
  /** Invoice items of ours: persons let them bill what the change left off. */
  readonly bills: readonly (Billed & { readonly invoice_item: string })[];
}

/**
 * Where the lines may end that bill a period. Stripe ends those of a period that was cut short when it made the change,
 * which can be later than its request: at the latest, the next item bills from then on.
 */
export function invoicedSpan(period: BillingPeriod, { items }: BillingTimeline): Period {
  const { start, end, is_cut_short } = period;
  if (!is_cut_short) return { start, end };
  const next = items.map(({ billed_from }) => billed_from).filter((billed_from) => billed_from >= end);
  return { start, end: Math.min(...next) };
}

/** Of a customer's invoice items, those that bill a meter in a period that was cut short. */
export function cutShortBilling(
  items: readonly InvoiceItem[],
  { account_id, meter, period, span }: BilledSpan,
): CutShortBilling {
  const waiting = items.filter(
    ({ invoice, bill, stripe_subscription_item, period: { start, end } }) =>
      invoice === null &&
      bill === null &&
      period.items.some((item) => item.stripe_subscription_item === stripe_subscription_item) &&
      start >= span.start &&
      end <= span.end,
  );
  const period_start = formatInstant(period.start);
  return {
    waiting: {
      quantity: waiting.reduce((sum, { quantity }) => sum + (quantity ?? 0), 0),
      amount: waiting.reduce((sum, { amount }) => sum + amount, 0),
    },
    bills: items.flatMap(({ invoice_item, amount, bill }) =>
      bill?.account_id === account_id && bill.meter === meter && bill.period_start === period_start
        ? [{ invoice_item, amount, quantity: bill.quantity }]
        : [],
    ),
  };
}

export interface BilledSpan {
  readonly account_id: string;
  readonly meter: string;
  readonly period: BillingPeriod;
  /** As `invoicedSpan` says. */
  readonly span: Period;
}

/** What all of it bills so far. */
export function billedSoFar({ waiting, bills }: CutShortBilling, invoiced: InvoicedUsage): Billed {
  const others = [waiting, ...bills];
  const quantities = others.map(({ quantity }) => quantity);
  const isByUnits = quantities.every((quantity) => quantity !== null);
  return {
    quantity: isByUnits ? quantities.reduce((sum, quantity) => sum + quantity, invoiced.quantity) : null,
    amount: others.reduce((sum, { amount }) => sum + amount, invoiced.amount),
  };
}
