import type { BillingProviders, CallLoad } from '../core/billing-provider.ts';
import type { Environment, Instant } from '../core/environment.ts';
import { MINUTE_MS } from '../core/instant.ts';
import type { CloseReportsParams, CloseReportsResult, RollUpParams, RollUpResult } from '../core/store.ts';
import { Turns } from '../core/turns.ts';
import { forEachAccount } from './account-lanes.ts';
import { AccountReporter } from './account-reporter.ts';
import { ProgressTeller, type ReportProgress } from './report-progress.ts';
import type { ReportCounts, ReporterContext } from './reporter-context.ts';

/** What one run of the report job did. */
export interface ReportRun extends Readonly<ReportCounts> {
  /** Open reports that were sealed. */
  readonly closed: number;
}

export interface CycleContext extends Omit<ReporterContext, 'provider'> {
  /** null = Stripe is not configured: reports wait. */
  readonly providers: BillingProviders | null;
  /** Told of an account that failed; the others go on. */
  readonly onError: (error: unknown) => void;
  /** Told now and then while many accounts are being sent. */
  readonly onProgress: (progress: ReportProgress) => void;
}

/** Asked before each batch and account; false = stop, as when another worker has taken over. */
export type GoOn = () => Promise<boolean>;

/** Accounts whose reports are sealed in one transaction: more would keep increments waiting. */
const CLOSE_BATCH = 100;
const ROLL_UP_BATCH = 1_000;
/** Ids that are read, and kept in memory, at once. */
const ACCOUNT_PAGE = 1_000;
/** An account that raised an error of our own is left alone for so long. */
const QUARANTINE_MS = MINUTE_MS;
/** So many that fail at once are no trouble of accounts but of the database. */
const MAX_FAILING = 100;
const IDLE: CallLoad = { in_flight: 0, waiting: 0 };

/** Seals reports and brings them to Stripe. */
export class ReportCycle {
  readonly #context: CycleContext;
  readonly #background: AccountReporter;
  readonly #interactive: AccountReporter;
  /** The job and whoever asks for one account's reports are at an account one after the other. */
  readonly #turns = new Turns();
  readonly #quarantined = new Map<string, Instant>();
  /** Accounts whose reports could not be sealed. */
  readonly #unsealable = new Map<string, Instant>();
  /** Accounts whose usage could not be added to their reports. */
  readonly #unrollable = new Map<string, Instant>();

  constructor(context: CycleContext) {
    this.#context = context;
    const { providers } = context;
    this.#background = new AccountReporter({ ...context, provider: providers?.background ?? null });
    this.#interactive = new AccountReporter({ ...context, provider: providers?.interactive ?? null });
  }

