import type { Period } from './billing-period.ts';
import type { Instant } from './environment.ts';
import { HOUR_MS } from './instant.ts';
import type { InvoicedUsage } from './invoice.ts';
import { type Price, rate } from './price.ts';
import { exactTotal } from './quantity.ts';
import type { SlotUse } from './store.ts';
import { type CountFinding, findingsOf, type StripeReading } from './stripe-count.ts';
import { billedSoFar, type CutShortBilling } from './unflushed-change.ts';
import type { ReportReason, UsageReport } from './usage-report.ts';

/** Why ours and Stripe's differ, or may come to differ. docs/reconciliation.md says what each means. */
export type CauseName =
  | 'open'
  | 'waiting'
  | 'unlinked'
  | 'held'
  | 'failed'
  | 'not_billable'
  | 'elsewhere'
  | 'missed_invoice'
  | 'unflushed_change'
  | 'former_customer'
  | 'invoiced_more'
  | 'unread'
  | CountFinding;

export interface Cause {
  readonly cause: CauseName;
  /** Of the reports in question; null = there is nothing to add. */
  readonly reason: ReportReason | null;
  /**
   * Units: positive where they were counted here and not by Stripe, or by Stripe and not by the invoice; negative the
   * other way round; null = not known.
   */
  readonly quantity: number | null;
  /** What the units cost, in minor units, as if this were the only cause; null = not known, or nothing. */
  readonly amount: number | null;
  /** Whether somebody has to look at it; otherwise it passes, or is meant so. */
  readonly discrepancy: boolean;
  /** Numbers of the account's reports in question. */
  readonly reports: readonly number[];
  /** The minutes in which Stripe counted something else, as far as they were found. */
  readonly spans: readonly Period[];
  /** The invoice item that a person let bill it, `ii_…`; null = none does. */
  readonly invoice_item: string | null;
}

export interface ReconciliationInput {
  readonly account_id: string;
  readonly now: Instant;
  readonly period: Period;
  /** The reports of the period, without those that are voided. */
  readonly reports: readonly UsageReport[];
  /** Usage of the period that is in no report yet. */
  readonly unassigned: number;
  /** Readings that make up the period's whole minutes, customer by customer; null = there was nothing to ask Stripe. */
  readonly readings: readonly StripeReading[] | null;
  /** What kept Stripe from being read; null = nothing did. */
  readonly unread: string | null;
  /** null = the period has not ended, nothing bills it, or invoices could not be read. */
  readonly invoiced: InvoicedUsage | null;
  /** What else bills a period whose item ended before it did; null = it is none, or nothing is known. */
  readonly cut_short: CutShortBilling | null;
  /**
   * The period's usage was counted for a customer that the account had before: when Stripe invoices that one for it, where
   * its subscription goes on; null = the account has the same customer.
   */
  readonly former_customer_invoiced_at: Instant | null;
  /** What the period is billed by; null = not known, or nothing bills it. */
  readonly price: Price | null;
}

export interface Reconciliation {
  readonly counted_here: number;
  /** The part of it that Stripe has accepted. */
  readonly reported: number;
  /** In the period's whole minutes; null = not read. */
  readonly counted_by_stripe: number | null;
  /** The part of it that the period itself bills: its first and last minute may be shared with others. */
  readonly billed_by_stripe: number | null;
  /** null = no final invoice. */
  readonly invoiced: number | null;
  readonly invoiced_amount: number | null;
  /** `counted_here` − `counted_by_stripe`: the sum of the causes, but for those of the invoice. */
  readonly difference: number | null;
  readonly discrepancy: boolean;
  /** Those that somebody has to look at first. */
  readonly causes: readonly Cause[];
}

type Own = 'amount' | 'spans' | 'invoice_item';
type Finding = Omit<Cause, Own> & Partial<Pick<Cause, Own>>;

/** A draft is there as soon as the period has ended; this much later, there will be none. */
const DRAFTED_MS = HOUR_MS;

/** Compares what was counted here with what Stripe counted and invoiced, and says why they differ. */
export function reconcile(input: ReconciliationInput): Reconciliation {
  const { reports, unassigned, readings, invoiced } = input;
  const counted_here = totalOf([unassigned, ...reports.map(({ quantity }) => quantity)]);
  const counted_by_stripe =
    readings === null ? null : readings.reduce((sum, { counted }) => sum + counted, 0);
  const isFinal = invoiced?.isFinal === true;
  const unbilled = input.cut_short === null ? missedInvoice(input) : unflushedChange(input, input.cut_short);
  const causes = [...unsentFindings(input), ...countFindings(input), ...unbilled]
    // What is merely on its way comes too late once the invoice is final.
    .map((finding) => ({ ...finding, discrepancy: finding.discrepancy || (isFinal && isUnderWay(finding)) }))
    .map(
      (finding): Cause => ({
        spans: [],
        invoice_item: null,
        amount: amountOf(input, counted_here, finding),
        ...finding,
      }),
    )
    .sort((a, b) => Number(b.discrepancy) - Number(a.discrepancy));
  return {
    counted_here,
    reported: totalOf(reports.filter(({ reported }) => reported).map(({ quantity }) => quantity)),
    counted_by_stripe,
    billed_by_stripe: readings === null ? null : billableByStripe(readings, input.period),
    invoiced: isFinal && !input.price?.transform_quantity ? invoiced.quantity : null,
    invoiced_amount: isFinal ? invoiced.amount : null,
    difference: counted_by_stripe === null ? null : counted_here - counted_by_stripe,
    discrepancy: causes.some(({ discrepancy }) => discrepancy),
    causes,
  };
}

