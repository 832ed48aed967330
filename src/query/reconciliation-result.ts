import type { Invoice } from '../core/invoice.ts';
import type { CauseName } from '../core/reconciliation.ts';
import type { ReportReason } from '../core/usage-report.ts';

/** A page of what `usage.reconcile` found. */
export interface ReconciliationPage {
  /** One line per account, meter and billing period in which there is anything to compare. */
  readonly lines: readonly ReconciliationLine[];
  /** How many of the lines have a discrepancy. */
  readonly discrepancies: number;
  /** Pass as `after` for the next accounts; null = these were the last. */
  readonly next: string | null;
}

/** Ours against Stripe's: one account, meter and billing period. Instants are ISO 8601 in UTC. */
export interface ReconciliationLine {
  readonly account: string;
  readonly meter: string;
  /** Of the billing period. */
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
  /** Units of the period in this database. */
  readonly counted_here: number;
  /** The part of `counted_here` that Stripe has accepted. */
  readonly reported: number;
  /** What Stripe counted in the period's whole minutes; null = it was not read. */
  readonly counted_by_stripe: number | null;
  /** The part of it that is the period's own: its first and last minute may be shared with other reports. */
  readonly billed_by_stripe: number | null;
  /** Units on final invoices; null = none is final, or the price bills packages. */
  readonly invoiced: number | null;
  /** What they cost, in minor units of `currency`, before taxes and discounts; null = no invoice is final. */
  readonly invoiced_amount: number | null;
  readonly currency: string | null;
  readonly invoices: readonly InvoiceName[];
  /** `counted_here` − `counted_by_stripe`; null = Stripe was not read. */
  readonly difference: number | null;
  /** Whether somebody has to look at it. */
  readonly discrepancy: boolean;
  /**
   * Why they differ. All quantities but those of `missed_invoice`, `unflushed_change`, `former_customer` and `invoiced_more`
   * add up to `difference`.
   */
  readonly causes: readonly ReconciliationCause[];
}

export interface InvoiceName {
  /** `in_…` */
  readonly invoice: string;
  readonly status: Invoice['status'];
}

/** `[start, end)`, ISO 8601 in UTC. */
export interface Span {
  readonly start: string;
  readonly end: string;
}

export interface ReconciliationCause {
  readonly cause: CauseName;
  /** Of the reports; null = nothing to add. */
  readonly reason: ReportReason | null;
  /** Units; negative where Stripe, or the invoice, has more. null = not known. */
  readonly quantity: number | null;
  /** What the units cost by themselves, in minor units of `currency`; null = not known, or nothing. */
  readonly amount: number | null;
  /** Whether somebody has to look at it; otherwise it passes, or is meant so. */
  readonly discrepancy: boolean;
  /** Numbers of the account's reports. */
  readonly reports: readonly number[];
  /** The minutes in which Stripe counted something else than its reports, as far as they were found. */
  readonly spans: readonly Span[];
  /** The invoice item that a person let bill it, `ii_…`; null = none does. */
  readonly invoice_item: string | null;
  /** What can be run to settle it, once a reason is given; null = there is no such command. */
  readonly command: string | null;
  /** What it means, and what can be done. */
  readonly explanation: string;
}
