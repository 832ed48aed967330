import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS, startOfMonth } from '../core/instant.ts';
import type { Agenda } from '../core/store.ts';
import type { SubscriptionChange } from '../core/subscription-change.ts';
import { MAX_AGE_MS } from '../core/usage-event.ts';
import { ChangeCycle } from './change-cycle.ts';
import { type CycleContext, type GoOn, ReportCycle, type ReportRun } from './report-cycle.ts';
import type { ReportCounts } from './reporter-context.ts';
import type { Schedule } from './schedule.ts';
import { WebhookCycle } from './webhook-cycle.ts';

export interface WorkerContext extends CycleContext {
  readonly schedule: Schedule;
  /** Months that the ledger keeps, where the engine can take months out of it; null = all. */
  readonly ledger_retention_months: number | null;
}

const JOB = 'usage';
/** 35 days past the latest timestamp that an increment could carry, which is 5 minutes ahead. */
const KEYS_KEPT_MS = MAX_AGE_MS + DAY_MS;
/** Renewed between batches; a worker that dies is replaced after this. */
const LEASE_MS = 45 * SECOND_MS;
const LEASE_RENEWAL_MS = 10 * SECOND_MS;
/** A report that another process asked for or a lease that ran out is noticed within this. */
const MAX_SLEEP_MS = 15 * SECOND_MS;
const MIN_SLEEP_MS = 250;
/** How long `runOnce` waits for the worker of another process to finish. */
const LEASE_PATIENCE_MS = 2 * MINUTE_MS;

/** Runs the report job: on its schedule, at the ends of billing periods, and when retries are due. */
export class Worker {
  readonly #context: WorkerContext;
  readonly #cycle: ReportCycle;
  readonly #webhooks: WebhookCycle;
  readonly #changes: ChangeCycle;
  readonly #holder: string;
  /** Runs of this process follow each other. */
  #lastRun: Promise<unknown> = Promise.resolve();
  /** Runs for one account, which wait for no other run. */
  readonly #accountRuns = new Set<Promise<unknown>>();
  #hasLease = false;
  #leasedAt = 0;
  #maintainedAt = Number.NEGATIVE_INFINITY;
  #stopping: AbortController | null = null;
  #loop: Promise<void> = Promise.resolve();

  constructor(context: WorkerContext) {
    this.#context = context;
    this.#holder = context.environment.uuid();
    this.#cycle = new ReportCycle(context);
    const provider = context.providers?.interactive ?? null;
    this.#webhooks = new WebhookCycle({ ...context, provider, keepLease: () => this.#renew() });
    const flush = (account_id: string) => this.#cycle.flushAccount(account_id);
    const stripeEarliest = context.providers?.stripeEarliest ?? (() => this.#now());
    this.#changes = new ChangeCycle({ ...context, provider, flush, stripeEarliest });
  }

  /** Starts the job in the background of this process; further calls change nothing. */
  start(): void {
    if (this.#stopping) return;
    this.#stopping = new AbortController();
    this.#loop = this.#run(this.#stopping.signal);
  }

  /** Resolves when the accounts under way have been dealt with; nothing is lost, the next start continues. */
  async stop(): Promise<void> {
    this.#stopping?.abort();
    await this.#loop;
    await Promise.allSettled([this.#lastRun, ...this.#accountRuns]);
    this.#stopping = null;
  }

  /**
   * Seals and sends everything now, whatever the schedule.
   *
   * @throws UsageError `storage_busy` when another process keeps running the job; `storage_failed`.
   */
  runOnce(): Promise<ReportRun> {
    return this.#exclusively(async () => {
      await this.#waitForLease();
      await this.#handleWebhooks();
      const goOn = () => this.#renew();
      await this.#changes.run(goOn);
      const run = await this.#closeAndSend(null, goOn, () => this.#cycle.sendAll(goOn));
      await this.#maintain(this.#now());
      return run;
    });
  }

  /**
   * Seals and sends the reports of one account now. Somebody waits for it, so it waits neither for the job nor for
   * its lease: two that are at a report at once make each attempt once.
   *
   * @throws UsageError `storage_failed`, `storage_busy`.
   */
  runAccount(account_id: string): Promise<ReportRun> {
    const run = this.#closeAndSend(
      account_id,
      async () => true,
      () => this.#cycle.sendAccount(account_id),
    );
    this.#accountRuns.add(run);
    return run.finally(() => this.#accountRuns.delete(run));
  }

  /** Gives what was recorded in transactions of the app to its reports. */
  settleAccount(account_id: string): Promise<void> {
    return this.#cycle.rollUp(account_id);
  }

  /** Goes on with the change of an account's subscription, for somebody who waits for it. */
  advanceChange(account_id: string): Promise<SubscriptionChange | null> {
    const run = this.#changes.advance(account_id);
    this.#accountRuns.add(run);
    return run.finally(() => this.#accountRuns.delete(run));
  }

  /** Does what is due now and nothing else; what `start` does over and over. */
  tick(): Promise<void> {
    return this.#tick(() => this.#renew());
  }

  /** When something is due next. */
  async nextDueAt(): Promise<Instant> {
    return this.#nextOf(await this.#readAgenda());
  }

  async #readAgenda(): Promise<Agenda> {
    return await this.#context.store.readAgenda({ job: JOB });
  }

  #nextOf({ last_run_at, period_end, ...due }: Agenda): Instant {
    const scheduled = this.#context.schedule.nextAfter(last_run_at ?? this.#now());
    const ahead_ms = this.#context.stripeNow() - this.#now();
    const ending = period_end === null ? [] : [period_end - ahead_ms];
    return Math.min(scheduled, ...ending, ...Object.values(due).filter((at) => at !== null));
  }

  #now(): Instant {
    return this.#context.environment.clock.now();
  }

