import { type BillingPeriod, billingPeriodAt, LATE_WINDOW_MS } from '../core/billing-period.ts';
import type { BillingProvider, Failed } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { DAY_MS, formatInstant, HOUR_MS } from '../core/instant.ts';
import { type Invoice, invoicedUsage } from '../core/invoice.ts';
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
 * `none`: there is none, and none will come.
 */
export type InvoiceState = 'open' | 'closing' | 'final' | 'none';

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
    // Within half of Stripe's hour nobody need be asked. What a change cuts short is invoiced at once.
    if (!period.is_cut_short && now < report.billing_period_end + LATE_WINDOW_MS) return 'open';
    const found = await this.#invoicesOf(period, account);
    if ('outcome' in found) return found;
    const { isFinal, invoices } = invoicedUsage(found, period.items, period);
    if (isFinal === true) return 'final';
    if (isFinal === null) return isOver(period, now) ? 'none' : 'open';
    let state: InvoiceState = 'open';
    for (const invoice of invoices) {
      const finalizes_at = await this.#keepOpen(invoice, report);
      if (finalizes_at !== null && finalizes_at < now + LATE_WINDOW_MS) state = 'closing';
    }
    return state;
  }

  /** Keeps the invoices open that wait for reports which are not sent, or not counted, in time. */
  async keepOpen(reports: readonly UsageReport[], account: AccountWithItems): Promise<void> {
    const now = this.#context.stripeNow();
    const seen = new Set<string>();
    for (const report of reports) {
      const { billing_period_end: end, meter } = report;
      const key = `${meter} ${end}`;
      if (seen.has(key) || now < end + LATE_WINDOW_MS || now >= end + MAX_POSTPONED_MS) continue;
      seen.add(key);
      const { billed_by, is_cut_short } = periodOf(report, account);
      if (billed_by === 'paid' && !is_cut_short) await this.stateOf(report, account);
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
  async #keepOpen({ invoice, finalizes_at }: Invoice, report: UsageReport): Promise<Instant | null> {
    const now = this.#context.stripeNow();
    const latest = report.billing_period_end + MAX_POSTPONED_MS;
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

/** Stripe makes the invoice of a period at its end; one that does not come in a day, or whose subscription is over, does not. */
function isOver({ items, end }: BillingPeriod, now: number): boolean {
  const hasEnded = items.every(({ ended_at }) => ended_at !== null && ended_at <= end);
  return hasEnded || now >= end + DAY_MS;
}
