import {
  type BillingPeriod,
  billingPeriodAt,
  LATE_WINDOW_MS,
  mayBeInvoiced,
  type SubscriptionItem,
} from '../core/billing-period.ts';
import type { Unavailable } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/instant.ts';
import { freeReason } from '../core/plan.ts';
import { type AccountWithItems, timelineOf } from '../core/store.ts';
import { MAX_REQUEST_AHEAD_MS } from '../core/subscription-change.ts';
import { expiryOf, type UsageReport } from '../core/usage-report.ts';
import { type DraftInvoices, MAX_POSTPONED_MS } from './draft-invoices.ts';
import type { ReportOutcomes } from './report-outcomes.ts';
import type { ReportSender } from './report-sender.ts';
import type { ReporterContext, Settled } from './reporter-context.ts';
import type { TotalCheck } from './total-check.ts';

/** An invoice that is about to be final, or to be made, is looked at again after this. */
const CLOSING_INTERVAL_MS = 5 * MINUTE_MS;

/** A change that ends makes its reports due; this is only in case. */
const CHANGE_INTERVAL_MS = 15 * MINUTE_MS;

/** Stripe refuses a timestamp that is far in the future for good; clocks that are kept by NTP differ by less. */
const MAX_AHEAD_MS = MINUTE_MS;

/** What judging needs of Stripe. */
export interface JudgingStripe {
  readonly sender: ReportSender;
  readonly totals: TotalCheck;
  readonly drafts: DraftInvoices;
}

/** Decides of sealed reports that were not sent whether, and by what, they are billed. */
export class ReportJudge {
  readonly #context: ReporterContext;
  readonly #outcomes: ReportOutcomes;
  /** null = Stripe is not configured. */
  readonly #stripe: JudgingStripe | null;

  constructor(context: ReporterContext, outcomes: ReportOutcomes, stripe: JudgingStripe | null) {
    this.#context = context;
    this.#outcomes = outcomes;
    this.#stripe = stripe;
  }