  async #closeAndSend(
    account_id: string | null,
    goOn: GoOn,
    send: () => Promise<ReportCounts>,
  ): Promise<ReportRun> {
    const closed = await this.#cycle.close('all', account_id, goOn);
    const counts = await send();
    // What Stripe said of a subscription can have moved usage to a billing period that has ended.
    const moved = await this.#cycle.close('ended', account_id, goOn);
    if (moved > 0) addCounts(counts, await send());
    return { closed: closed + moved, ...counts };
  }

  #tick(goOn: GoOn): Promise<void> {
    return this.#exclusively(async () => {
      await this.#cycle.rollUp();
      const agenda = await this.#readAgenda();
      if (agenda.last_run_at !== null && this.#nextOf(agenda) > this.#now()) return;
      if (await this.#acquire()) await this.#runDue(goOn);
    });
  }

  async #runDue(goOn: GoOn): Promise<void> {
    const { store, schedule } = this.#context;
    const now = this.#now();
    await this.#maintain(now);
    await this.#handleWebhooks();
    await this.#changes.run(goOn);
    // Read anew, since it may have been another process's turn just before.
    let agenda = await this.#readAgenda();
    const { last_run_at: lastRun } = agenda;
    // The first start of an installation counts from now; a run that was missed while nothing ran is made up for.
    if (lastRun === null) await store.setLastRun({ job: JOB, at: now });
    else if (schedule.nextAfter(lastRun) <= now) {
      await this.#cycle.close('all', null, goOn);
      await store.setLastRun({ job: JOB, at: now });
      agenda = await this.#readAgenda();
    }
    if (agenda.period_end !== null && agenda.period_end <= this.#context.stripeNow()) {
      await this.#cycle.close('ended', null, goOn);
      agenda = await this.#readAgenda();
    }
    const isDue = [agenda.report_due_at, agenda.sync_due_at].some((at) => at !== null && at <= this.#now());
    if (isDue) await this.#cycle.sendAll(goOn);
  }

  /** First, since what Stripe tells makes accounts due; a failure does not keep reports from being sent. */
  async #handleWebhooks(): Promise<void> {
    try {
      await this.#webhooks.run();
    } catch (error) {
      this.#context.onError(error);
    }
  }

  /** Once a day at most; a failure does not keep reports from being sent. */
  async #maintain(now: Instant): Promise<void> {
    if (now - this.#maintainedAt < DAY_MS) return;
    this.#maintainedAt = now;
    const { store, ledger_retention_months: months, onError } = this.#context;
    try {
      await store.maintain({
        now,
        keys_before: now - KEYS_KEPT_MS,
        ledger_before: months === null ? null : startOfMonth(now, -months),
      });
    } catch (error) {
      onError(error);
    }
  }

  async #acquire(): Promise<boolean> {
    const now = this.#now();
    const lease = { job: JOB, holder: this.#holder, now, expires_at: now + LEASE_MS };
    this.#hasLease = await this.#context.store.acquireLease(lease);
    this.#leasedAt = now;
    return this.#hasLease;
  }

  async #renew(): Promise<boolean> {
    if (this.#hasLease && this.#now() - this.#leasedAt < LEASE_RENEWAL_MS) return true;
    return await this.#acquire();
  }

  async #waitForLease(): Promise<void> {
    for (let waited_ms = 0; !(await this.#acquire()); waited_ms += SECOND_MS) {
      if (waited_ms >= LEASE_PATIENCE_MS) {
        throw new UsageError('storage_busy', {
          reason: 'Another process has been running the report job for minutes.',
        });
      }
      await this.#context.environment.clock.sleep(SECOND_MS);
    }
  }

  #exclusively<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = this.#lastRun.then(run).finally(() => this.#release());
    this.#lastRun = result.catch(() => {});
    return result;
  }

  /** A lease that could not be given back runs out by itself. */
  async #release(): Promise<void> {
    if (!this.#hasLease) return;
    this.#hasLease = false;
    await this.#context.store.releaseLease({ job: JOB, holder: this.#holder }).catch(() => {});
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context.environment;
    const goOn = async () => !signal.aborted && (await this.#renew());
    while (!signal.aborted) {
      let sleep_ms = MAX_SLEEP_MS;
      try {
        await this.#tick(goOn);
        sleep_ms = Math.min(MAX_SLEEP_MS, Math.max(MIN_SLEEP_MS, (await this.nextDueAt()) - this.#now()));
      } catch (error) {
        this.#context.onError(error); // the next round tries again
      }
      await clock.sleep(sleep_ms, signal);
    }
  }
}

function addCounts(counts: ReportCounts, more: ReportCounts): void {
  counts.reported += more.reported;
  counts.verified += more.verified;
  counts.failed += more.failed;
  counts.held += more.held;
  counts.not_billable += more.not_billable;
  counts.waiting += more.waiting;
}
