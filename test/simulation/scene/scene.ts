import { UsageError } from '../../../src/core/errors.ts';
import { assertExchange } from '../../support/stripe-contract/assert-exchange.ts';
import type { StripeContract } from '../../support/stripe-contract/contract.ts';
import { AppProcess, type AppUsage } from '../app/app-process.ts';
import { drive } from '../app/drive.ts';
import { type Fate, GONE } from '../app/fate.ts';
import { SimulatedClock } from '../app/simulated-clock.ts';
import { Turns } from '../app/turns.ts';
import type { SimulationDatabase } from '../database/simulation-database.ts';
import { CallWatch } from '../invariants/call-watch.ts';
import { Random } from '../random.ts';
import type { Schedule } from '../schedule/action.ts';
import { createStripeAccount, type StripeAccount } from '../stripe/stripe-account.ts';
import { HOUR, MINUTE } from '../time.ts';
import { Trace } from '../trace.ts';
import { Expectation, type ExpectationSnapshot, type Gap } from './expectation.ts';
import { Ledger } from './ledger.ts';
import { processOptions } from './process-options.ts';

export const ACCOUNTS = ['acct_1', 'acct_2'] as const;
export type AccountName = (typeof ACCOUNTS)[number];

/** A dead worker's lease runs out meanwhile, and what it left behind is taken up again. */
const RECOVERY = 5 * MINUTE;

export interface SceneOptions {
  readonly isTraced: boolean;
  /** null = exchanges with Stripe are not held to its contract. */
  readonly contract: StripeContract | null;
}

/** A process that stands still. */
export interface StalledProcess {
  readonly process: AppProcess;
  readonly since: number;
}

export interface Backup {
  readonly taken_at: number;
  readonly expectations: readonly ExpectationSnapshot[];
}

/** Everything that one schedule happens to: the product in two processes, its database, Stripe, and one clock. */
export class Scene {
  readonly clock: SimulatedClock;
  readonly trace: Trace;
  readonly turns: Turns;
  readonly ledger: Ledger;
  readonly database: SimulationDatabase;
  readonly schedule: Schedule;
  readonly watch: CallWatch;
  /** For what the scene itself leaves to chance. */
  readonly random: Random;
  readonly expectations: Readonly<Record<AccountName, Expectation>>;
  readonly gaps: Gap[] = [];
  /** What the product told the app of. */
  readonly errors: unknown[] = [];
  /** Violations of Stripe's contract. */
  readonly violations: unknown[] = [];
  stalled: StalledProcess[] = [];
  backup: Backup | null = null;
  /** The storage's failures to come, and of which account. */
  poison: { readonly account: AccountName; timesLeft: number } | null = null;
  #stripe: StripeAccount | null = null;
  #processes: AppProcess[] = [];
  #opened = 0;
  /** Events that arrived, each time they did. */
  #delivered = 0;
  /** Milliseconds by which the clock of each process is ahead. */
  readonly #skews = [0, 0];
  readonly #environmentRandom: Random;
  #cron: string;

