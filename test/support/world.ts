import { join } from 'node:path';
import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import type {
  Clock,
  DatabaseOptions,
  LateUsagePolicy,
  ScheduleInput,
  UsageOptions,
} from '../../src/index.ts';
import { createMovableClock, type MovableClock } from '../../src/testing/movable-clock.ts';
import { passTime } from '../../src/testing/pass-time.ts';
import type { StripeSimulator } from '../../src/testing/stripe-simulator/stripe-simulator.ts';
import { composeUsage, type PortWrapping } from '../../src/usage.ts';
import { CREDIT_TIERS } from './credits-scene.ts';
import { temporaryDirectory } from './folders.ts';
import { createSimulatedStripe, type SimulatedStripeOptions } from './simulated-stripe.ts';

export const PLANS = {
  free: { prices: [] },
  pro: {
    prices: [
      {
        currency: 'usd',
        interval: 'month',
        tiers_mode: 'volume',
        tiers: [
          { up_to: 1_000, unit_amount_decimal: '2' },
          { up_to: 'inf', unit_amount_decimal: '1.5' },
        ],
      },
    ],
  },
} as const;

/** The signing secrets of the simulator's two endpoints. */
export const WEBHOOK_SECRET = 'whsec_snapshot';
export const THIN_WEBHOOK_SECRET = 'whsec_thin';

export interface WorldOptions extends Omit<SimulatedStripeOptions, 'clock'> {
  /** Default: 10 January 2026, 12:00 UTC. */
  readonly start?: number;
  /** Default: a new SQLite file. */
  readonly database?: DatabaseOptions;
  /** Of the SQLite file, without `database`. Default: a new one. */
  readonly path?: string;
  /** Default: true. */
  readonly with_stripe?: boolean;
  /** Default: the product's, daily at midnight UTC. */
  readonly schedule?: ScheduleInput;
  /** Another world's, so that time is the same in both. Default: one of its own. */
  readonly clock?: MovableClock;
  /** Another world's Stripe, for two databases on one Stripe account. */
  readonly simulator?: StripeSimulator;
  /** How the product reaches Stripe. Default: straight to the simulator. */
  readonly stripe_fetch?: typeof fetch;
  /** Whether the simulator's events go to `usage.webhook`. Default: false. */
  readonly with_webhooks?: boolean;
  /** Default: the product's, `bill_next`. */
  readonly late_usage?: LateUsagePolicy;
  /**
   * How far the product's clock is ahead of Stripe's, in milliseconds; negative = behind; a function = it is set
   * meanwhile. Default: 0.
   */
  readonly skew_ms?: number | (() => number);
  /** Default: {@link PLANS}. */
  readonly plans?: NonNullable<UsageOptions<'credits', string>['plans']>;
  /** Default: false. */
  readonly allow_tiers_mode_change?: boolean;
  /** How long the product waits for an answer of Stripe's, in real milliseconds. Default: the product's. */
  readonly stripe_timeout_ms?: number;
  /** How long calls wait for a change of a subscription. Default: 0, since nobody moves the clock meanwhile. */
  readonly verify_timeout_ms?: number;
  /** What stands around the product's ports. Default: nothing. */
  readonly wrapping?: Partial<PortWrapping>;
  /** What the product's jitter is drawn from. Default: the machine's randomness. */
  readonly random?: () => number;
}

type Worker = Parameters<typeof passTime>[0]['worker'];

const UNWRAPPED: PortWrapping = { store: (store) => store, provider: (provider) => provider };

