import Stripe from 'stripe';
import { createMovableClock } from '../../src/testing/movable-clock.ts';
import { passTime } from '../../src/testing/pass-time.ts';
import { pushPlans } from '../support/push-plans.ts';
import { createSimulatedStripe } from '../support/simulated-stripe.ts';
import { createServed, type ServedOptions, START } from './served.ts';

const common = { currency: 'usd', interval: 'month' } as const;
const sold = (credit: string, seat: string) => [
  { ...common, tiers_mode: 'volume', tiers: [{ up_to: 'inf', unit_amount_decimal: credit }] } as const,
  { ...common, usage_type: 'licensed', quantity: 'seats', unit_amount_decimal: seat } as const,
];
const PLANS = {
  free: { prices: [], limits: { credits: 100 } },
  pro: { prices: sold('2', '3100'), limits: { credits: 1_000 } },
  business: { prices: sold('1', '6200') },
  secret: { prices: sold('0.5', '1000'), listed: false },
};
/** Of every account. */
const SEATS = 3;

/** The product behind its handler, with the simulator as its Stripe, and accounts that subscribe to `pro` there. */
export async function createBilled(
  http: NonNullable<ServedOptions['http']> = {},
  lag_minutes: readonly [number, number] = [0, 0],
  whenDone?: ServedOptions['whenDone'],
) {
  const clock = createMovableClock({ start: START });
  const { simulator, stripe } = createSimulatedStripe({ clock, lag_minutes });
  const served = createServed({
    http,
    clock,
    ...(whenDone ? { whenDone } : {}),
    options: {
      plans: PLANS,
      verify_timeout_ms: 0,
      stripe: {
        secret_key: 'sk_test_simulated',
        config: { httpClient: Stripe.createFetchHttpClient(simulator.fetch) },
      },
    },
  });
  const meter = await stripe.billing.meters.create({
    display_name: 'Credits',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  await pushPlans(stripe, meter.id, PLANS);
  const { data: prices } = await stripe.prices.list({ limit: 100 });
  const items = prices
    .filter(({ lookup_key }) => lookup_key?.startsWith('tallybook:pro:'))
    .map(({ id, lookup_key }) =>
      lookup_key?.endsWith('@seats') ? { price: id, quantity: SEATS } : { price: id },
    );
  const customers = new Map<string, string>();
  return {
    ...served,
    stripe,
    simulator,
    async subscribe(account: string): Promise<void> {
      const customer = await stripe.customers.create({ name: account });
      await stripe.subscriptions.create({
        customer: customer.id,
        items,
        billing_mode: { type: 'flexible' },
      });
      customers.set(account, customer.id);
      await served.usage.accounts.set({ account, plan: 'pro', stripe_customer: customer.id });
    },
    pass: (ms: number) => passTime({ clock, simulator, worker: served.usage.worker, to: clock.now() + ms }),
    /** Totals of an account's invoices, the newest first. */
    async invoiced(account: string) {
      const { data } = await stripe.invoices.list({ customer: customers.get(account) ?? '' });
      return data.map(({ total }) => total);
    },
    /** What an account subscribes to, as Stripe has it. */
    async atStripe(account: string) {
      const { data } = await stripe.subscriptions.list({
        customer: customers.get(account) ?? '',
        status: 'all',
      });
      return data.map(({ status, pause_collection, cancel_at_period_end, items: billed }) => ({
        status,
        is_paused: pause_collection !== null,
        cancel_at_period_end,
        items: Object.fromEntries(
          billed.data.map(({ price, quantity }) => [price.lookup_key ?? '', quantity ?? null]),
        ),
      }));
    },
  };
}
