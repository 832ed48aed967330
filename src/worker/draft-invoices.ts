import {
  type BillingPeriod,
  type BillingTimeline,
  billingPeriodAt,
  LATE_WINDOW_MS,
} from '../core/billing-period.ts';
import type { BillingProvider, Failed } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { DAY_MS, formatInstant, HOUR_MS } from '../core/instant.ts';
import { type Invoice, invoicedUsage, ratesUsage } from '../core/invoice.ts';
import { type AccountWithItems, timelineOf } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import type { ReporterContext } from './reporter-context.ts';

/** What a draft invoice needs at least, so that what is sent now is counted when it becomes final. */
const COUNTING_TIME_MS = HOUR_MS;
const POSTPONED_BY_MS = 3 * HOUR_MS;
/** A draft is not kept open for longer after its period's end. */
export const MAX_POSTPONED_MS = 3 * DAY_MS;

/**
 * Whether an invoice can still bill a report. `closing`: it becomes final before what is sent now would be counted.
 * `awaited`: there is none, and it may be on its way. `none`: there is none, and none will come.
 */
export type InvoiceState = 'open' | 'closing' | 'final' | 'awaited' | 'none';

/**
 * The draft invoices that wait for usage of a billing period that has ended. Stripe makes them final after about an hour;
 * what is not counted by then is on no invoice.
 */
export class DraftInvoices {
  readonly #context: ReporterContext;
  readonly #provider: BillingProvider;

  constructor(context: ReporterContext, provider: BillingProvider) {
    this.#context = context;
    this.#provider = provider;
  }

  /** Whether what is sent now for a paid period still gets onto its invoice, which is kept open for it where needed. */
  async stateOf(report: UsageReport, account: AccountWithItems): Promise<InvoiceState | Failed> {
    const now = this.#context.stripeNow();
    const period = periodOf(report, account);
    // Within half of Stripe's hour nobody need be asked, unless the period ended before its time: Stripe may have invoiced it at
    // once. Where that was a reset of the billing cycle, all that is known of it is that usage of it is late.
    if (isEarly(period, now) && !period.is_cut_short && !report.late) return 'open';
    const found = await this.#invoicesOf(period, account);
    if ('outcome' in found) return found;
    const { invoices } = invoicedUsage(found, period.items, period);
    if (invoices.length === 0) return stateWithoutInvoice(period, timelineOf(account, report.meter), now);
    const drafts = invoices.filter((invoice) => ratesUsage(invoice, period.items, period));
    if (drafts.length === 0) return 'final';
    if (isEarly(period, now)) return 'open';
    let state: InvoiceState = 'open';
    for (const invoice of drafts) {
      const finalizes_at = await this.#keepOpen(invoice, report, period);
      if (finalizes_at !== null && finalizes_at < now + LATE_WINDOW_MS) state = 'closing';
    }
    return state;
  }

  /** Keeps the invoices open that wait for reports which are not sent, or not counted, in time. */
  async keepOpen(reports: readonly UsageReport[], account: AccountWithItems): Promise<void> {
    const now = this.#context.stripeNow();
    const seen = new Set<string>();
    for (const report of reports) {
      const period = periodOf(report, account);
      const key = `${report.meter} ${period.end}`;
      if (seen.has(key) || isEarly(period, now) || now >= period.end + MAX_POSTPONED_MS) continue;
      seen.add(key);
      if (period.billed_by === 'paid') await this.stateOf(report, account);
    }
  }

  async #invoicesOf(
    { end }: BillingPeriod,
    { account }: AccountWithItems,
  ): Promise<readonly Invoice[] | Failed> {
    const { stripe_customer } = account;
    if (stripe_customer === null) return [];
    const read = await this.#provider.listInvoices({ stripe_customer, created_from: end });
    return read.outcome === 'read' ? read.invoices : read;
  }

  /** @returns when it becomes final now; null = not by itself. */
  async #keepOpen(
    { invoice, finalizes_at }: Invoice,
    report: UsageReport,
    { end }: BillingPeriod,
  ): Promise<Instant | null> {
    const now = this.#context.stripeNow();
    const latest = end + MAX_POSTPONED_MS;
    if (finalizes_at === null || finalizes_at >= now + COUNTING_TIME_MS || finalizes_at >= latest) {
      return finalizes_at;
    }
    const until = Math.min(now + POSTPONED_BY_MS, latest);
    const result = await this.#provider.postponeInvoice({ invoice, finalizes_at: until });
    const { account_id: account, meter } = report;
    const fields = { alarm: 'invoice_postponed', account, meter, invoice };
    const { logger } = this.#context.environment;
    if (result.outcome === 'postponed') {
      logger.warn(
        fields,
        `An invoice is kept open until ${formatInstant(until)}: usage of its period is not counted yet`,
      );
      return until;
    }
    logger.error(
      { ...fields, stripe: result.message },
      'An invoice that misses usage could not be kept open',
    );
    return finalizes_at;
  }
}

function periodOf({ meter, billing_period_start }: UsageReport, account: AccountWithItems): BillingPeriod {
  return billingPeriodAt(timelineOf(account, meter), billing_period_start);
}

/** Whether the half hour has not passed in which Stripe makes the invoice of a period, and reports go onto it. */
function isEarly({ end }: BillingPeriod, now: Instant): boolean {
  return now < end + LATE_WINDOW_MS;
}

/**
 * Stripe makes the invoice of a period at its end; one that does not come in a day, or whose subscription is over, does not.
 * Where an item was removed, or its price swapped, there is none for what is not counted by then. A subscription that ends on a
 * date of its own gets one, which a cancellation does not.
 */
function stateWithoutInvoice(period: BillingPeriod, timeline: BillingTimeline, now: Instant): InvoiceState {
  const { items, end, is_cut_short } = period;
  const hasEnded = items.every(({ ended_at }) => ended_at !== null && ended_at <= end);
  if (!hasEnded) return now < end + DAY_MS ? 'open' : 'none';
  if (!isEarly(period, now)) return 'none';
  if (!is_cut_short) return 'open';
  return billingPeriodAt(timeline, now).billed_by === 'none' ? 'awaited' : 'none';
}
