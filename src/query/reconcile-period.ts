import type { BillingPeriod, Period } from '../core/billing-period.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import { causeText } from '../core/cause-text.ts';
import { formatInstant, MINUTE_MS } from '../core/instant.ts';
import { type Invoice, type InvoicedUsage, invoicedUsage } from '../core/invoice.ts';
import { type Reconciliation, reconcile } from '../core/reconciliation.ts';
import type { AccountWithItems } from '../core/store.ts';
import { type StripeReading, wholeMinutes } from '../core/stripe-count.ts';
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
  const stripe = await readCustomers(context, customers, meter, period, now);
  const invoiced = await readInvoiced(period, customers, invoices, now);
  const { reports, unassigned } = await readReports();
  const price = priceOf(context, account, meter, period);
  const unread = stripe.unread ?? (invoiced === 'unread' ? 'Its invoices could not be read.' : null);
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

interface ReadCustomers {
  readonly readings: readonly StripeReading[] | null;
  /** null = nothing kept Stripe from being read. */
  readonly unread: string | null;
}

async function readCustomers(
  { store, provider }: ReconcileContext,
  customers: readonly string[],
  meter: string,
  period: Period,
  now: number,
): Promise<ReadCustomers> {
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
  return invoicedUsage(found, period.items, period);
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
      spans: cause.spans.map(({ start, end }) => ({ start: formatInstant(start), end: formatInstant(end) })),
      explanation: causeText(cause, unread),
    })),
  };
}
