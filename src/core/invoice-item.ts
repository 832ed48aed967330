import type { Period } from './billing-period.ts';

/** Something that is billed beside a subscription's own lines, on an invoice or waiting for one. Amounts are minor units. */
export interface InvoiceItem {
  /** `ii_…` */
  readonly invoice_item: string;
  /** null = it waits for the next invoice. */
  readonly invoice: string | null;
  /** Whose usage it bills; null = no subscription item's. */
  readonly stripe_subscription_item: string | null;
  /** The time that it bills. */
  readonly period: Period;
  /** null = Stripe does not say. */
  readonly quantity: number | null;
  /** Before discounts and taxes. */
  readonly amount: number;
  /** What we had it bill; null = it is not ours. */
  readonly bill: InvoiceItemBill | null;
}

/** What an invoice item of ours bills, as Stripe keeps it with the item. */
export interface InvoiceItemBill {
  /** One bill, one key. */
  readonly key: string;
  readonly account_id: string;
  readonly meter: string;
  /** Of the billing period. */
  readonly period_start: string;
  /** Units; null = the price bills packages. */
  readonly quantity: number | null;
}
