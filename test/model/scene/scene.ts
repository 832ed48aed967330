import Stripe from 'stripe';
import {
  createStripeSimulator,
  type StripeSimulator,
} from '../../../src/testing/stripe-simulator/stripe-simulator.ts';
import { AppProcess, type AppUsage } from '../../simulation/app/app-process.ts';
import { drive } from '../../simulation/app/drive.ts';
import { GONE } from '../../simulation/app/fate.ts';
import { SimulatedClock } from '../../simulation/app/simulated-clock.ts';
import { Turns } from '../../simulation/app/turns.ts';
import type { SimulationDatabase } from '../../simulation/database/simulation-database.ts';
import { Random } from '../../simulation/random.ts';
import { Ledger } from '../../simulation/scene/ledger.ts';
import { DirectClient } from '../../simulation/stripe/direct-client.ts';
import { Trace } from '../../simulation/trace.ts';
import { assertExchange } from '../../support/stripe-contract/assert-exchange.ts';
import type { StripeContract } from '../../support/stripe-contract/contract.ts';
import { createCatalogue } from '../catalogue.ts';
import type { Schedule } from '../schedule/action.ts';
import { ACCOUNT_COUNT } from '../schedule/draw-schedule.ts';
import { AccountLog } from './account-log.ts';
import { Diary } from './diary.ts';
import { modelProcessOptions } from './process-options.ts';

export const PROCESS_COUNT = 2;
/** Signing secrets of the app's two endpoints. */
export const SNAPSHOT_SECRET = 'whsec_snapshot';
export const THIN_SECRET = 'whsec_thin';

export interface SceneOptions {
  readonly isTraced: boolean;
  /** null = exchanges with Stripe are not held to its contract. */
  readonly contract: StripeContract | null;
}

/** Everything that one schedule happens to: the product in two processes, its database, Stripe, and one clock. */
export class ModelScene {
  readonly schedule: Schedule;
  readonly clock: SimulatedClock;
  readonly trace: Trace;
  readonly turns: Turns;
  readonly database: SimulationDatabase;
  readonly ledger: Ledger;
  readonly simulator: StripeSimulator;
  readonly client: DirectClient;
  readonly stripe: Stripe;
  /** For what the scene itself leaves to chance. */
  readonly random: Random;
  readonly accounts: AccountLog[] = [];
  /** What Stripe told of subscriptions, whoever else heard of it. */
  readonly diary = new Diary();
  /** Stripe's ids of prices by name. */
  prices: ReadonlyMap<string, string> = new Map();
  /** What the product told the app of. */
  readonly errors: unknown[] = [];
  /** Violations of Stripe's contract. */
  readonly violations: unknown[] = [];
  readonly #environmentRandom: Random;
  #processes: AppProcess[] = [];
  #opened = 0;

  static async create(
    schedule: Schedule,
    database: SimulationDatabase,
    options: SceneOptions,
  ): Promise<ModelScene> {
    const scene = new ModelScene(schedule, database, options);
    scene.prices = await createCatalogue(scene.stripe);
    for (let index = 0; index < PROCESS_COUNT; index += 1) scene.#processes.push(scene.#openProcess());
    for (let index = 1; index <= ACCOUNT_COUNT; index += 1) {
      const account = `acct_${index}`;
      const { id } = await scene.stripe.customers.create({ name: account });
      scene.accounts.push(new AccountLog(account, id));
      await scene.call(0, (usage) => usage.accounts.set({ account, plan: 'free', stripe_customer: id }));
    }
    return scene;
  }