const UNDER_WAY: ReadonlySet<CauseName> = new Set(['open', 'waiting', 'pending']);

function isUnderWay({ cause, quantity }: Finding): boolean {
  return UNDER_WAY.has(cause) && quantity !== 0;
}

/**
 * Whether Stripe is to count a report. One that it accepted may be held since, because it does not count it, or be
 * written off: then that is the cause.
 */
function isExpected({ status }: Pick<UsageReport, 'status'>): boolean {
  return status === 'reported';
}

/** What Stripe is not to count, or is not known to, report by report, those with the same cause together. */
function unsentFindings({ reports, unassigned }: ReconciliationInput): Finding[] {
  const unsent = reports.filter((report) => !isExpected(report) && report.quantity !== 0);
  const groups = Map.groupBy(unsent, (report) => `${causeOf(report)} ${report.reason ?? ''}`);
  const findings = [...groups.values()].flatMap(([first, ...others]): Finding[] => {
    if (!first) return [];
    const group = [first, ...others];
    const cause = causeOf(first);
    return [
      {
        cause,
        reason: first.reason,
        quantity: totalOf(group.map(({ quantity }) => quantity)),
        discrepancy: cause === 'held' || cause === 'failed',
        reports: group.map(({ report_id }) => report_id),
      },
    ];
  });
  if (unassigned === 0) return findings;
  const open = findings.find(({ cause }) => cause === 'open');
  const quantity = totalOf([unassigned, open?.quantity ?? 0]);
  const joined = { ...inProgress('open', quantity), reports: open?.reports ?? [] };
  return [joined, ...findings.filter((finding) => finding !== open)];
}

function causeOf({ status, reason }: UsageReport): CauseName {
  switch (status) {
    case 'open':
    case 'held':
    case 'failed':
    case 'not_billable':
      return status;
    case 'closed':
      return reason === 'unlinked' ? 'unlinked' : 'waiting';
    case 'sending':
      return 'waiting';
    case 'reported':
    case 'voided':
      throw new Error(`A report that is ${status} explains no difference.`);
  }
}

/** Where Stripe's count differs from what it accepted, minute by minute. */
function countFindings(input: ReconciliationInput): Finding[] {
  const { readings, now, unread } = input;
  const unreadFindings: Finding[] =
    unread === null
      ? []
      : [{ cause: 'unread', reason: null, quantity: null, discrepancy: true, reports: [] }];
  if (readings === null) return unreadFindings;
  const found = readings.flatMap((reading) => findingsOf(reading, now).map((part) => ({ ...part, reading })));
  const groups = Map.groupBy(found, ({ finding }) => finding);
  const findings = [...groups].map(
    ([cause, group]): Finding => ({
      cause,
      reason: null,
      quantity: 0 - group.reduce((sum, { excess }) => sum + excess, 0),
      discrepancy: cause !== 'pending' && cause !== 'unconfirmed',
      reports: group.flatMap(({ reading }) => ownReports(input, cause, reading)),
      spans: group.map(({ reading }) => reading.range),
    }),
  );
  const elsewhere = stampedElsewhere(input, readings);
  const shared = elsewhere === 0 ? [] : [inProgress('elsewhere', elsewhere)];
  return [...unreadFindings, ...findings, ...shared];
}

/** The account's reports in a minute that a finding is about: what was accepted, or for `unconfirmed` the others. */
function ownReports(
  { account_id }: ReconciliationInput,
  cause: CauseName,
  { uses }: StripeReading,
): number[] {
  return uses
    .filter((use) => use.account_id === account_id && isExpected(use) !== (cause === 'unconfirmed'))
    .map(({ report_id }) => report_id);
}

/**
 * Summaries are of whole minutes, and a period need not be: at its ends, minutes hold reports of its neighbours. The
 * same holds for reports of another account that had the customer before.
 */
function stampedElsewhere({ reports, account_id }: ReconciliationInput, readings: readonly StripeReading[]) {
  const uses = readings.flatMap((reading) => reading.uses);
  const keyOf = (use: Pick<SlotUse, 'account_id' | 'report_id'>) =>
    JSON.stringify([use.account_id, use.report_id]);
  const known = new Set(uses.filter(isExpected).map(keyOf));
  const own = reports.filter(isExpected);
  const ownKeys = new Set(own.map(({ report_id }) => keyOf({ account_id, report_id })));
  const outside = own.filter(({ report_id }) => !known.has(keyOf({ account_id, report_id })));
  const foreign = uses.filter((use) => isExpected(use) && !ownKeys.has(keyOf(use)));
  return totalOf(outside.map(({ quantity }) => quantity)) - totalOf(foreign.map(({ quantity }) => quantity));
}

