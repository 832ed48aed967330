import type { BillingProvider } from '../../../src/core/billing-provider.ts';
import type { Environment } from '../../../src/core/environment.ts';
import type { Store } from '../../../src/core/store.ts';
import type { UsageOptions } from '../../../src/options/usage-options.ts';
import { composeUsage } from '../../../src/usage.ts';
import type { Usage } from '../../../src/usage-interface.ts';
import type { Trace } from '../trace.ts';
import { type Fate, GONE, never } from './fate.ts';
import type { Turns } from './turns.ts';

export type AppUsage = Usage<'credits', string>;

export interface AppProcessOptions {
  readonly name: string;
  readonly usage: UsageOptions<'credits', string>;
  /** null = as `createUsage` opens it. */
  readonly openStore: ((environment: { uuid(): string }) => Store) | null;
  readonly environment: Omit<Environment, 'digest'>;
  readonly turns: Turns;
  readonly trace: Trace;
  /** Looks at a port call that has its turn, before it is made. */
  readonly onCall: (process: AppProcess, label: string, params: unknown) => Promise<void>;
  /** Looks at what came of it. */
  readonly onAnswer: (process: AppProcess, label: string, params: unknown, result: unknown) => void;
}

/**
 * One process of the app: the product as `createUsage` makes it, with a labelled point before and after every call of
 * its ports. There it can crash, or stall.
 */
export class AppProcess {
  readonly name: string;
  readonly usage: AppUsage;
  /** The label where it stands still; null = it runs. */
  stalledAt: string | null = null;
  readonly #options: AppProcessOptions;
  #fate: { readonly fate: Fate; pointsLeft: number } | null = null;
  #isDead = false;
  #gone = Promise.withResolvers<typeof GONE>();
  #wake = Promise.withResolvers<void>();
  #inFlight = 0;
  #store: Store | null = null;
  readonly #calls = new Set<Promise<unknown>>();

  constructor(options: AppProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.usage = composeUsage(
      { ...options.usage, environment: options.environment },
      {
        store: (own) => {
          this.#store = options.openStore?.(options.environment) ?? own;
          return this.#labelled('store', this.#store);
        },
        provider: (provider: BillingProvider) => this.#labelled('provider', provider),
      },
    );
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** What is to become of it. */
  meet(fate: Fate): void {
    this.#fate = { fate, pointsLeft: fate.points };
  }

  /** It gets away. */
  spare(): void {
    this.#fate = null;
  }

  /** Runs a call; it resolves to `GONE` when the process crashes or stalls meanwhile. */
  call<Result>(run: (usage: AppUsage) => Promise<Result>): Promise<Result | typeof GONE> {
    const done = run(this.usage);
    const settled = done.catch(() => {}).finally(() => this.#calls.delete(settled));
    this.#calls.add(settled);
    return Promise.race([done, this.#gone.promise]);
  }

  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#options.trace.add(() => `${this.name} is dead`);
    this.#gone.resolve(GONE);
    this.#letGo();
  }

  /** A stalled process goes on; resolves when its calls have ended, or when it is gone again. */
  async wake(): Promise<void> {
    this.#options.trace.add(() => `${this.name} goes on`);
    this.stalledAt = null;
    this.#gone = Promise.withResolvers();
    this.#wake.resolve();
    await Promise.race([Promise.all(this.#calls), this.#gone.promise]);
  }

  async close(): Promise<void> {
    if (!this.#isDead) await this.usage.close();
  }

  #labelled<Port extends object>(name: string, port: Port): Port {
    return new Proxy(port, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function' || property === 'close') return value;
        const label = `${name}.${String(property)}`;
        return (params: unknown) => this.#pass(label, params, () => value.call(target, params));
      },
    });
  }

  async #pass(label: string, params: unknown, run: () => Promise<unknown>): Promise<unknown> {
    const { turns, trace, onCall, onAnswer } = this.#options;
    await this.#point(`${label}:before`);
    let outcome: { readonly result: unknown } | { readonly error: unknown } | null = null;
    await turns.take(async () => {
      if (this.#isDead) return;
      this.#inFlight += 1;
      try {
        await onCall(this, label, params);
        outcome = { result: await run() };
      } catch (error) {
        outcome = { error };
      }
      this.#inFlight -= 1;
      trace.call(this.name, label, params, 'result' in outcome ? outcome.result : outcome.error);
      if ('result' in outcome) onAnswer(this, label, params, outcome.result);
    });
    if (this.#isDead) this.#letGo();
    await this.#point(`${label}:after`);
    return resultOf(outcome);
  }

  async #point(label: string): Promise<void> {
    const planned = this.#fate;
    if (planned?.fate.at.test(label)) {
      if (planned.pointsLeft === 0) this.#meetAt(label, planned.fate);
      planned.pointsLeft -= 1;
    }
    if (this.#isDead) await never();
    while (this.stalledAt !== null) await this.#wake.promise;
    if (this.#isDead) await never();
  }

  #meetAt(label: string, { kind }: Fate): void {
    this.#fate = null;
    this.#options.trace.add(() => `${this.name} meets a ${kind} at ${label}`);
    if (kind === 'crash') {
      this.die();
      return;
    }
    this.stalledAt = label;
    this.#wake = Promise.withResolvers();
    this.#gone.resolve(GONE);
  }

  /** What a crash leaves to the operating system: connections are closed once nothing is under way on them. */
  #letGo(): void {
    if (this.#inFlight > 0 || !this.#store) return;
    const store = this.#store;
    this.#store = null;
    store.close().catch(() => {});
  }
}

function resultOf(outcome: { result: unknown } | { error: unknown } | null): unknown {
  if (outcome === null) return undefined;
  if ('error' in outcome) throw outcome.error;
  return outcome.result;
}
