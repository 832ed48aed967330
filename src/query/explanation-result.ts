import type { CarriedForward } from '../core/adjustment.ts';
import type { Invoice } from '../core/invoice.ts';
import type { RatedAmount } from '../core/price.ts';
import type { DecisionAction } from '../core/report-listing.ts';
import type { Properties } from '../core/usage-event.ts';
import type { ReconciliationCause } from './reconciliation-result.ts';
import type { ListedReport } from './report-list.ts';
import type { ReportResult } from './usage-result.ts';

/** A report down to its ledger entries. Instants are ISO 8601 in UTC. */
export interface ReportExplanation {
  readonly account: string;
  readonly meter: string;
  readonly report: ExplainedReport;
  /** What Stripe counted in the minute that the report is stamped in; null = it is not stamped yet. */
  readonly minute: ExplainedMinute | null;
  /** What persons decided of it: the newest 100, oldest first. */
  readonly decisions: readonly ExplainedDecision[];
  /** What it is the sum of; null = retention has taken it out of the ledger. */
  readonly entries: EntriesPage | null;
  /** Whether the entries add up to the report, and Stripe's count, where it was read, to its minute. */
  readonly adds_up: boolean | null;
  /** The same in sentences. */
  readonly explanation: string;
}

/** A report with its life so far. */
export interface ExplainedReport extends ListedReport {
  /** The Stripe customer that it was prepared for; null = not prepared. */
  readonly stripe_customer: string | null;
  /** What Stripe deduplicates by. */
  readonly identifier: string | null;
  /** The instant that it is stamped with at Stripe. */
  readonly slot: string | null;
  /** Counts identifiers. */
  readonly generation: number;
  /** How often it was sent. */
  readonly attempts: number;
  readonly first_attempt_at: string | null;
}

/** What a person decided of a report that was held or had failed. */
export interface ExplainedDecision {
  readonly at: string;
  readonly action: DecisionAction;
  readonly actor: string;
  readonly reason: string;
  /** What Stripe counted beyond this database, and the person vouched for; 0 = nothing. */
  readonly acknowledged: number;
}

export interface ExplainedMinute {
  readonly minute_start: string;
  /** null = Stripe could not be read. */
  readonly counted_by_stripe: number | null;
  /** What Stripe accepted from here in that minute. */
  readonly reported: number;
  /** Why Stripe could not be read; null = it was. */
  readonly error: string | null;
}

export interface EntriesPage {
  /** Of all entries of the report. */
  readonly total: { readonly events: number; readonly quantity: number };
  /** In the order of recording. */
  readonly page: readonly LedgerEntry[];
  /** Pass as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

/** One usage event. */
export interface LedgerEntry {
  readonly event_id: number;
  readonly quantity: number;
  readonly occurred_at: string;
  readonly recorded_at: string;
  /** Recorded when the billing period that it occurred in was over. */
  readonly late: boolean;
  readonly idempotency_key: string | null;
  /** What the app attached to an increment; null = nothing, or it is not an increment. */
  readonly properties: Properties | null;
  /** Why usage was corrected, and by whom (null = nobody is named); null = it is no adjustment. */
  readonly adjustment: { readonly reason: string; readonly actor: string | null } | null;
  /** Between which reports a negative remainder was moved; null = it was not. */
  readonly carried_forward: CarriedForward | null;
}

/** An invoice down to the reports that it bills. Amounts are minor units of `currency`. */
export interface InvoiceExplanation {
  readonly account: string;
  /** `in_…` */
  readonly invoice: string;
  readonly number: string | null;
  readonly status: Invoice['status'];
  readonly currency: string;
  /** After discounts and taxes. */
  readonly total: number;
  readonly created_at: string;
  /** null = a draft, whose usage is still rated anew. */
  readonly finalized_at: string | null;
  readonly usage: readonly ExplainedUsage[];
  readonly other_lines: readonly OtherLine[];
  /** Whether everything that it bills as usage is explained by reports. */
  readonly adds_up: boolean;
  readonly explanation: string;
}

/** What an invoice bills of one meter and billing period. */
export interface ExplainedUsage {
  readonly meter: string;
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
  /** Units on the invoice; null = the price bills packages. */
  readonly invoiced: number | null;
  /** Before discounts and taxes. */
  readonly invoiced_amount: number;
  readonly counted_here: number;
  /** null = Stripe could not be read. */
  readonly billed_by_stripe: number | null;
  /** What Stripe counted, priced tier by tier; null = the price, or the count, is not known. */
  readonly rating: RatedAmount | null;
  readonly reports: readonly ReportResult[];
  readonly causes: readonly ReconciliationCause[];
  readonly adds_up: boolean;
  readonly explanation: string;
}

/** A line that bills no usage of a configured meter. */
export interface OtherLine {
  readonly description: string;
  readonly amount: number;
}
