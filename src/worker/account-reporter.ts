import type { Account } from '../core/account.ts';
import { billingPeriodAt, type SubscriptionItem } from '../core/billing-period.ts';
import type { BillingProvider, Failed, SendReportResult } from '../core/billing-provider.ts';
import type { Environment, Instant } from '../core/environment.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/instant.ts';
import { freeReason, type Plans } from '../core/plan.ts';
import type { AccountWithItems, ReportChanges, SlotUse, Store } from '../core/store.ts';
import {
  chooseSlot,
  identifierOf,
  interpretSlot,
  isSent,
  MAX_SLOT_AGE_MS,
  minuteOf,
  type ReportReason,
  type SlotReading,
  type UsageReport,
} from '../core/usage-report.ts';

/** What became of the reports of one run. */
export interface ReportCounts {
  /** Accepted by Stripe. */
  reported: number;
  /** Refused by Stripe, with its words in `last_error`. */
  failed: number;
  /** Waiting for a person, or for a second price to go away. */
  held: number;
  /** Free, in trial, or without a price: never sent. */
  not_billable: number;
  /** Waiting for a subscription, for Stripe to answer, or for Stripe to count. */
  waiting: number;
}

type Settled = keyof ReportCounts;

export interface ReporterContext {
  readonly store: Store;
  /** null = Stripe is not configured: reports wait. */
  readonly provider: BillingProvider | null;
  readonly environment: Environment;
  readonly plans: Plans;
}

/** Stripe promises to recognise an identifier for 24 hours; from here on its count is asked before sending again. */
const BLIND_RESEND_MS = 22 * HOUR_MS;
/** How long Stripe may take to count what it has accepted before a person is asked. */
const MAX_COUNTING_MS = DAY_MS;
/** Others that share its minute are surely counted, or not, by then. */
const MAX_UNCLEAR_MS = 3 * DAY_MS;
const FIRST_RETRY_MS = 5 * SECOND_MS;
const MAX_RETRY_MS = HOUR_MS;
const NOT_CONFIGURED: Failed = {
  outcome: 'unknown',
  message: 'Stripe is not configured.',
  retry_after_ms: HOUR_MS,
};
/** An attempt that a crash left behind is taken up again after this. */
const ABANDONED_MS = MINUTE_MS;

/** Brings the sealed reports of one account to Stripe, one after the other. */
export class AccountReporter {
  readonly #context: ReporterContext;

  constructor(context: ReporterContext) {
    this.#context = context;
  }

  async report(account_id: string, counts: ReportCounts): Promise<void> {
    const { store } = this.#context;
    const account = await this.#accountInSync(account_id);
    if (!account) return;
    for (const report of await store.listUnfinishedReports({ account_id })) {
      if (report.due_at === null || report.due_at > this.#now()) continue;
      counts[await this.#handle(report, account)] += 1;
    }
  }

  #now(): Instant {
    return this.#context.environment.clock.now();
  }

  /** The account with what Stripe bills it by, read after its reports were sealed; null = try again later. */
  async #accountInSync(account_id: string): Promise<AccountWithItems | null> {
    const { store, provider } = this.#context;
    const known = await store.getAccount({ account_id });
    if (!known) return null;
    const { stripe_customer } = known.account;
    const reports = await store.listUnfinishedReports({ account_id });
    if (stripe_customer === null || !this.#isStale(known.account, reports)) return known;
    const now = this.#now();
    if (!provider) {
      await store.setSyncDue({ account_id, sync_due_at: now + HOUR_MS });
      return known;
    }
    const read = await provider.listSubscriptionItems({ stripe_customer });
    if (read.outcome === 'read') {
      // A subscription that is made later is looked for once a day; one that is there, when there is something to send.
      const isBilled = read.items.some(({ ended_at }) => ended_at === null);
      const sync_due_at = isBilled ? null : now + DAY_MS;
      await store.setSubscriptionItems({ account_id, stripe_customer, items: read.items, sync_due_at, now });
      return await store.getAccount({ account_id });
    }
    await store.setSyncDue({ account_id, sync_due_at: now + HOUR_MS });
    for (const report of reports) {
      if (isToBeJudged(report, now)) await this.#change(report, this.#postponed(report, read));
    }
    return null;
  }

  /** Whether subscriptions must be read before the account's reports are judged. */
  #isStale({ synced_at, sync_due_at }: Account, reports: readonly UsageReport[]): boolean {
    const now = this.#now();
    if (sync_due_at !== null && sync_due_at <= now) return true;
    return reports.some(
      (report) => isToBeJudged(report, now) && (synced_at === null || (report.due_at ?? 0) > synced_at),
    );
  }