/** What Stripe counted in the period and did not invoice, after its invoice was final or without one; or the reverse. */
function missedInvoice(input: ReconciliationInput): Finding[] {
  const { invoiced, readings, period, now, price } = input;
  if (invoiced === null || readings === null || invoiced.isFinal === false) return [];
  if (invoiced.isFinal === null && now < period.end + DRAFTED_MS) return [];
  const billable = billableByStripe(readings, period);
  const quantity = price?.transform_quantity && invoiced.isFinal ? null : billable - invoiced.quantity;
  const isMissed = quantity === null ? amountOfQuantity(price, billable) !== invoiced.amount : quantity !== 0;
  if (!isMissed) return [];
  const cause = quantity !== null && quantity < 0 ? 'invoiced_more' : 'missed_invoice';
  return [{ cause, reason: null, quantity, discrepancy: true, reports: [] }];
}

/**
 * What Stripe counted before its change and billed neither then nor afterwards: sent, but not counted in time, or dropped,
 * as subscriptions in classic mode and cancellations without an invoice do. And what persons let bill of it.
 */
function unflushedChange(input: ReconciliationInput, cut_short: CutShortBilling): Finding[] {
  const { invoiced, readings, period, now, price, former_customer_invoiced_at } = input;
  const settled = cut_short.bills.map(
    ({ quantity, amount, invoice_item }): Finding => ({
      ...inProgress('unflushed_change', quantity),
      amount,
      invoice_item,
    }),
  );
  if (invoiced === null || readings === null || now < period.end + DRAFTED_MS) return settled;
  const billable = billableByStripe(readings, period);
  const billed = billedSoFar(cut_short, invoiced);
  const due = amountOfQuantity(price, billable);
  const amount = due === null ? null : due - billed.amount;
  const quantity = price?.transform_quantity || billed.quantity === null ? null : billable - billed.quantity;
  if (quantity === null ? amount === 0 : quantity === 0) return settled;
  const isOverbilled = quantity === null ? amount !== null && amount < 0 : quantity < 0;
  // Units that cost nothing more, as in a cheaper tier, are nobody's loss.
  const discrepancy = isOverbilled || amount === null || amount > 0;
  if (former_customer_invoiced_at !== null) {
    // That customer's invoice is of what others use on its subscription, too.
    if (isOverbilled) return settled;
    const isDue = now >= former_customer_invoiced_at + DRAFTED_MS;
    const finding = { cause: 'former_customer', reason: null, quantity, amount, reports: [] } as const;
    return [...settled, { ...finding, discrepancy: discrepancy && isDue }];
  }
  const cause = isOverbilled ? 'invoiced_more' : 'unflushed_change';
  return [...settled, { cause, reason: null, quantity, amount, discrepancy, reports: [] }];
}

/** What Stripe counted in the period itself, without what its first and last minute share with others. */
function billableByStripe(readings: readonly StripeReading[], { start, end }: Period): number {
  return readings.reduce((sum, { counted, uses }) => {
    const outside = uses.filter((use) => isExpected(use) && (use.slot < start || use.slot >= end));
    return sum + counted - outside.reduce((total, { quantity }) => total + quantity, 0);
  }, 0);
}

function inProgress(cause: CauseName, quantity: number | null): Finding {
  return { cause, reason: null, quantity, discrepancy: false, reports: [] };
}

const UNPRICED: ReadonlySet<CauseName> = new Set(['not_billable', 'elsewhere', 'unconfirmed', 'unread']);

function amountOf(input: ReconciliationInput, counted_here: number, { cause, quantity }: Finding) {
  const { price, reports, invoiced, readings, period } = input;
  if (UNPRICED.has(cause)) return null;
  if (cause === 'missed_invoice' || cause === 'invoiced_more') {
    const due = amountOfQuantity(price, billableByStripe(readings ?? [], period));
    return due === null ? null : due - (invoiced?.amount ?? 0);
  }
  const free = reports.filter(({ status }) => status === 'not_billable').map((report) => report.quantity);
  const billable = counted_here - totalOf(free);
  const [withIt, without] = [
    amountOfQuantity(price, billable),
    amountOfQuantity(price, billable - (quantity ?? 0)),
  ];
  return withIt === null || without === null ? null : withIt - without;
}

/** A negative total bills nothing; a fraction, which only others send, is not rated here. */
function amountOfQuantity(price: Price | null, quantity: number): number | null {
  if (price === null || !Number.isSafeInteger(quantity)) return null;
  return rate(price, Math.max(0, quantity)).amount;
}

function totalOf(quantities: readonly number[]): number {
  return exactTotal(quantities.reduce((sum, quantity) => sum + BigInt(quantity), 0n));
}
