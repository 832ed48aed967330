import type { BillingPeriod } from '../core/billing-period.ts';
import { UsageError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { type Invoice, invoicedUsage, isUsageLine } from '../core/invoice.ts';
import { formatMoney } from '../core/money.ts';
import { type RatedAmount, rate } from '../core/price.ts';
import { type AccountWithItems, timelineOf } from '../core/store.ts';
import { invoicedSpan } from '../core/unflushed-change.ts';
import { findAccount, periodAt, priceOf } from './billed-account.ts';
import type { ExplainedUsage, InvoiceExplanation } from './explanation-result.ts';
import { type ReconcileContext, reconcilePeriod } from './reconcile-period.ts';
import type { ReconciliationLine } from './reconciliation-result.ts';
import { instantOrNull, toReportResult } from './usage-result.ts';

/**
 * An invoice, the reports in it and how Stripe's count of them is rated.
 *
 * @throws UsageError `account_not_found`, `invoice_not_found`, `stripe_unavailable`.
 */
export async function explainInvoice(
  context: ReconcileContext,
  { account_id, invoice: id }: { readonly account_id: string; readonly invoice: string },
): Promise<InvoiceExplanation> {
  const account = await findAccount(context, account_id);
  const invoice = await readOwnInvoice(context, account, id);
  const usage: ExplainedUsage[] = [];
  for (const [meter, period] of billedPeriods(account, invoice)) {
    usage.push(await explainUsage(context, account, invoice, meter, period));
  }
  const adds_up = usage.every((line) => line.adds_up);
  return {
    account: account_id,
    invoice: invoice.invoice,
    number: invoice.number,
    status: invoice.status,
    currency: invoice.currency,
    total: invoice.total,
    created_at: formatInstant(invoice.created_at),
    finalized_at: instantOrNull(invoice.finalized_at),
    usage,
    other_lines: invoice.lines
      .filter((line) => !isExplained(account, invoice, line))
      .map(({ description, amount }) => ({ description, amount })),
    adds_up,
    explanation: summaryOf(usage, adds_up),
  };
}

/** Another account's invoice is as unknown as one that does not exist. */
async function readOwnInvoice(
  { provider }: ReconcileContext,
  { account }: AccountWithItems,
  id: string,
): Promise<Invoice> {
  if (provider === null) {
    throw new UsageError('stripe_unavailable', { reason: 'Stripe is not configured.' });
  }
  const read = await provider.readInvoice({ invoice: id });
  if (read.outcome === 'unknown') throw new UsageError('stripe_unavailable', { reason: read.message });
  if (read.outcome === 'refused' || read.invoice.stripe_customer !== account.stripe_customer) {
    throw new UsageError('invoice_not_found', { field: 'invoice', value: id });
  }
  return read.invoice;
}

/** The meters and billing periods that lines of the invoice bill usage of. */
function billedPeriods(account: AccountWithItems, invoice: Invoice): [string, BillingPeriod][] {
  const found = new Map<string, [string, BillingPeriod]>();
  for (const line of invoice.lines) {
    const item = account.items.find(
      ({ stripe_subscription_item }) => stripe_subscription_item === line.stripe_subscription_item,
    );
    if (!item || !isUsageLine(invoice, line, [item], line.period)) continue;
    const period = periodAt(account, item.meter, line.period.start);
    found.set(`${item.meter} ${period.start}`, [item.meter, period]);
  }
  return [...found.values()];
}

function isExplained({ items }: AccountWithItems, invoice: Invoice, line: Invoice['lines'][number]): boolean {
  return isUsageLine(invoice, line, items, line.period);
}

async function explainUsage(
  context: ReconcileContext,
  account: AccountWithItems,
  invoice: Invoice,
  meter: string,
  period: BillingPeriod,
): Promise<ExplainedUsage> {
  const { account_id } = account.account;
  const invoices = async () => [invoice];
  const line = await reconcilePeriod(context, { account, meter, period, invoices });
  if (!line) throw new Error('A period that an item bills has nothing to compare.');
  const { reports } = await context.store.listReports({ account_id, meter, range: period });
  const price = priceOf(context, account, meter, period);
  const billed = line.billed_by_stripe;
  const rating =
    price && billed !== null && Number.isSafeInteger(billed) ? rate(price, Math.max(0, billed)) : null;
  const span = invoicedSpan(period, timelineOf(account, meter));
  const { quantity, amount } = invoicedUsage([invoice], period.items, span);
  const matches = rating === null ? null : rating.amount === amount;
  return {
    meter,
    period_start: line.period_start,
    period_end: line.period_end,
    invoiced: price?.transform_quantity ? null : quantity,
    invoiced_amount: amount,
    counted_here: line.counted_here,
    billed_by_stripe: billed,
    rating,
    reports: reports.map(toReportResult),
    causes: line.causes,
    adds_up: matches !== false && !line.discrepancy,
    explanation: sentenceOf(line, rating, amount, invoice.currency),
  };
}

function sentenceOf(
  { billed_by_stripe, causes }: ReconciliationLine,
  rating: RatedAmount | null,
  amount: number,
  currency: string,
): string {
  const invoiced = formatMoney(String(amount), currency);
  const why = causes.filter(({ discrepancy }) => discrepancy).map(({ explanation }) => explanation);
  if (rating === null) return [`The invoice bills ${invoiced}.`, ...why].join(' ');
  const rated = `Stripe counted ${billed_by_stripe}, which costs ${formatMoney(String(rating.amount), currency)}`;
  const text =
    rating.amount === amount ? `${rated}, as invoiced.` : `${rated}; the invoice bills ${invoiced}.`;
  return [text, ...why].join(' ');
}

function summaryOf(usage: readonly ExplainedUsage[], adds_up: boolean): string {
  if (usage.length === 0) return 'It bills no usage of the configured meters.';
  return adds_up ? 'It adds up.' : 'It does not add up: see the usage that does not.';
}
