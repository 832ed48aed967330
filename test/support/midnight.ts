import { join } from 'node:path';
import Stripe from 'stripe';
import { createUsage, type ReportProgress } from '../../src/index.ts';
import type {
  StripeSimulator,
  StripeSimulatorOptions,
} from '../../src/testing/stripe-simulator/stripe-simulator.ts';
import { createRandom } from '../processes/random.ts';
import { createDistantStripe } from './distant-stripe.ts';
import { createVirtualClock } from './virtual-clock.ts';

export interface MidnightParams {
  readonly accounts: number;
  /** Whose limits Stripe keeps; the product's key is of this mode. */
  readonly limits: 'live' | 'sandbox';
  readonly seed: number;
  /** Where the database goes. */
  readonly directory: string;
  readonly createSimulator: (options: StripeSimulatorOptions) => StripeSimulator;
}

/** What a night took; times by the clock that the product and Stripe share. */
export interface MidnightResult {
  readonly seconds: number;
  /** Requests by endpoint. */
  readonly requests: ReadonlyMap<string, number>;
  readonly refused_429: number;
  /** Meter events of one customer at once. */
  readonly most_at_once: number;
  /** Calls of `usage.report({ account })` meanwhile, in milliseconds, shortest first. */
  readonly interactive_ms: readonly number[];
  readonly progress: readonly ReportProgress[];
  /** Accounts whose usage Stripe has exactly. */
  readonly exact_accounts: number;
  readonly errors: readonly unknown[];
}

const MIDNIGHT = Date.UTC(2026, 0, 11);
const QUANTITY = 7;
/** While a scene is set, an account is made every so often, within every limit. */
const SETTING_PACE_MS = 100;
const INTERACTIVE_EVERY_MS = 3_000;
const INCREMENTS_AT_ONCE = 5_000;

/** One night of the report job: every account has used something, all reports are due at midnight. */
export async function spendMidnight(params: MidnightParams): Promise<MidnightResult> {
  const { limits, seed, directory } = params;
  const clock = createVirtualClock(MIDNIGHT - 48 * 3_600_000);
  const simulator = params.createSimulator({ clock, limits, lag_minutes: [0, 0], seed });
  const random = createRandom(seed);
  const distant = createDistantStripe({ fetch: simulator.fetch, clock, random });
  const errors: unknown[] = [];
  const progress: ReportProgress[] = [];
  const usage = createUsage({
    database: { path: join(directory, 'usage.db'), thread: 'in_thread' },
    meters: { credits: {} },
    stripe: {
      secret_key: limits === 'live' ? 'sk_live_simulated' : 'sk_test_simulated',
      // What they are by default, but for meter events, on a clock that is not the test's own.
      max_requests_per_second: limits === 'live' ? 80 : 20,
      config: { httpClient: Stripe.createFetchHttpClient(distant.fetch) },
    },
    onError: (error) => errors.push(error),
    onProgress: (told) => progress.push(told),
    logger: {
      debug() {},
      info() {},
      warn: (fields, message) => errors.push({ fields, message }),
      error() {},
    },
    environment: { clock, random },
  });
  try {
    const accounts = await clock.run(setScene(simulator, clock, usage, params.accounts));
    await clock.run(usage.worker.tick()); // the day before: subscriptions are read
    await useAll(usage, accounts);
    await clock.run(clock.sleep(MIDNIGHT - clock.now()));
    const before = new Map(distant.answered);
    progress.length = 0;
    let isNight = true;
    const night = usage.worker.tick().finally(() => {
      isNight = false;
    });
    const interactive_ms: number[] = [];
    const extra = new Map<string, number>();
    const people = async () => {
      for (;;) {
        await clock.sleep(INTERACTIVE_EVERY_MS);
        if (!isNight) return;
        const [account = ''] = accounts[Math.floor(random() * accounts.length)] ?? [];
        const asked = clock.now();
        await usage.increment({ account, quantity: 1 });
        extra.set(account, (extra.get(account) ?? 0) + 1);
        await usage.report({ account });
        interactive_ms.push(clock.now() - asked);
      }
    };
    const waiting = people();
    await clock.run(night);
    const seconds = (clock.now() - MIDNIGHT) / 1_000;
    await clock.run(waiting);
    const requests = new Map(
      [...distant.answered].map(([name, count]) => [name, count - (before.get(name) ?? 0)]),
    );
    simulator.settle();
    const totals = new Map<string, number>();
    for (const { customer, value } of simulator.events())
      totals.set(customer, (totals.get(customer) ?? 0) + Number(value));
    return {
      seconds,
      requests,
      refused_429: distant.limited(),
      most_at_once: distant.mostAtOnce(),
      interactive_ms: interactive_ms.toSorted((a, b) => a - b),
      progress,
      exact_accounts: accounts.filter(
        ([account, customer]) => totals.get(customer) === QUANTITY + (extra.get(account) ?? 0),
      ).length,
      errors,
    };
  } finally {
    await usage.close();
    await simulator.close();
  }
}

type Scene = readonly (readonly [account: string, customer: string])[];

async function setScene(
  simulator: StripeSimulator,
  clock: { sleep(ms: number): Promise<void> },
  usage: { accounts: { set(params: { account: string; stripe_customer: string }): Promise<unknown> } },
  count: number,
): Promise<Scene> {
  const stripe = new Stripe('sk_test_simulated', {
    httpClient: Stripe.createFetchHttpClient(simulator.fetch),
    maxNetworkRetries: 0,
    telemetry: false,
  });
  const meter = await stripe.billing.meters.create({
    display_name: 'Credits',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  const price = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Credits' },
    unit_amount: 2,
    recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
  });
  await clock.sleep(1_000);
  const accounts: [string, string][] = [];
  for (let index = 0; index < count; index += 1) {
    const account = `acct_${String(index).padStart(6, '0')}`;
    const { id: customer } = await stripe.customers.create({});
    await stripe.subscriptions.create({
      customer,
      items: [{ price: price.id }],
      billing_mode: { type: 'flexible' },
    });
    await clock.sleep(SETTING_PACE_MS);
    await usage.accounts.set({ account, stripe_customer: customer });
    accounts.push([account, customer]);
  }
  return accounts;
}

async function useAll(
  usage: { increment(params: { account: string; quantity: number }): Promise<unknown> },
  accounts: Scene,
): Promise<void> {
  for (let from = 0; from < accounts.length; from += INCREMENTS_AT_ONCE) {
    const some = accounts.slice(from, from + INCREMENTS_AT_ONCE);
    await Promise.all(some.map(([account]) => usage.increment({ account, quantity: QUANTITY })));
  }
}