  async #handle(report: UsageReport, account: AccountWithItems): Promise<Settled> {
    if (isSent(report)) return await this.#resume(report);
    const items = account.items.filter(({ meter }) => meter === report.meter);
    const timeline = { created_at: account.account.created_at, items };
    const period = billingPeriodAt(timeline, report.billing_period_start);
    if (report.quantity === 0) return await this.#settle(report, 'not_billable', 'zero');
    if (period.billed_by === 'trial') return await this.#settle(report, 'not_billable', 'trial');
    if (period.billed_by === 'none') return await this.#handleUnbilled(report, account, items.length > 0);
    const billing = items.filter((item) => billsDuring(item, report));
    if (billing.length > 1) {
      const names = billing.map((item) => item.stripe_subscription_item).join(' and ');
      const last_error = `${names} bill this meter at once: Stripe would bill all usage for each.`;
      return await this.#hold(report, 'ambiguous_price', last_error, this.#now() + HOUR_MS);
    }
    return await this.#send(report, account);
  }

  /** Free usage is never sent; usage that nothing bills yet waits for a subscription as long as Stripe would take it. */
  async #handleUnbilled(
    report: UsageReport,
    { account }: AccountWithItems,
    hadItems: boolean,
  ): Promise<Settled> {
    const plan = account.plan === null ? undefined : this.#context.plans[account.plan];
    const reason = plan ? freeReason(plan, report.meter) : null;
    if (reason) return await this.#settle(report, 'not_billable', reason);
    const now = this.#now();
    const expiry = (report.period_end ?? now) + MAX_SLOT_AGE_MS;
    if (hadItems || now >= expiry) return await this.#settle(report, 'not_billable', 'no_price');
    const due_at = account.stripe_customer === null ? expiry : Math.min(expiry, now + DAY_MS);
    await this.#change(report, { reason: 'unlinked', due_at, last_error: null });
    return 'waiting';
  }

  async #send(report: UsageReport, { account }: AccountWithItems): Promise<Settled> {
    const { provider, store, environment } = this.#context;
    const { stripe_customer } = account;
    const now = this.#now();
    if (!provider || stripe_customer === null || report.period_end === null) {
      await this.#change(report, { due_at: now + HOUR_MS });
      return 'waiting';
    }
    if (report.status === 'held')
      await this.#change(report, { status: 'closed', reason: null, last_error: null });
    const period = { start: report.period_start, end: report.period_end };
    const { meter } = report;
    const range = { start: minuteOf(period.start), end: minuteOf(period.end) + MINUTE_MS };
    const uses = await store.listSlots({ stripe_customer, meter, range });
    const slot = chooseSlot(period, new Set(uses.map((use) => minuteOf(use.slot))), now);
    if (!slot) {
      const last_error = 'Stripe no longer takes usage of this age.';
      return await this.#hold({ ...report, status: 'closed' }, 'too_old', last_error, null);
    }
    const identifier = identifierOf(report, report.generation, (text) => environment.digest(text));
    const sealed = { ...report, status: 'closed' as const, stripe_customer, identifier, slot: slot.at };
    return await this.#attempt(sealed, {
      stripe_customer,
      identifier,
      slot: slot.at,
      slot_shared: slot.shared,
    });
  }

  /** A report whose last attempt has no answer, or that Stripe has and has not counted as it should. */
  async #resume(report: UsageReport): Promise<Settled> {
    if (!this.#context.provider) return await this.#postpone(report, NOT_CONFIGURED);
    const first = report.first_attempt_at ?? this.#now();
    const isKnownAtStripe = report.reason === 'not_counted';
    if (!isKnownAtStripe && this.#now() - first < BLIND_RESEND_MS) return await this.#attempt(report);
    const counted = await this.#readSlot(report);
    if (counted === 'present') return await this.#accept(report);
    if (counted === 'absent' && !isKnownAtStripe) return await this.#attempt(report);
    if (typeof counted === 'object') return await this.#postpone(report, counted);
    const patience_ms = { absent: MAX_COUNTING_MS, unclear: MAX_UNCLEAR_MS, foreign: 0 }[counted];
    if (report.status === 'sending' && this.#now() - first < patience_ms) return await this.#wait(report);
    const found = { absent: 'nothing', unclear: 'what may be another report', foreign: 'another quantity' }[
      counted
    ];
    const last_error = `Stripe has the identifier, and counted ${found} in the minute of the report.`;
    return await this.#hold(report, 'not_counted', last_error, this.#now() + DAY_MS);
  }

  /** The intent to send is stored before the request is made (I6). */
  async #attempt(report: UsageReport, sealed: ReportChanges = {}): Promise<Settled> {
    const { provider, store } = this.#context;
    const { stripe_customer, identifier, slot, meter, quantity } = report;
    if (!provider || stripe_customer === null || identifier === null || slot === null) {
      throw new Error('A report without customer, identifier or slot cannot be sent.');
    }
    const now = this.#now();
    const attempt = report.attempts + 1;
    const intended: UsageReport = {
      ...report,
      status: 'sending',
      attempts: attempt,
      first_attempt_at: report.first_attempt_at ?? now,
    };
    const isOurs = await store.changeReport({
      report,
      from: report.status,
      attempts: report.attempts,
      changes: {
        ...sealed,
        status: 'sending',
        reason: null,
        attempts: attempt,
        first_attempt_at: intended.first_attempt_at,
        due_at: now + ABANDONED_MS,
      },
    });
    if (!isOurs) return 'waiting'; // another worker was faster
    this.#warnIfLate(report);
    const result = await provider.sendReport({ meter, stripe_customer, quantity, slot, identifier, attempt });
    return await this.#conclude(intended, result);
  }

  async #conclude(report: UsageReport, result: SendReportResult): Promise<Settled> {
    switch (result.outcome) {
      case 'accepted':
        return await this.#accept(report);
      case 'duplicate':
        return await this.#confirm(report);
      case 'refused':
        await this.#change(report, { status: 'failed', last_error: result.message, due_at: null });
        this.#context.environment.logger.error(
          { ...keyOf(report), stripe: result.message },
          'Stripe refused a report',
        );
        return 'failed';
      case 'unknown':
        return await this.#postpone(report, result);
    }
  }

  async #accept(report: UsageReport): Promise<Settled> {
    await this.#change(report, {
      status: 'reported',
      reason: null,
      reported_at: this.#now(),
      due_at: null,
      last_error: null,
    });
    return 'reported';
  }

  /** Stripe has the identifier from an attempt before, of ours or not: only its count proves that it is this report. */
  async #confirm(report: UsageReport): Promise<Settled> {
    await this.#change(report, { reason: 'not_counted' });
    return await this.#resume({ ...report, reason: 'not_counted' });
  }

  async #wait(report: UsageReport): Promise<Settled> {
    const now = this.#now();
    const waited = now - (report.first_attempt_at ?? now);
    await this.#change(report, {
      due_at: now + Math.min(MAX_RETRY_MS, Math.max(MINUTE_MS, Math.ceil(waited / 4))),
      last_error: 'Stripe has the identifier and has not counted it yet.',
    });
    return 'waiting';
  }

  /** Whether Stripe counted a report in its minute, next to others that share it and may be counted by now. */
  async #readSlot(report: UsageReport): Promise<SlotReading | Failed> {
    const { provider, store } = this.#context;
    const { stripe_customer, slot, meter } = report;
    if (!provider || stripe_customer === null || slot === null)
      throw new Error('A report without slot was sent.');
    const range = { start: minuteOf(slot), end: minuteOf(slot) + MINUTE_MS };
    const uses = await store.listSlots({ stripe_customer, meter, range });
    const read = await provider.readCounted({ meter, stripe_customer, start: range.start, end: range.end });
    if (read.outcome !== 'read') return read;
    const now = this.#now();
    const others = uses.filter(
      ({ account_id, report_id }) => account_id !== report.account_id || report_id !== report.report_id,
    );
    const isCounted = ({ reported_at }: SlotUse) =>
      reported_at !== null && now - reported_at >= MAX_COUNTING_MS;
    const settled = others.filter(isCounted).reduce((sum, { quantity }) => sum + quantity, 0);
    const open = others.filter((use) => !isCounted(use)).map(({ quantity }) => quantity);
    return interpretSlot(read.quantity - settled, report.quantity, open);
  }

  #warnIfLate(report: UsageReport): void {
    if (this.#now() < report.billing_period_end + HOUR_MS) return;
    this.#context.environment.logger.warn(
      keyOf(report),
      'A report is sent after the draft of its invoice: unless the draft was kept open, it is on no invoice',
    );
  }

  async #settle(report: UsageReport, status: 'not_billable', reason: ReportReason): Promise<Settled> {
    if (report.status === 'held') await this.#change(report, { status: 'closed' });
    await this.#change({ ...report, status: 'closed' }, { status, reason, due_at: null, last_error: null });
    return 'not_billable';
  }

  async #hold(
    report: UsageReport,
    reason: ReportReason,
    last_error: string,
    due_at: Instant | null,
  ): Promise<Settled> {
    await this.#change(report, { status: 'held', reason, last_error, due_at });
    this.#context.environment.logger.warn({ ...keyOf(report), reason, last_error }, 'A report is held');
    return 'held';
  }

  async #postpone(report: UsageReport, failure: Failed): Promise<Settled> {
    await this.#change(report, this.#postponed(report, failure));
    return 'waiting';
  }

  /** Waits as long again as it has waited already, with jitter, or as long as Stripe asks. */
  #postponed(report: UsageReport, failure: Failed): ReportChanges {
    const now = this.#now();
    const waited = now - (report.first_attempt_at ?? report.period_end ?? now);
    const doubled = Math.min(MAX_RETRY_MS, Math.max(FIRST_RETRY_MS, waited));
    const jittered = doubled * (0.5 + this.#context.environment.random() / 2);
    const asked = failure.outcome === 'unknown' ? (failure.retry_after_ms ?? 0) : 0;
    return { due_at: Math.ceil(now + Math.max(jittered, asked)), last_error: failure.message };
  }

  async #change(report: UsageReport, changes: ReportChanges): Promise<void> {
    const { status: from, attempts } = report;
    await this.#context.store.changeReport({ report, from, attempts, changes });
  }
}

/** Whether it is to be decided now if, and by what, a report is billed. */
function isToBeJudged(report: UsageReport, now: Instant): boolean {
  return !isSent(report) && report.due_at !== null && report.due_at <= now;
}

/** Whether an item that is still alive bills some of the time that a report is about. */
function billsDuring({ started_at, ended_at }: SubscriptionItem, report: UsageReport): boolean {
  return ended_at === null && started_at < (report.period_end ?? Number.POSITIVE_INFINITY);
}

function keyOf({ account_id, meter, report_id }: UsageReport) {
  return { account_id, meter, report_id };
}