  async judge(report: UsageReport, account: AccountWithItems): Promise<Settled> {
    const timeline = timelineOf(account, report.meter);
    const { items } = timeline;
    const period = billingPeriodAt(timeline, report.billing_period_start);
    if (waitsForChange(report, account)) {
      const last_error = 'A change of the subscription is under way, which decides of its price.';
      return await this.#outcomes.waitUntil(report, this.#now() + CHANGE_INTERVAL_MS, { last_error });
    }
    if (report.quantity === 0) return await this.#outcomes.settle(report, 'zero');
    if (period.billed_by === 'trial') return await this.#outcomes.settle(report, 'trial');
    if (period.billed_by === 'none') return await this.#judgeUnbilled(report, account, items.length > 0);
    const billing = items.filter((item) => billsDuring(item, report, period, this.#context.stripeNow()));
    if (billing.length > 1) {
      const names = billing.map((item) => item.stripe_subscription_item).join(' and ');
      const last_error = `${names} bill this meter at once: Stripe would bill all usage for each.`;
      return await this.#outcomes.hold(report, 'ambiguous_price', last_error, this.#now() + HOUR_MS);
    }
    return await this.#judgePaid(report, account, period);
  }

  /** Free usage is never sent; usage that nothing bills yet waits for a subscription as long as Stripe would take it. */
  async #judgeUnbilled(
    report: UsageReport,
    { account }: AccountWithItems,
    hadItems: boolean,
  ): Promise<Settled> {
    const plan = account.plan === null ? undefined : this.#context.plans[account.plan];
    const reason = plan ? freeReason(plan, report.meter) : null;
    if (reason) return await this.#outcomes.settle(report, reason);
    const now = this.#now();
    const expiry = expiryOf(report);
    if (hadItems || now >= expiry) return await this.#outcomes.settle(report, 'no_price');
    const due_at = account.stripe_customer === null ? expiry : Math.min(expiry, now + DAY_MS);
    const unlinked = { reason: 'unlinked', last_error: null } as const;
    return await this.#outcomes.waitUntil(await this.#released(report), due_at, unlinked);
  }

  async #judgePaid(report: UsageReport, account: AccountWithItems, period: BillingPeriod): Promise<Settled> {
    const { stripe_customer } = account.account;
    const stripe = this.#stripe;
    if (!stripe || stripe_customer === null) {
      return await this.#outcomes.waitUntil(report, this.#now() + HOUR_MS);
    }
    const ahead_ms = (report.period_end ?? 0) - this.#context.stripeNow();
    if (ahead_ms > MAX_AHEAD_MS) {
      const last_error = 'By Stripe’s clock its time is not over yet.';
      return await this.#outcomes.waitUntil(report, this.#now() + ahead_ms, { last_error });
    }
    // Then, before all else: what Stripe may have already is neither sent nor moved to a period in which it would be billed again.
    // What Stripe refuses to tell, as of a customer that was deleted, it says again when the report is sent.
    const surplus = await stripe.totals.surplus(report, stripe_customer);
    if (isUnavailable(surplus)) return await this.#outcomes.postpone(report, surplus);
    if (typeof surplus === 'number' && surplus > 0) {
      const last_error = `Stripe has counted ${surplus} more in the billing period than this database knows of: it is an older copy, or something else reports to the meter.`;
      return await this.#outcomes.hold(report, 'unknown_usage', last_error);
    }
    const invoice = await stripe.drafts.stateOf(report, account);
    if (invoice === 'final' || invoice === 'none') return await this.#judgeLate(report, period);
    if (invoice === 'closing' || invoice === 'awaited') {
      return await this.#outcomes.waitUntil(report, this.#now() + CLOSING_INTERVAL_MS);
    }
    if (isUnavailable(invoice)) return await this.#outcomes.postpone(report, invoice);
    const billed_from = Math.max(...period.items.map((item) => item.billed_from));
    return await stripe.sender.send(await this.#released(report), stripe_customer, billed_from);
  }

  /** What no invoice of its own can bill any more. */
  async #judgeLate(report: UsageReport, period: BillingPeriod): Promise<Settled> {
    // As long as usage of a period is counted in it, nothing moves out of it: it would be given back at once.
    const now = this.#context.stripeNow();
    if (!mayBeInvoiced(period, now)) {
      return await this.#outcomes.waitUntil(report, this.#now() + period.end + LATE_WINDOW_MS - now);
    }
    if (this.#context.late_usage === 'track') return await this.#outcomes.settle(report, 'late');
    const { account_id, meter, report_id } = report;
    const isMoved = await this.#context.store.moveToCurrentPeriod({
      report: { account_id, meter, report_id },
      now,
    });
    if (isMoved) return 'waiting';
    const names = period.items.map((item) => item.stripe_subscription).join(' and ');
    const last_error = `The usage is on no invoice of ${names}, and no later period bills it.`;
    return await this.#outcomes.hold(report, 'missed_invoice', last_error, null);
  }

  /** Why it was held is gone. */
  async #released(report: UsageReport): Promise<UsageReport> {
    if (report.status !== 'held') return report;
    const released = { status: 'closed', reason: null, last_error: null } as const;
    await this.#outcomes.change(report, released);
    return { ...report, ...released };
  }

  #now(): number {
    return this.#context.environment.clock.now();
  }
}

function isUnavailable(answer: unknown): answer is Unavailable {
  return typeof answer === 'object' && answer !== null && 'outcome' in answer && answer.outcome === 'unknown';
}

/** Whether a report is about usage since the request of a change that Stripe has not made yet. */
export function waitsForChange(
  { period_start, late, last_occurred_at }: UsageReport,
  { account: { change_requested_at } }: AccountWithItems,
): boolean {
  if (change_requested_at === null) return false;
  // Usage that Stripe's change cut off before we complete it is late in a period that ends at the request then.
  const isCutOff =
    late && last_occurred_at !== null && last_occurred_at >= change_requested_at - MAX_REQUEST_AHEAD_MS;
  return period_start >= change_requested_at || isCutOff;
}

/**
 * Whether an item bills what is sent now for some of the time that a report is about. One that has ended does where it had come
 * to the end of the report's billing period: until that period's invoice is final.
 */
function billsDuring(
  { started_at, ended_at }: SubscriptionItem,
  { period_end }: UsageReport,
  { end, is_cut_short }: BillingPeriod,
  now: Instant,
): boolean {
  if (started_at >= (period_end ?? Number.POSITIVE_INFINITY)) return false;
  if (ended_at === null) return true;
  return !is_cut_short && ended_at >= end && now < end + MAX_POSTPONED_MS;
}
