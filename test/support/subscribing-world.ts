import { join } from 'node:path';
import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import { createMovableClock } from '../../src/testing/movable-clock.ts';
import { passTime } from '../../src/testing/pass-time.ts';
import { composeUsage } from '../../src/usage.ts';
import { CREDIT_TIERS, DAY } from './credits-scene.ts';
import { temporaryDirectory } from './folders.ts';
import { createSimulatedStripe, type SimulatedStripeOptions } from './simulated-stripe.ts';

const SECRET = 'whsec_subscribing';
const VOLUME = {
  currency: 'usd',
  interval: 'month',
  tiers_mode: 'volume',
  tiers: [
    { up_to: 1_000, unit_amount_decimal: '2' },
    { up_to: 'inf', unit_amount_decimal: '1.5' },
  ],
} as const;
const FLAT = { currency: 'usd', unit_amount_decimal: '1000' } as const;

/** Plans without a price, with one by use, with a base fee, with seats, in another currency, and not at Stripe. */
const PLANS = {
  free: { prices: [] },
  pro: { prices: [VOLUME] },
  fee: { prices: [VOLUME, { ...FLAT, interval: 'month', usage_type: 'licensed' }] },
  team: {
    prices: [
      { ...FLAT, interval: 'month', usage_type: 'licensed', quantity: 'seats' },
      { ...FLAT, interval: 'year', usage_type: 'licensed', quantity: 'seats' },
    ],
  },
  euro: { prices: [{ ...FLAT, currency: 'eur', interval: 'month', usage_type: 'licensed' }] },
  missing: { prices: [{ ...FLAT, interval: 'month', usage_type: 'licensed' }] },
  elsewhere: {
    prices: [{ ...FLAT, interval: 'month', usage_type: 'licensed', stripe_price: 'price_live_1' }],
  },
} as const;

export interface SubscribingWorldOptions extends Omit<SimulatedStripeOptions, 'clock'> {
  readonly stripe_fetch?: typeof fetch;
  /** Whether the simulator's events go to `usage.webhook`. Default: true. */
  readonly with_webhooks?: boolean;
  /** Whether Stripe has the plans' prices. Default: true. */
  readonly with_prices?: boolean;
}

/** The product with several plans, whose prices Stripe has under their lookup keys, and no account yet. */
export async function createSubscribingWorld({
  with_webhooks = true,
  with_prices = true,
  stripe_fetch,
  ...options
}: SubscribingWorldOptions = {}) {
  const clock = createMovableClock({ start: Date.UTC(2026, 0, 10, 12) });
  const webhooks = {
    deliver: (request: Request): Promise<Response> => usage.webhook(request),
    secret: SECRET,
  };
  const { simulator, stripe } = createSimulatedStripe({
    clock,
    ...(with_webhooks ? { webhooks } : {}),
    ...options,
  });
  const alarms: object[] = [];
  const tell = (fields: object) => {
    if ('alarm' in fields) alarms.push(fields);
  };
  const path = join(temporaryDirectory(), 'usage.db');
  const open = (productFetch = stripe_fetch ?? simulator.fetch) => {
    const opened = composeUsage(
      {
        database: { path, thread: 'in_thread' },
        meters: { credits: {} },
        plans: PLANS,
        onError: () => {},
        logger: { debug() {}, info() {}, warn: tell, error: tell },
        environment: { clock },
        stripe: {
          secret_key: 'sk_test_simulated',
          webhook_secret: SECRET,
          max_requests_per_second: 1_000_000,
          config: { httpClient: Stripe.createFetchHttpClient(productFetch) },
        },
      },
      { store: (store) => store, provider: (provider) => provider },
    );
    onTestFinished(() => opened.close());
    return opened;
  };
  const usage = open();
  const prices = with_prices ? await createPrices(stripe) : null;
  const requests = (method: string, pattern: RegExp) =>
    simulator.requests().filter((each) => each.method === method && pattern.test(each.path));

  return {
    clock,
    simulator,
    stripe,
    usage,
    open,
    /** @throws Error when Stripe was to have none. */
    get prices() {
      if (prices) return prices;
      throw new Error('This world was made without prices.');
    },
    alarms,
    requests,
    passTime: (to: number) => passTime({ clock, simulator, worker: usage.worker, to }),
    passDays: (days: number) =>
      passTime({ clock, simulator, worker: usage.worker, to: clock.now() + days * DAY }),
    /** The events that are due are delivered, and handled. */
    async settle() {
      await simulator.deliverWebhooks();
      await usage.worker.tick();
    },
    /** A customer with a default payment method, linked to an account. */
    async customerWith(account: string, card: string) {
      const customer = await stripe.customers.create({
        payment_method: card,
        invoice_settings: { default_payment_method: card },
      });
      await usage.accounts.set({ account, stripe_customer: customer.id });
      return customer.id;
    },
    /** Stripe's subscriptions of a customer, of whatever status. */
    async subscriptionsOf(customer: string | null) {
      return (await stripe.subscriptions.list({ customer: customer ?? '', status: 'all' })).data;
    },
  };
}

export type SubscribingWorld = Awaited<ReturnType<typeof createSubscribingWorld>>;

async function createPrices(stripe: Stripe) {
  const meter = await stripe.billing.meters.create({
    display_name: 'Credits',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  const credits = (plan: string) =>
    stripe.prices.create({
      currency: 'usd',
      product_data: { name: 'Credits' },
      billing_scheme: 'tiered',
      tiers_mode: 'volume',
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
      tiers: CREDIT_TIERS,
      lookup_key: `tallybook:${plan}:month:credits`,
    });
  const flat = (plan: string, interval: 'month' | 'year', what: string, currency = 'usd') =>
    stripe.prices.create({
      currency,
      product_data: { name: plan },
      recurring: { interval },
      unit_amount: 1_000,
      lookup_key: `tallybook:${plan}:${interval}:@${what}`,
    });
  return {
    pro: await credits('pro'),
    fee: await credits('fee'),
    base_fee: await flat('fee', 'month', 'base_fee'),
    seats: await flat('team', 'month', 'seats'),
    seats_yearly: await flat('team', 'year', 'seats'),
    euro: await flat('euro', 'month', 'base_fee', 'eur'),
  };
}
