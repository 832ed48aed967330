import type { Environment, Instant } from '../core/environment.ts';
import { MINUTE_MS } from '../core/instant.ts';
import type { CloseReportsParams } from '../core/store.ts';
import { AccountReporter } from './account-reporter.ts';
import type { ReportCounts, ReporterContext } from './reporter-context.ts';

/** What one run of the report job did. */
export interface ReportRun extends Readonly<ReportCounts> {
  /** Open reports that were sealed. */
  readonly closed: number;
}

export interface CycleContext extends ReporterContext {
  /** Told of an account that failed; the others go on. */
  readonly onError: (error: unknown) => void;
  /** Called before each batch and account; false = another worker has taken over, stop. */
  readonly keepLease: () => Promise<boolean>;
}

/** Accounts whose reports are sealed in one transaction: more would keep increments waiting. */
const CLOSE_BATCH = 100;
const ROLL_UP_BATCH = 1_000;
const ACCOUNT_PAGE = 100;
/** Accounts whose reports are sent at the same time. */
const PARALLEL_ACCOUNTS = 8;
/** An account that raised an error of our own is left alone for so long. */
const QUARANTINE_MS = MINUTE_MS;

/** Seals reports and brings them to Stripe. */
export class ReportCycle {
  readonly #context: CycleContext;
  readonly #reporter: AccountReporter;
  readonly #quarantined = new Map<string, Instant>();

  constructor(context: CycleContext) {
    this.#context = context;
    this.#reporter = new AccountReporter(context);
  }

  /** @returns how many reports were sealed. */
  async close(which: 'all' | 'ended', account_id: string | null): Promise<number> {
    await this.rollUp();
    const now = this.#environment().clock.now();
    let closed = 0;
    for (const locked of ['skip', 'wait'] as const) {
      let after: string | null = null;
      for (let more = true; more; ) {
        const params: CloseReportsParams = { now, which, account_id, after, locked, limit: CLOSE_BATCH };
        const batch = await this.#context.store.closeReports(params);
        closed += batch.closed;
        after = batch.after;
        more = batch.more && (await this.#context.keepLease());
      }
    }
    return closed;
  }

  /** Adds usage that was recorded in transactions of the app to its reports; several processes may at once. */
  async rollUp(): Promise<void> {
    for (let more = true; more; ) {
      const now = this.#environment().clock.now();
      const { store, late_usage } = this.#context;
      ({ more } = await store.rollUp({ now, account_id: null, limit: ROLL_UP_BATCH, late_usage }));
    }
  }

  /** Looks at every report that is due, of all accounts or of one. */
  async send(account_id: string | null): Promise<ReportCounts> {
    const counts: ReportCounts = {
      reported: 0,
      verified: 0,
      failed: 0,
      held: 0,
      not_billable: 0,
      waiting: 0,
    };
    if (account_id !== null) {
      await this.#sendOne(account_id, counts);
      return counts;
    }
    const now = this.#environment().clock.now();
    let after: string | null = null;
    do {
      const page = await this.#context.store.listDueAccounts({ now, after, limit: ACCOUNT_PAGE });
      let isOurs = true;
      await forEachParallel(page, PARALLEL_ACCOUNTS, async (id) => {
        isOurs &&= await this.#context.keepLease();
        if (isOurs) await this.#sendOne(id, counts);
      });
      after = isOurs && page.length === ACCOUNT_PAGE ? (page.at(-1) ?? null) : null;
    } while (after !== null);
    return counts;
  }

  #environment(): Environment {
    return this.#context.environment;
  }

  /** One account's failure is its own (I13). */
  async #sendOne(account_id: string, counts: ReportCounts): Promise<void> {
    const now = this.#environment().clock.now();
    if ((this.#quarantined.get(account_id) ?? 0) > now) return;
    this.#quarantined.delete(account_id);
    try {
      await this.#reporter.report(account_id, counts);
    } catch (error) {
      this.#quarantined.set(account_id, now + QUARANTINE_MS);
      this.#context.onError(error);
    }
  }
}

async function forEachParallel<Item>(
  items: readonly Item[],
  width: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const lane = async () => {
    for (const item of rest) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