  private constructor(
    schedule: Schedule,
    database: SimulationDatabase,
    { isTraced, contract }: SceneOptions,
  ) {
    const random = new Random(schedule.seed + 1);
    this.schedule = schedule;
    this.database = database;
    this.clock = new SimulatedClock(schedule.start);
    this.trace = new Trace(isTraced, () => this.clock.now());
    this.turns = new Turns(random.fork());
    this.#environmentRandom = random.fork();
    this.random = random.fork();
    this.ledger = new Ledger(database);
    this.simulator = createStripeSimulator({
      clock: this.clock,
      seed: schedule.seed,
      lag_minutes: [0, schedule.lag_minutes],
      webhooks: {
        deliver: (request) => this.#deliver(request),
        secret: SNAPSHOT_SECRET,
        thin_secret: THIN_SECRET,
      },
      onExchange: (exchange) => {
        const { method, path, status, fault } = exchange;
        this.trace.add(
          () => `    Stripe ${method} ${path} → ${status}${fault === null ? '' : ` (${fault})`}`,
        );
        // Thrown in here, it would look to the product like Stripe's failure.
        try {
          if (contract) assertExchange(contract, exchange);
        } catch (error) {
          this.violations.push(error);
        }
      },
    });
    this.client = new DirectClient(() => this.simulator);
    this.stripe = new Stripe('sk_test_simulated', {
      httpClient: this.client,
      maxNetworkRetries: 0,
      telemetry: false,
    });
  }

  get now(): number {
    return this.clock.now();
  }

  account(index: number): AccountLog {
    const account = this.accounts[index % this.accounts.length];
    if (!account) throw new Error('There is no account.');
    return account;
  }

  process(index: number): AppProcess {
    const process = this.#processes[index % PROCESS_COUNT];
    if (!process) throw new Error('There is no process.');
    return process;
  }

  /** What somebody does at Stripe by hand, with whom nothing is wrong: faults that are still to come are over. */
  async byHand<Result>(work: (stripe: Stripe) => Promise<Result>): Promise<Result> {
    this.simulator.faults.clear();
    return await work(this.stripe);
  }

  /** Calls the product in a process; `GONE` when the process died meanwhile, and another one took its place. */
  async call<Result>(
    index: number,
    run: (usage: AppUsage) => Promise<Result>,
  ): Promise<Result | typeof GONE> {
    return await this.drive(this.#runIn(index, run));
  }

  /** Several calls at the same time. */
  async race(
    calls: readonly (readonly [index: number, (usage: AppUsage) => Promise<unknown>])[],
  ): Promise<void> {
    this.turns.isRacing = true;
    try {
      await this.drive(Promise.all(calls.map(([index, run]) => this.#runIn(index, run))));
    } finally {
      this.turns.isRacing = false;
    }
  }

  /** Waits for a promise, and lets time pass where everyone sleeps. */
  async drive<Result>(promise: Promise<Result>): Promise<Result> {
    return await drive(promise, this);
  }

  /** Ends a process in good order and starts it again. */
  async reopen(index: number): Promise<void> {
    const process = this.process(index);
    process.spare();
    await this.drive(process.close());
    this.#processes[index % PROCESS_COUNT] = this.#openProcess();
  }

  async close(): Promise<void> {
    this.simulator.faults.clear();
    for (const process of this.#processes) {
      process.spare();
      await this.drive(process.close());
    }
    await this.turns.quiet();
    await this.simulator.close();
    await this.database.close();
  }

  /** Whatever happens by itself at Stripe until now, and its events on their way to the app. */
  async settle(): Promise<void> {
    this.simulator.settle();
    await this.drive(this.simulator.deliverWebhooks());
  }

  async #deliver(request: Request): Promise<Response> {
    this.diary.note(await request.clone().text());
    if (!this.schedule.with_webhooks) return new Response(null, { status: 200 });
    const index = this.random.integer(0, PROCESS_COUNT - 1);
    const answer = await this.#runIn(index, (usage) => usage.webhook(request));
    return answer === GONE ? new Response(null, { status: 502 }) : answer;
  }

  #openProcess(): AppProcess {
    this.#opened += 1;
    const random = this.#environmentRandom.fork();
    return new AppProcess(modelProcessOptions(this, `p${this.#opened}`, random));
  }

  async #runIn<Result>(
    index: number,
    run: (usage: AppUsage) => Promise<Result>,
  ): Promise<Result | typeof GONE> {
    const process = this.process(index);
    const result = await process.call(run);
    if (process.isDead && this.process(index) === process) {
      this.#processes[index % PROCESS_COUNT] = this.#openProcess();
    }
    return result;
  }
}