/** The product on a database, by default an embedded one, the simulator behind the official SDK, and one clock for both. */
export async function createWorld({
  start = Date.UTC(2026, 0, 10, 12),
  clock = createMovableClock({ start }),
  path = join(temporaryDirectory(), 'usage.db'),
  database = { path, thread: 'in_thread' },
  with_stripe = true,
  schedule,
  simulator: shared,
  stripe_fetch,
  random,
  with_webhooks = false,
  plans = PLANS,
  verify_timeout_ms = 0,
  allow_tiers_mode_change = false,
  stripe_timeout_ms,
  late_usage,
  skew_ms = 0,
  wrapping: ownWrapping = {},
  ...options
}: WorldOptions = {}) {
  const endpoint = { answer: (request: Request): Promise<Response> => usage.webhook(request) };
  const webhooks = {
    deliver: (request: Request) => endpoint.answer(request),
    secret: WEBHOOK_SECRET,
    thin_secret: THIN_WEBHOOK_SECRET,
  };
  const own = createSimulatedStripe({ clock, ...(with_webhooks ? { webhooks } : {}), ...options });
  const simulator = shared ?? own.simulator;
  const { stripe } = own;
  const errors: unknown[] = [];
  const alarms: object[] = [];
  const tell = (fields: object) => {
    if ('alarm' in fields) alarms.push(fields);
  };
  const skew = typeof skew_ms === 'number' ? () => skew_ms : skew_ms;
  const productClock: Clock = {
    now: () => clock.now() + skew(),
    monotonic: () => clock.now(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
  const open = (productFetch = stripe_fetch ?? simulator.fetch, wrapping = ownWrapping) =>
    composeUsage(
      {
        database,
        meters: { credits: {} },
        plans,
        verify_timeout_ms,
        allow_tiers_mode_change,
        onError: (error) => errors.push(error),
        logger: { debug() {}, info() {}, warn: tell, error: tell },
        environment: { clock: productClock, ...(random ? { random } : {}) },
        ...(schedule === undefined ? {} : { worker_schedule: { usage: schedule } }),
        ...(late_usage === undefined ? {} : { late_usage }),
        ...(with_stripe
          ? {
              stripe: {
                secret_key: 'sk_test_simulated',
                webhook_secret: [WEBHOOK_SECRET, THIN_WEBHOOK_SECRET],
                max_requests_per_second: 1_000_000,
                config: {
                  httpClient: Stripe.createFetchHttpClient(productFetch),
                  ...(stripe_timeout_ms === undefined ? {} : { timeout: stripe_timeout_ms }),
                },
              },
            }
          : {}),
      },
      { ...UNWRAPPED, ...wrapping },
    );
  const usage = open();
  onTestFinished(() => usage.close());
  const meter = await stripe.billing.meters.create({
    display_name: 'Credits',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  const price = await stripe.prices.create({
    currency: 'usd',
    lookup_key: 'tallybook:pro:month:credits',
    product_data: { name: 'Credits' },
    billing_scheme: 'tiered',
    tiers_mode: 'volume',
    recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    tiers: CREDIT_TIERS,
  });

  return {
    clock,
    simulator,
    stripe,
    usage,
    /** What answers the simulator's events: `usage.webhook`, or what a test puts in its place. */
    endpoint,
    /** The product once more on the same database, as another process would have it; the caller closes it. */
    open,
    path,
    errors,
    /** The fields of log lines that name an alarm, in their order. */
    alarms,
    meter,
    price,
    /** A Stripe customer who subscribes to the volume price now. */
    async subscribe(extra: Partial<Stripe.SubscriptionCreateParams> = {}) {
      const customer = await stripe.customers.create({ name: 'Ada' });
      const subscription = await stripe.subscriptions.create({
        customer: customer.id,
        items: [{ price: price.id }],
        billing_mode: { type: 'flexible' },
        ...extra,
      });
      return { customer, subscription };
    },
    /** Lets time pass with everything that happens meanwhile. */
    passTime: (to: number, worker: Worker = usage.worker) =>
      passTime({
        clock,
        simulator,
        worker: {
          tick: () => worker.tick(),
          nextDueAt: async () => (await worker.nextDueAt()) - skew(),
        },
        to,
      }),
    /** The lines of a customer's finalised invoices, without those of nothing. */
    async billedLines(customer: string) {
      const { data } = await stripe.invoices.list({ customer, limit: 100 });
      const final = data.filter((invoice) => invoice.status === 'paid' || invoice.status === 'open');
      return final.reverse().flatMap((invoice) => invoice.lines.data.filter((line) => line.amount > 0));
    },
  };
}
