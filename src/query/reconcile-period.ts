import type { Account } from '../core/account.ts';
import type { BillingPeriod, Period } from '../core/billing-period.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import { causeText } from '../core/cause-text.ts';
import { formatInstant, MINUTE_MS } from '../core/instant.ts';
import { type Invoice, type InvoicedPeriod, type InvoicedUsage, invoicedUsage } from '../core/invoice.ts';
import type { InvoiceItem } from '../core/invoice-item.ts';
import { type Cause, type Reconciliation, reconcile } from '../core/reconciliation.ts';
import { type AccountWithItems, timelineOf } from '../core/store.ts';
import { type StripeReading, wholeMinutes } from '../core/stripe-count.ts';
import {
  type BilledSpan,
  type CutShortBilling,
  cutShortBilling,
  invoicedSpan,
} from '../core/unflushed-change.ts';
import { minuteOf, type UsageReport } from '../core/usage-report.ts';
import { type AccountContext, priceOf } from './billed-account.ts';
import type { ReconciliationLine } from './reconciliation-result.ts';
import { readStripe } from './stripe-readings.ts';

export interface ReconcileContext extends AccountContext {
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
}

/** A customer's invoices since the first end of these periods; read once, when a period first needs them. */
export type ReadInvoices = (stripe_customer: string) => Promise<readonly Invoice[] | null>;

export interface PeriodToReconcile {
  readonly account: AccountWithItems;
  readonly meter: string;
  readonly period: BillingPeriod;
  readonly invoices: ReadInvoices;
}

/** null = nothing was used and nothing bills the period. */
export async function reconcilePeriod(
  context: ReconcileContext,
  { account, meter, period, invoices }: PeriodToReconcile,
): Promise<ReconciliationLine | null> {
  const { account_id } = account.account;
  const now = context.clock.now();
  const readReports = () => context.store.listReports({ account_id, meter, range: period });
  const before = await readReports();
  if (before.reports.length === 0 && before.unassigned === 0 && period.items.length === 0) return null;
  const customers = customersOf(account, period, before.reports);
  const stripe = await readCustomers(context, account.account, customers, meter, period, now);
  const span = invoicedSpan(period, timelineOf(account, meter));
  const former = formerCustomer(account, period, before.reports);
  // The invoice of a customer that the account has left goes on beyond that.
  const invoicedIn = former ? { ...period, is_cut_short: true } : span;
  const invoiced = await readInvoiced(period, invoicedIn, customers, invoices, now);
  const billing = await readCutShort(context, { account_id, meter, period, span }, customers, now);
  const { reports, unassigned } = await readReports();
  const price = priceOf(context, account, meter, period);
  const isRead = invoiced !== 'unread' && billing !== 'unread';
  const unread = stripe.unread ?? (isRead ? null : 'Its invoices could not be read.');
  const known = invoiced === 'unread' ? null : invoiced;
  const found = reconcile({
    account_id,
    now,
    period,
    reports,
    unassigned,
    readings: stripe.readings,
    unread,
    invoiced: known,
    cut_short: billing === 'unread' ? null : billing,
    former_customer_invoiced_at: former ? former.invoiced_at : null,
    price,
  });
  return lineOf({ account_id, meter, period, found, invoiced: known, unread, currency: price?.currency });
}

/** Whom Stripe may have counted the period's usage for: a report keeps the customer that it was prepared for. */
function customersOf({ account }: AccountWithItems, period: BillingPeriod, reports: readonly UsageReport[]) {
  const customers = new Set(reports.flatMap(({ stripe_customer }) => stripe_customer ?? []));
  if (period.items.length > 0 && account.stripe_customer !== null) customers.add(account.stripe_customer);
  return [...customers];
}

/** A customer that the period's usage was counted for, and that the account has no more; null = it has the same. */
function formerCustomer(
  { account }: AccountWithItems,
  { items, end }: BillingPeriod,
  reports: readonly UsageReport[],
): { readonly invoiced_at: number } | null {
  const isAnother = ({ stripe_customer }: UsageReport) =>
    stripe_customer !== null && stripe_customer !== account.stripe_customer;
  if (!reports.some(isAnother)) return null;
  return { invoiced_at: Math.max(end, ...items.map(({ current_period_end }) => current_period_end)) };
}

interface ReadCustomers {
  readonly readings: readonly StripeReading[] | null;
  /** null = nothing kept Stripe from being read. */
  readonly unread: string | null;
}

