import { join } from 'node:path';
import type Stripe from 'stripe';
import { temporaryDirectory } from './folders.ts';
import { pushPlans } from './push-plans.ts';
import { createWorld, PLANS, type WorldOptions } from './world.ts';

const common = { currency: 'usd', interval: 'month' } as const;
const metered = (unit_amount_decimal: string) =>
  ({ ...common, tiers_mode: 'volume', tiers: [{ up_to: 'inf', unit_amount_decimal }] }) as const;

/** A seat costs 31 dollars a month, which is a dollar a day in January; from the eleventh on they cost half. */
export const SEAT_PLANS = {
  free: { ...PLANS.free, limits: { credits: 100 } },
  pro: PLANS.pro,
  team: {
    prices: [
      metered('2'),
      {
        ...common,
        usage_type: 'licensed',
        quantity: 'seats',
        tiers_mode: 'graduated',
        tiers: [
          { up_to: 10, unit_amount_decimal: '3100' },
          { up_to: 'inf', unit_amount_decimal: '1550' },
        ],
      },
    ],
  },
  enterprise: {
    prices: [
      metered('1'),
      { ...common, usage_type: 'licensed', unit_amount_decimal: '31000' },
      { ...common, usage_type: 'licensed', quantity: 'seats', unit_amount_decimal: '6200' },
    ],
  },
} as const;

interface SeatsWorldOptions extends WorldOptions {
  readonly plan?: string;
  readonly seats?: number;
  /** Of the subscription, beyond its items. */
  readonly subscription_params?: Partial<Stripe.SubscriptionCreateParams>;
}

/** One account, by default on the plan `team` with one seat, since 10 January, 12:00. */
export async function createSeatsWorld({
  plan = 'team',
  seats = 1,
  subscription_params = {},
  ...options
}: SeatsWorldOptions = {}) {
  const world = await createWorld({
    path: join(temporaryDirectory(), 'usage.db'),
    plans: SEAT_PLANS,
    lag_minutes: [0, 0],
    ...options,
  });
  const { stripe, usage } = world;
  await pushPlans(stripe, world.meter.id, options.plans ?? SEAT_PLANS);
  const { data: prices } = await stripe.prices.list({ limit: 100 });
  const { customer, subscription } = await world.subscribe({
    items: prices
      .filter(({ lookup_key }) => lookup_key?.startsWith(`tallybook:${plan}:month:`))
      .map(({ id, lookup_key }) =>
        lookup_key?.endsWith('@seats') ? { price: id, quantity: seats } : { price: id },
      ),
    ...subscription_params,
  });
  await usage.accounts.set({ account: 'acct_1', plan, stripe_customer: customer.id });
  return {
    ...world,
    customer,
    subscription,
    end: (subscription.items.data[0]?.current_period_end ?? 0) * 1_000,
    pass: (ms: number) => world.passTime(world.clock.now() + ms),
    seats: () => usage.seats.get({ account: 'acct_1' }),
    join: (app: typeof usage = usage) => app.seats.add({ account: 'acct_1', seats: 1 }),
    leave: (app: typeof usage = usage) => app.seats.add({ account: 'acct_1', seats: -1 }),
    /** Somebody changes them in Stripe's Dashboard. */
    setAtStripe: async (quantity: number) => {
      const { items } = await stripe.subscriptions.retrieve(subscription.id);
      const item = items.data.find(({ price }) => price.recurring?.usage_type === 'licensed');
      await stripe.subscriptions.update(subscription.id, { items: [{ id: item?.id ?? '', quantity }] });
    },
    /** What Stripe bills, by lookup key. */
    atStripe: async () => {
      const { items } = await stripe.subscriptions.retrieve(subscription.id);
      return Object.fromEntries(
        items.data.map(({ price, quantity }) => [price.lookup_key ?? '', quantity ?? null]),
      );
    },
    /** Totals of the invoices after the first one, oldest first. */
    invoiced: async () => {
      const { data } = await stripe.invoices.list({ customer: customer.id, limit: 100 });
      return data
        .reverse()
        .slice(1)
        .map(({ total }) => total);
    },
  };
}
