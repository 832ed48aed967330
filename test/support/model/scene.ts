import type Stripe from 'stripe';
import { expect } from 'vitest';
import type { IncrementParams, IncrementResult } from '../../../src/index.ts';
import { passTime } from '../../../src/testing/pass-time.ts';
import { nextRandom } from '../../../src/testing/stripe-simulator/seeded-random.ts';
import { DAY, HOUR, MINUTE } from '../credits-scene.ts';
import { createWorld } from '../world.ts';
import type { Action } from './actions.ts';
import type { ModelDatabase } from './database.ts';
import { Expectation, type Gap } from './expectation.ts';
import { type EventRow, Ledger } from './ledger.ts';

const METER_EVENTS = { method: 'POST', path: '/v1/billing/meter_events' } as const;
/** A dead worker's lease runs out meanwhile. */
const LEASE = 50_000;
/** Between the last blind resend, after 22 hours, and the 24 hours after which Stripe forgets identifiers. */
const LONGEST_ON_THE_WAY = 2 * HOUR - MINUTE;
const NAMES = ['acct_1', 'acct_2'] as const;

type Name = (typeof NAMES)[number];
type World = Awaited<ReturnType<typeof createWorld>>;
type Process = Pick<World['usage'], 'increment' | 'report' | 'get' | 'accounts' | 'worker' | 'close'>;
type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** A worker whose request to Stripe is not answered yet. */
interface Hanging {
  readonly revive: () => Promise<void>;
}

/** Carries out one schedule, on the real product and on the expectation alike. */
export class Scene {
  readonly world: World;
  readonly ledger: Ledger;
  readonly expectations: Readonly<Record<Name, Expectation>>;
  readonly customers: Readonly<Record<Name, Stripe.Customer>>;
  readonly gaps: Gap[] = [];
  readonly #database: ModelDatabase;
  /** Of requests that reached Stripe. */
  readonly #checks: Promise<void>[];
  readonly #processes: Process[];
  #hanging: Hanging[] = [];

  static async create(seed: number, database: ModelDatabase): Promise<Scene> {
    let state = seed;
    const random = () => {
      const step = nextRandom(state);
      state = step.state;
      return step.value;
    };
    // Counted within 25 minutes: usage of the last late minute is in time for its invoice.
    const start = Date.UTC(2026, 0, 10, 12) + (seed % 40) * DAY + (seed % 1_000);
    const ledger = new Ledger(database);
    const checks: Promise<void>[] = [];
    const world = await createWorld({
      start,
      database: database.options,
      seed,
      random,
      lag_minutes: [0, 25],
      // Thrown in here, it would look to the product like Stripe's failure.
      onExchange: (exchange) => {
        const check = ledger.checkIntent(exchange);
        check.catch(() => {}); // awaited by `checkRequests`
        checks.push(check);
      },
    });
    await world.usage.accounts.list(); // creates the tables
    const create = (name: string) => world.stripe.customers.create({ name });
    const customers = { acct_1: await create('Ada'), acct_2: await create('Bob') };
    return new Scene(world, ledger, database, customers, checks);
  }

  private constructor(
    world: World,
    ledger: Ledger,
    database: ModelDatabase,
    customers: Record<Name, Stripe.Customer>,
    checks: Promise<void>[],
  ) {
    this.#checks = checks;
    this.world = world;
    this.ledger = ledger;
    this.customers = customers;
    this.expectations = { acct_1: new Expectation(), acct_2: new Expectation() };
    this.#database = database;
    this.#processes = [world.usage, world.open()];
  }