async function readCustomers(
  { store, provider }: ReconcileContext,
  { stripe_customer: linked, synced_at, sync_due_at }: Account,
  customers: readonly string[],
  meter: string,
  period: Period,
  now: number,
): Promise<ReadCustomers> {
  // Asked in vain: right after it was linked, an account is due at once.
  if (linked !== null && synced_at === null && sync_due_at !== null && sync_due_at > now) {
    return { readings: null, unread: `Stripe did not tell which subscriptions ${linked} has.` };
  }
  if (customers.length === 0) return { readings: null, unread: null };
  if (provider === null) return { readings: null, unread: 'Stripe is not configured.' };
  const whole = wholeMinutes(period);
  const range = { start: whole.start, end: Math.min(whole.end, minuteOf(now) + MINUTE_MS) };
  const readings: StripeReading[] = [];
  for (const stripe_customer of customers) {
    const read = await readStripe({ store, provider }, { meter, stripe_customer, range });
    if (read.outcome !== 'read') return { readings: null, unread: read.message };
    readings.push(...read.readings);
  }
  return { readings, unread: null };
}

async function readInvoiced(
  period: BillingPeriod,
  span: InvoicedPeriod,
  customers: readonly string[],
  invoices: ReadInvoices,
  now: number,
): Promise<InvoicedUsage | null | 'unread'> {
  if (period.billed_by !== 'paid' || period.end > now || customers.length === 0) return null;
  const found: Invoice[] = [];
  for (const stripe_customer of customers) {
    const read = await invoices(stripe_customer);
    if (read === null) return 'unread';
    found.push(...read);
  }
  return invoicedUsage(found, period.items, span);
}

/** Only where an item ended before its period did: then Stripe bills by invoice items, and persons may have. */
async function readCutShort(
  { provider }: ReconcileContext,
  billed: BilledSpan,
  customers: readonly string[],
  now: number,
): Promise<CutShortBilling | null | 'unread'> {
  const { period } = billed;
  if (!period.is_cut_short || period.billed_by !== 'paid' || period.end > now || provider === null)
    return null;
  const items: InvoiceItem[] = [];
  for (const stripe_customer of customers) {
    const read = await provider.listInvoiceItems({ stripe_customer, created_from: period.start });
    if (read.outcome !== 'read') return 'unread';
    items.push(...read.items);
  }
  return cutShortBilling(items, billed);
}

interface FoundLine {
  readonly account_id: string;
  readonly meter: string;
  readonly period: Period;
  readonly found: Reconciliation;
  readonly invoiced: InvoicedUsage | null;
  readonly unread: string | null;
  readonly currency: string | undefined;
}

function lineOf({
  account_id,
  meter,
  period,
  found,
  invoiced,
  unread,
  currency,
}: FoundLine): ReconciliationLine {
  return {
    account: account_id,
    meter,
    period_start: formatInstant(period.start),
    period_end: formatInstant(period.end),
    counted_here: found.counted_here,
    reported: found.reported,
    counted_by_stripe: found.counted_by_stripe,
    billed_by_stripe: found.billed_by_stripe,
    invoiced: found.invoiced,
    invoiced_amount: found.invoiced_amount,
    currency: currency ?? null,
    invoices: invoiced?.invoices.map(({ invoice, status }) => ({ invoice, status })) ?? [],
    difference: found.difference,
    discrepancy: found.discrepancy,
    causes: found.causes.map((cause) => ({
      ...cause,
      command: commandOf(cause, account_id, meter, period),
      spans: cause.spans.map(({ start, end }) => ({ start: formatInstant(start), end: formatInstant(end) })),
      explanation: causeText(cause, unread),
    })),
  };
}

/** What bills what a change left off its invoice; the amount is named, so that it is what the person has seen. */
function commandOf(
  { cause, discrepancy, amount }: Cause,
  account_id: string,
  meter: string,
  { start }: Period,
): string | null {
  if (cause !== 'unflushed_change' || !discrepancy || amount === null) return null;
  const words = [
    'bill',
    account_id,
    '--meter',
    meter,
    '--period-start',
    formatInstant(start).replace('.000Z', 'Z'),
  ];
  return ['tallybook', ...words.map(shellWord), '--amount', amount, '--reason', '"…"'].join(' ');
}

function shellWord(text: string): string {
  return /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