  /** @returns how many reports were sealed. */
  async close(which: 'all' | 'ended', account_id: string | null, goOn: GoOn): Promise<number> {
    await this.rollUp(account_id);
    const now = this.#environment().clock.now();
    forgetExpired(this.#unsealable, now);
    let closed = 0;
    for (const locked of ['skip', 'wait'] as const) {
      let after: string | null = null;
      for (let more = true; more; ) {
        const except = account_id === null ? [...this.#unsealable.keys()] : [];
        const ended_by = this.#context.stripeNow();
        const params = { now, ended_by, which, account_id, except, after, locked, limit: CLOSE_BATCH };
        const batch = await this.#closeBatch(params);
        closed += batch.closed;
        after = batch.after;
        more = batch.more && (await goOn());
      }
    }
    return closed;
  }

  /** Where a batch fails as a whole, the account that it fails for is found and left out (I13). */
  async #closeBatch(params: CloseReportsParams): Promise<CloseReportsResult> {
    const { store, onError } = this.#context;
    try {
      return await store.closeReports(params);
    } catch (error) {
      if (params.account_id !== null) throw error;
      const accounts = await store.listAccountsToClose(params);
      let closed = 0;
      for (const account_id of accounts) {
        try {
          closed += (await store.closeReports({ ...params, account_id, after: null })).closed;
        } catch (cause) {
          if (this.#unsealable.size === MAX_FAILING) throw cause;
          this.#unsealable.set(account_id, params.now + QUARANTINE_MS);
          onError(cause);
        }
      }
      return { closed, after: accounts.at(-1) ?? null, more: accounts.length === params.limit };
    }
  }

  /** Adds usage that was recorded in transactions of the app to its reports; several processes may at once. */
  async rollUp(account_id: string | null = null): Promise<void> {
    for (let more = true; more; ) {
      const now = this.#environment().clock.now();
      const { late_usage } = this.#context;
      forgetExpired(this.#unrollable, now);
      const except = account_id === null ? [...this.#unrollable.keys()] : [];
      const params = { now, account_id, except, limit: ROLL_UP_BATCH, late_usage };
      ({ more } = await this.#rollUpBatch(params));
    }
  }

  /** Where a batch fails as a whole, the account that it fails for is found and left out (I13). */
  async #rollUpBatch(params: RollUpParams & { readonly except: readonly string[] }): Promise<RollUpResult> {
    const { store, onError } = this.#context;
    try {
      return await store.rollUp(params);
    } catch (error) {
      if (params.account_id !== null) throw error;
      const accounts = await store.listAccountsToRollUp({ except: params.except, limit: CLOSE_BATCH });
      if (accounts.length === 0) throw error;
      for (const account_id of accounts) {
        try {
          await this.rollUp(account_id);
        } catch (cause) {
          if (this.#unrollable.size === MAX_FAILING) throw cause;
          this.#unrollable.set(account_id, params.now + QUARANTINE_MS);
          onError(cause);
        }
      }
      return { more: true };
    }
  }

  /** Looks at every report that is due. */
  async sendAll(goOn: GoOn): Promise<ReportCounts> {
    const { store, providers, environment, onProgress } = this.#context;
    const now = environment.clock.now();
    forgetExpired(this.#quarantined, now);
    const counts = noCounts();
    const progress = new ProgressTeller(environment, onProgress, await store.countDueAccounts({ now }));
    const load = () => providers?.backgroundLoad() ?? IDLE;
    await forEachAccount(this.#dueAccounts(now, goOn), load, async (id) => {
      if (!this.#quarantined.has(id)) await this.#sendOne(this.#background, id, counts);
      progress.accountDone();
    });
    return counts;
  }

  /** Looks at the reports of one account that are due, for somebody who waits for it. */
  async sendAccount(account_id: string): Promise<ReportCounts> {
    const counts = noCounts();
    await this.#sendOne(this.#interactive, account_id, counts);
    return counts;
  }

  /**
   * The same, and reads back what Stripe counted, due or not: a change of the subscription waits for it.
   *
   * @throws UsageError `storage_failed`, `storage_busy`.
   */
  async flushAccount(account_id: string): Promise<void> {
    await this.#turns.take(account_id, () => this.#interactive.report(account_id, noCounts(), true));
  }

  #environment(): Environment {
    return this.#context.environment;
  }

  async *#dueAccounts(now: Instant, goOn: GoOn): AsyncGenerator<string> {
    for (let after: string | null = null, isLast = false; !isLast; ) {
      const page = await this.#context.store.listDueAccounts({ now, after, limit: ACCOUNT_PAGE });
      for (const account_id of page) {
        if (!(await goOn())) return;
        yield account_id;
      }
      after = page.at(-1) ?? null;
      isLast = page.length < ACCOUNT_PAGE;
    }
  }

  /** One account's failure is its own (I13). */
  async #sendOne(reporter: AccountReporter, account_id: string, counts: ReportCounts): Promise<void> {
    try {
      await this.#turns.take(account_id, () => reporter.report(account_id, counts));
    } catch (error) {
      this.#quarantined.set(account_id, this.#environment().clock.now() + QUARANTINE_MS);
      this.#context.onError(error);
    }
  }
}

function forgetExpired(quarantine: Map<string, Instant>, now: Instant): void {
  for (const [account_id, until] of quarantine) if (until <= now) quarantine.delete(account_id);
}

function noCounts(): ReportCounts {
  return { reported: 0, verified: 0, failed: 0, held: 0, not_billable: 0, waiting: 0 };
}