  async close(): Promise<void> {
    this.world.simulator.faults.clear();
    for (const hanging of this.#hanging.splice(0)) await hanging.revive();
    for (const usage of this.#processes) await usage.close();
    await this.#database.close();
  }

  /** Throws what was wrong with requests that reached Stripe. */
  async checkRequests(): Promise<void> {
    await Promise.all(this.#checks.splice(0));
  }

  get now(): number {
    return this.world.clock.now();
  }

  async act(action: Action): Promise<void> {
    switch (action.kind) {
      case 'increment':
        return await this.#increment(action);
      case 'report':
        await this.#process(action.process).report(
          action.account === null ? {} : { account: nameOf(action.account) },
        );
        return;
      case 'pass':
        return await this.pass(this.now + action.ms);
      case 'pass_to_end': {
        const end = this.expectations[nameOf(action.account)].periodEndAfter(this.now);
        return await this.pass((end ?? this.now) + action.offset);
      }
      case 'late': {
        const { account, offset, before } = action;
        const end = this.expectations[nameOf(account)].periodEndAfter(this.now) ?? this.now;
        await this.pass(end + offset);
        const ago = this.now - end + before;
        const increment = { account, process: 0, quantity: 50, key: null, ago, times: 1, transaction: null };
        return await this.#increment({ kind: 'increment', ...increment });
      }
      case 'skip':
        return this.#skip(action.ms);
      case 'link':
        return await this.#link(nameOf(action.account));
      case 'plan':
        await this.#process(0).accounts.set({ account: nameOf(action.account), plan: action.plan });
        return;
      case 'subscribe':
        return await this.#subscribe(nameOf(action.account), action.trial_days);
      case 'cancel':
        return await this.#cancel(nameOf(action.account));
      case 'fault': {
        const where = action.on === 'meter_events' ? METER_EVENTS : {};
        return await this.#failing({ kind: action.fault, times: action.times, ...where }, action.ms);
      }
      case 'flurry':
        return await this.#flurry(action);
      case 'replace':
        return await this.#replace(nameOf(action.account), action.ms);
      case 'delayed':
        return await this.#failing(
          {
            kind: 'reset',
            times: 1,
            effect_after_ms: Math.min(action.ms, LONGEST_ON_THE_WAY),
            ...METER_EVENTS,
          },
          1_000,
        );
      case 'outage':
        return await this.#failing({ kind: 'reset', times: 1_000_000 }, action.ms);
      case 'hang':
        return await this.#hang(nameOf(action.account), action.is_taken);
      case 'revive':
        for (const hanging of this.#hanging.splice(0)) await hanging.revive();
        return;
      case 'reopen':
        await this.#process(action.process).close();
        this.#processes[action.process] = this.world.open();
        return;
    }
  }

  /** Time passes with every process's worker running. */
  async pass(to: number): Promise<void> {
    const { clock, simulator } = this.world;
    const worker = {
      tick: async () => {
        for (const usage of this.#processes) await usage.worker.tick();
      },
      nextDueAt: () => this.#process(0).worker.nextDueAt(),
    };
    await passTime({ clock, simulator, worker, to });
  }

  async end(): Promise<void> {
    this.world.simulator.faults.clear();
    for (const hanging of this.#hanging.splice(0)) await hanging.revive();
    await this.pass(this.now + 75 * DAY);
  }

  /** What the product answers about a random range and about the current period. */
  get(account: Name, start: number, end: number) {
    const range = { period_start: new Date(start), period_end: new Date(end) };
    return this.#process(1).get({ account, ...range });
  }

  async isKnown(account: Name): Promise<boolean> {
    const { accounts } = await this.#process(0).accounts.list();
    return accounts.some((known) => known.account === account);
  }

  #process(index: number): Process {
    return this.#processes[index] ?? this.world.usage;
  }

  #skip(ms: number): void {
    this.gaps.push({ from: this.now, to: this.now + ms });
    this.world.clock.advance(ms);
  }

  async #increment(action: Of<'increment'>): Promise<void> {
    const { quantity, key, ago } = action;
    const account = nameOf(action.account);
    const expectation = this.expectations[account];
    const timestamp = ago === null ? null : this.now - ago;
    const params = {
      account,
      quantity,
      ...(key === null ? {} : { idempotency_key: `key_${key}` }),
      ...(timestamp === null ? {} : { timestamp: new Date(timestamp) }),
    };
    const before = new Set((await this.ledger.events()).map(({ event_id }) => event_id));
    const results = await this.#record(action, params);
    if (results === null) return;
    const content = `${quantity}|${timestamp}`;
    const earlier = key === null ? undefined : expectation.keys.get(`key_${key}`);
    if (key !== null && earlier === undefined) expectation.keys.set(`key_${key}`, content);
    const isConflict = earlier !== undefined && earlier !== content;
    const added = (await this.ledger.events()).filter(({ event_id }) => !before.has(event_id));
    for (const [index, result] of results.entries()) {
      const isNew = key === null || (earlier === undefined && index === 0);
      if (isConflict) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'idempotency_conflict' } });
      } else expect(result).toMatchObject({ value: { recorded: isNew, duplicate: !isNew } });
      if (!isConflict && isNew) this.#expect(account, quantity, timestamp, added);
    }
  }

  /** @returns null when the app rolled back. */
  async #record(
    { process, times, transaction }: Of<'increment'>,
    params: IncrementParams<'credits'>,
  ): Promise<PromiseSettledResult<IncrementResult>[] | null> {
    const usage = this.#process(process);
    const { transact } = this.#database;
    if (transact === null || transaction === null) {
      if (transaction === 'ROLLBACK') return null;
      return await Promise.allSettled(Array.from({ length: times }, () => usage.increment(params)));
    }
    const results = await transact(transaction, async (open) => {
      const settled: PromiseSettledResult<IncrementResult>[] = [];
      for (let call = 0; call < times; call += 1)
        settled.push(...(await Promise.allSettled([usage.increment(params, { transaction: open })])));
      return settled;
    });
    return transaction === 'COMMIT' ? results : null;
  }

  #expect(account: Name, quantity: number, timestamp: number | null, added: readonly EventRow[]): void {
    const recorded_at = this.now;
    let occurred_at = timestamp ?? recorded_at;
    if (occurred_at > recorded_at) {
      // A timestamp ahead stays in the billing period in which it was recorded.
      const [written, ...others] = new Set(added.map((event) => event.occurred_at));
      expect(others).toEqual([]);
      expect(written).toBeLessThanOrEqual(occurred_at);
      expect(written).toBeGreaterThanOrEqual(recorded_at);
      occurred_at = written ?? recorded_at;
    }
    this.expectations[account].events.push({ quantity, occurred_at, recorded_at });
  }

  async #link(account: Name): Promise<void> {
    const stripe_customer = this.customers[account].id;
    await this.#process(0).accounts.set({ account, plan: 'pro', stripe_customer });
    this.expectations[account].linked_at ??= this.now;
  }

  async #subscribe(account: Name, trial_days: number | null): Promise<void> {
    const { subscriptions } = this.expectations[account];
    if (!subscriptions.some(({ ended_at }) => ended_at === null))
      await this.#addSubscription(account, trial_days);
  }

  async #replace(account: Name, ms: number): Promise<void> {
    const { subscriptions } = this.expectations[account];
    const active = subscriptions.find(({ ended_at }) => ended_at === null);
    // Next to a trial the second would be paid for at once, and the first decides.
    if (!active || active.paid_from > this.now) return;
    await this.#addSubscription(account, null);
    await this.pass(this.now + ms);
    await this.#cancel(account);
  }

  async #addSubscription(account: Name, trial_days: number | null): Promise<void> {
    const { subscriptions } = this.expectations[account];
    const { id, start_date, trial_end } = await this.world.stripe.subscriptions.create({
      customer: this.customers[account].id,
      items: [{ price: this.world.price.id }],
      billing_mode: { type: 'flexible' },
      ...(trial_days === null ? {} : { trial_period_days: trial_days }),
    });
    const started_at = start_date * 1_000;
    const paid_from = trial_end === null ? started_at : trial_end * 1_000;
    subscriptions.push({ id, started_at, paid_from, ended_at: null });
  }

  async #cancel(account: Name): Promise<void> {
    const active = this.expectations[account].subscriptions.find(({ ended_at }) => ended_at === null);
    if (!active) return;
    const { ended_at } = await this.world.stripe.subscriptions.cancel(active.id);
    active.ended_at = (ended_at ?? 0) * 1_000;
  }

  async #failing(fault: Parameters<World['simulator']['faults']['add']>[0], ms: number): Promise<void> {
    const from = this.now;
    this.world.simulator.faults.add(fault);
    await this.#process(0).report();
    await this.pass(from + ms);
    this.world.simulator.faults.clear();
    this.gaps.push({ from, to: this.now });
  }

  async #flurry({ account, fault, times, quantities, ms }: Of<'flurry'>): Promise<void> {
    const from = this.now;
    this.world.simulator.faults.add({ kind: fault, times, ...METER_EVENTS });
    for (const quantity of quantities) {
      const increment = { account, process: 0, quantity, key: null, ago: null, times: 1, transaction: null };
      await this.#increment({ kind: 'increment', ...increment });
      this.#skip(ms);
      await this.#process(0).report({ account: nameOf(account) });
    }
    this.world.simulator.faults.clear();
    this.gaps.push({ from, to: this.now });
  }

  /** Another process reports the account and hears nothing of its first report. */
  async #hang(account: Name, isTaken: boolean): Promise<void> {
    const { promise: isHanging, resolve: hang } = Promise.withResolvers<void>();
    const { promise: answer, resolve: deliver, reject: lose } = Promise.withResolvers<Response>();
    const { simulator } = this.world;
    let isFirst = true;
    const dying = this.world.open(async (input, init) => {
      if (!isFirst || !String(input).includes('/meter_events')) return await simulator.fetch(input, init);
      isFirst = false;
      const taken = isTaken ? await simulator.fetch(input, init) : null;
      const sentAt = this.now;
      // Against a request that is on its way until Stripe has forgotten its identifier, nothing helps.
      ask = async () => {
        if (taken === null && this.now - sentAt > LONGEST_ON_THE_WAY) lose(new TypeError('fetch failed'));
        else deliver(taken ?? (await simulator.fetch(input, init)));
      };
      hang();
      return await answer;
    });
    let ask = async () => {};
    const done = dying.report({ account });
    await Promise.race([isHanging, done]);
    if (isFirst) return await dying.close();
    this.#hanging.push({
      revive: async () => {
        await ask();
        await done;
        await dying.close();
      },
    });
    this.#skip(LEASE);
    this.gaps.push({ from: this.now, to: this.now + 5 * MINUTE });
  }
}

function nameOf(account: number): Name {
  return NAMES[account] ?? NAMES[0];
}

export const ACCOUNTS = NAMES;