  static async create(
    schedule: Schedule,
    database: SimulationDatabase,
    options: SceneOptions,
  ): Promise<Scene> {
    const scene = new Scene(schedule, database, options);
    const { contract } = options;
    scene.#stripe = await createStripeAccount(schedule, {
      clock: scene.clock,
      deliver: (request) => scene.#deliver(request),
      onExchange: (exchange) => {
        const { method, path, status, fault } = exchange;
        scene.trace.add(
          () => `    Stripe ${method} ${path} → ${status}${fault === null ? '' : ` (${fault})`}`,
        );
        // Thrown in here, it would look to the product like Stripe's failure.
        try {
          if (contract) assertExchange(contract, exchange);
        } catch (error) {
          scene.violations.push(error);
        }
      },
    });
    scene.#processes = [scene.openProcess(), scene.openProcess()];
    await scene.call(0, (usage) => usage.accounts.list()); // creates the tables where there are none
    return scene;
  }

  private constructor(schedule: Schedule, database: SimulationDatabase, { isTraced }: SceneOptions) {
    const random = new Random(schedule.seed + 1);
    this.schedule = schedule;
    this.database = database;
    this.clock = new SimulatedClock(schedule.start);
    this.trace = new Trace(isTraced, () => this.clock.now());
    this.turns = new Turns(random.fork());
    this.#environmentRandom = random.fork();
    this.random = random.fork();
    this.ledger = new Ledger(database);
    this.watch = new CallWatch(this);
    this.expectations = { acct_1: new Expectation(), acct_2: new Expectation() };
    this.#cron = schedule.cron;
  }

  get now(): number {
    return this.clock.now();
  }

  get stripe(): StripeAccount {
    if (!this.#stripe) throw new Error('The scene is not set yet.');
    return this.#stripe;
  }

  get processCount(): number {
    return this.#processes.length;
  }

  customerOf(account: AccountName): string {
    return this.stripe.customers[account === 'acct_1' ? 0 : 1];
  }

  /** Milliseconds by which the clock of a process is ahead. */
  skewOf(index: number): number {
    return this.#skews[index] ?? 0;
  }

  /** Opens the product once more on the same database, as another process would have it. */
  openProcess(skew_ms = 0): AppProcess {
    this.#opened += 1;
    const name = `p${this.#opened}`;
    const random = this.#environmentRandom.fork();
    return new AppProcess(processOptions(this, name, random, skew_ms, this.#cron));
  }

  /** Calls the product in a process; `GONE` when the process did not survive it, and another one took its place. */
  async call<Result>(
    index: number,
    run: (usage: AppUsage) => Promise<Result>,
  ): Promise<Result | typeof GONE> {
    const process = this.#processAt(index);
    return await this.drive(this.#runIn(index, process, run));
  }

  /** Several calls at the same time; Stripe's events that are on their way arrive meanwhile. */
  async race(
    calls: readonly (readonly [index: number, (usage: AppUsage) => Promise<unknown>])[],
  ): Promise<void> {
    this.turns.isRacing = true;
    try {
      const running: Promise<unknown>[] = calls.map(([index, run]) =>
        this.#runIn(index, this.#processAt(index), run),
      );
      if (this.schedule.events !== 'none') running.push(this.stripe.simulator.deliverWebhooks());
      await this.drive(Promise.all(running));
    } finally {
      this.turns.isRacing = false;
    }
  }

  /**
   * Whatever happens by itself at Stripe until now, and its events on their way to the app.
   *
   * @returns whether any event arrived.
   */
  async settle(): Promise<boolean> {
    this.stripe.simulator.settle();
    const before = this.#delivered;
    await this.drive(this.stripe.simulator.deliverWebhooks());
    return this.#delivered > before;
  }

  /** Waits for a promise, and lets time pass where everyone sleeps. */
  async drive<Result>(promise: Promise<Result>): Promise<Result> {
    return await drive(promise, this);
  }

  meet(index: number, fate: Fate): void {
    this.#processAt(index).meet(fate);
  }

  /** Nobody worked between two instants. */
  miss(from: number, to: number): void {
    this.gaps.push({ from, to });
  }

  stall(process: AppProcess): void {
    this.stalled.push({ process, since: this.now });
    this.miss(this.now, this.now + RECOVERY);
  }

  /** Ends a process in good order and starts it again. */
  async reopen(index: number, { skew_ms = 0, cron = this.#cron } = {}): Promise<void> {
    const process = this.#processAt(index);
    process.spare();
    await this.drive(process.close());
    this.#cron = cron;
    this.#skews[index] = skew_ms;
    this.#processes[index] = this.openProcess(skew_ms);
  }

  /** All of them at once, as when the machine loses power. */
  async crashAll(): Promise<void> {
    for (const process of this.#processes) process.die();
    for (const { process } of this.stalled.splice(0)) process.die();
    await this.turns.quiet();
  }

  openAll(): void {
    this.#skews.fill(0);
    this.#processes = this.#processes.map(() => this.openProcess());
    this.miss(this.now, this.now + RECOVERY);
  }

  async close(): Promise<void> {
    this.stripe.simulator.faults.clear();
    for (const { process } of this.stalled.splice(0)) process.die();
    for (const process of this.#processes) {
      process.spare();
      await this.drive(process.close());
    }
    await this.turns.quiet();
    await this.stripe.simulator.close();
    await this.database.close();
  }

  /** One of the processes has the event; when it does not survive that, no answer comes. */
  async #deliver(request: Request): Promise<Response> {
    this.#delivered += 1;
    const index = this.random.integer(0, this.processCount - 1);
    const answer = await this.#runIn(index, this.#processAt(index), (usage) => usage.webhook(request));
    const response = answer === GONE ? new Response(null, { status: 502 }) : answer;
    this.trace.add(() => `  an event of Stripe's → ${response.status}`);
    return response;
  }

  #processAt(index: number): AppProcess {
    const process = this.#processes[index % this.#processes.length];
    if (!process) throw new Error('There is no process.');
    return process;
  }

  /**
   * By a clock that is an hour behind, the lease of a worker that died runs out an hour later: whoever waits for it is told
   * `storage_busy`, as documented, and comes back.
   */
  async #despiteSkew<Result>(result: Promise<Result>): Promise<Result | typeof GONE> {
    try {
      return await result;
    } catch (error) {
      const isSkewed = this.expectations.acct_1.troubles.has('skewed');
      if (!isSkewed || !(error instanceof UsageError) || error.code !== 'storage_busy') throw error;
      this.miss(this.now, this.now + HOUR);
      return GONE;
    }
  }

  async #runIn<Result>(
    index: number,
    process: AppProcess,
    run: (usage: AppUsage) => Promise<Result>,
  ): Promise<Result | typeof GONE> {
    const result = await this.#despiteSkew(process.call(run));
    const isGone = process.isDead || process.stalledAt !== null;
    if (isGone && this.#processes[index] === process) {
      if (!process.isDead) this.stall(process);
      this.miss(this.now, this.now + RECOVERY);
      this.#processes[index] = this.openProcess(this.skewOf(index));
    }
    return result;
  }
}

export function nameOf(account: number): AccountName {
  return ACCOUNTS[account] ?? ACCOUNTS[0];
}
