import type { Failed } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/instant.ts';
import type { ReportChanges } from '../core/store.ts';
import { expiryOf, type ReportReason, type UsageReport } from '../core/usage-report.ts';
import type { ReporterContext, Settled } from './reporter-context.ts';

/** How long Stripe may take to count what it has accepted, while it answers, before a person is asked. */
const MAX_COUNTING_MS = DAY_MS;
/** Others that share its minute are surely counted, or not, by then. */
const MAX_UNCLEAR_MS = 3 * DAY_MS;
const FIRST_RETRY_MS = 5 * SECOND_MS;
const MAX_RETRY_MS = HOUR_MS;
/** While a draft invoice may still wait for the report. */
const MAX_RETRY_OF_ENDED_MS = 15 * MINUTE_MS;
/** Stripe publishes no bound for its counting; minutes are usual. */
const FIRST_VERIFICATION_MS = HOUR_MS;
/** What a draft invoice waits for is looked at sooner. */
const FIRST_VERIFICATION_OF_ENDED_MS = 10 * MINUTE_MS;
const MIN_READ_INTERVAL_MS = 5 * MINUTE_MS;
const MAX_READ_INTERVAL_MS = 6 * HOUR_MS;
/** What is held is looked at again, since it may become right by itself. */
const HELD_INTERVAL_MS = DAY_MS;

/** What becomes of a report, as it is written down: only while it is still as the caller saw it. */
export class ReportOutcomes {
  readonly #context: ReporterContext;
  /** That reports wait is told once an hour, however many they are. */
  #silentUntil = Number.NEGATIVE_INFINITY;

  constructor(context: ReporterContext) {
    this.#context = context;
  }

  /** False: another worker was faster. */
  async change(report: UsageReport, changes: ReportChanges): Promise<boolean> {
    const { status: from, attempts } = report;
    return await this.#context.store.changeReport({ report, from, attempts, changes });
  }

  /** Stripe has accepted it; its count is the proof, which comes later. */
  async accept(report: UsageReport): Promise<Settled> {
    const now = this.#now();
    const wait_ms = hasEnded(report, now) ? FIRST_VERIFICATION_OF_ENDED_MS : FIRST_VERIFICATION_MS;
    await this.change(report, {
      status: 'reported',
      reason: null,
      reported_at: now,
      pending_since: null,
      due_at: now + wait_ms,
      last_error: null,
    });
    return 'reported';
  }

  /** Stripe's count has it. */
  async prove(report: UsageReport): Promise<Settled> {
    const now = this.#now();
    await this.change(report, {
      status: 'reported',
      reason: null,
      reported_at: report.reported_at ?? now,
      verified_at: now,
      pending_since: null,
      due_at: null,
      last_error: null,
    });
    return report.status === 'reported' ? 'verified' : 'reported';
  }

  /**
   * Stripe has the report, or may have it, and does not count it so far: it is asked again, later each time, and after
   * a day in which it answered the report is given up.
   *
   * @param found what its count says.
   */
  async awaitCount(report: UsageReport, found: 'absent' | 'unclear'): Promise<Settled> {
    // Rejected, and not counted: what Stripe says and what it does agree.
    if (report.reason === 'rejected' && found === 'absent')
      return await this.fail(report, report.last_error ?? '');
    const now = this.#now();
    const since = report.pending_since ?? now;
    const patience_ms = found === 'unclear' ? MAX_UNCLEAR_MS : MAX_COUNTING_MS;
    if (report.status === 'held' || now - since >= patience_ms) return await this.#giveUp(report, found);
    const waited = now - (report.first_attempt_at ?? now);
    const interval = Math.min(MAX_READ_INTERVAL_MS, Math.max(MIN_READ_INTERVAL_MS, Math.ceil(waited / 4)));
    await this.change(report, {
      pending_since: since,
      due_at: Math.min(now + interval, since + patience_ms),
      last_error: hasStripesWords(report) ? report.last_error : 'Stripe has not counted it yet.',
    });
    return 'waiting';
  }

  async #giveUp(report: UsageReport, found: 'absent' | 'unclear'): Promise<Settled> {
    // What Stripe has refused and not counted in a day has had no effect.
    if (found === 'absent' && report.reason === 'refused')
      return await this.fail(report, report.last_error ?? '');
    const what = found === 'absent' ? 'nothing' : 'what may be another report';
    const last_error = `Stripe has the identifier, and counted ${what} in the minute of the report.`;
    return await this.hold(report, 'not_counted', last_error);
  }

  /** It had no effect at Stripe, and will have none. */
  async fail(report: UsageReport, last_error: string): Promise<Settled> {
    const { reason } = report;
    await this.change(report, {
      status: 'failed',
      reason: reason === 'rejected' ? reason : null,
      reported_at: null,
      pending_since: null,
      due_at: null,
      last_error,
    });
    const fields = { ...keyOf(report), stripe: last_error };
    this.#context.environment.logger.error(fields, 'Stripe refused a report');
    return 'failed';
  }

  /** @param due_at when it is looked at again; null = never by itself. Default: in a day. */
  async hold(
    report: UsageReport,
    reason: ReportReason,
    last_error: string,
    due_at: Instant | null = this.#now() + HELD_INTERVAL_MS,
  ): Promise<Settled> {
    await this.change(report, { status: 'held', reason, last_error, due_at });
    const isNews = report.status !== 'held' || report.reason !== reason;
    const fields = { ...keyOf(report), alarm: reason, last_error };
    if (isNews) this.#context.environment.logger.error(fields, 'A report is held');
    return 'held';
  }

  async holdForeign(report: UsageReport): Promise<Settled> {
    const last_error = 'In the minute of the report Stripe counted another quantity than ours.';
    return await this.hold(report, 'foreign_writer', last_error);
  }

  /** It is never billed. */
  async settle(report: UsageReport, reason: ReportReason): Promise<Settled> {
    await this.change(report, { status: 'not_billable', reason, due_at: null, last_error: null });
    return 'not_billable';
  }

  /**
   * Stripe does not say what bills the account. What it refuses it refuses tomorrow too: a person is told at once. What it
   * does not answer waits, and becomes a person's when Stripe would no longer take it. Both go on by themselves.
   */
  async awaitCustomer(report: UsageReport, failure: Failed): Promise<Settled> {
    const { environment } = this.#context;
    if (failure.outcome === 'refused') {
      return await this.hold(report, 'customer_refused', failure.message, this.#now() + HOUR_MS);
    }
    if (this.#now() >= expiryOf(report)) return await this.hold(report, 'too_old', failure.message);
    if (this.#now() >= this.#silentUntil) {
      this.#silentUntil = this.#now() + HOUR_MS;
      environment.logger.error({ stripe: failure.message }, 'Stripe does not answer: reports wait');
    }
    return await this.postpone(report, failure);
  }

  async postpone(report: UsageReport, failure: Failed): Promise<Settled> {
    const now = this.#now();
    const waited = now - (report.first_attempt_at ?? report.period_end ?? now);
    const longest = hasEnded(report, now) ? MAX_RETRY_OF_ENDED_MS : MAX_RETRY_MS;
    const doubled = Math.min(longest, Math.max(FIRST_RETRY_MS, waited));
    const jittered = doubled * (0.5 + this.#context.environment.random() / 2);
    const asked = failure.outcome === 'unknown' ? (failure.retry_after_ms ?? 0) : 0;
    const wait_ms = Math.ceil(Math.max(jittered, asked));
    const { pending_since: since } = report;
    await this.change(report, {
      due_at: now + wait_ms,
      // Time in which Stripe does not answer is no time in which it could have shown that it counted.
      pending_since: since === null ? null : since + wait_ms,
      last_error: hasStripesWords(report) ? report.last_error : failure.message,
    });
    return 'waiting';
  }

  async waitUntil(report: UsageReport, due_at: Instant, changes: ReportChanges = {}): Promise<Settled> {
    await this.change(report, { ...changes, due_at });
    return 'waiting';
  }

  #now(): Instant {
    return this.#context.environment.clock.now();
  }
}

/** Whether `last_error` is what Stripe said of this very report, and worth keeping. */
function hasStripesWords({ reason }: UsageReport): boolean {
  return reason === 'refused' || reason === 'rejected';
}

function hasEnded({ billing_period_end }: UsageReport, now: Instant): boolean {
  return billing_period_end <= now;
}

function keyOf({ account_id, meter, report_id }: UsageReport) {
  return { account_id, meter, report_id };
}
