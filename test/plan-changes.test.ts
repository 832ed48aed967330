import { join } from 'node:path';
import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { ALWAYS, METER_EVENTS } from './support/paying-world.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createWorld, memoryDirectory, PLANS, type WorldOptions } from './support/world.ts';

const SUBSCRIPTION = { method: 'POST', path: /^\/v1\/subscriptions\/sub_/ } as const;

const business = { currency: 'usd', interval: 'month', tiers_mode: 'volume' } as const;
const CHANGED_PLANS = {
  ...PLANS,
  business: { prices: [{ ...business, tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }] }] },
  graduated: {
    prices: [{ ...business, tiers_mode: 'graduated', tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }] }],
  },
} as const;

/** One account on the plan `pro` at 2 cents a credit, with 70 credits used in the last hour; `business` costs 1 cent. */
async function createChangingWorld(options: WorldOptions = {}) {
  const world = await createWorld({
    path: join(memoryDirectory(), 'usage.db'),
    plans: CHANGED_PLANS,
    lag_minutes: [0, 0],
    ...options,
  });
  for (const [plan, tiers_mode] of [
    ['business', 'volume'],
    ['graduated', 'graduated'],
  ] as const) {
    await world.stripe.prices.create({
      currency: 'usd',
      lookup_key: `tallybook:${plan}:month:credits`,
      product_data: { name: plan },
      billing_scheme: 'tiered',
      tiers_mode,
      recurring: { interval: 'month', usage_type: 'metered', meter: world.meter.id },
      tiers: [{ up_to: 'inf', unit_amount_decimal: Stripe.Decimal.from('1') }],
    });
  }
  const { customer, subscription } = await world.subscribe();
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await world.usage.increment({ account: 'acct_1', quantity: 70 });
  world.clock.advance(HOUR);
  return {
    ...world,
    customer,
    subscription,
    end: (subscription.items.data[0]?.current_period_end ?? 0) * 1_000,
    use: (quantity: number) => world.usage.increment({ account: 'acct_1', quantity }),
    pass: (ms: number) => world.passTime(world.clock.now() + ms),
    /** What final invoices bill, oldest first: units and cents. */
    billed: async () =>
      (await world.billedLines(customer.id)).map(({ quantity, amount }) => [quantity, amount]),
    lastChange: () => world.usage.subscriptions.lastChange({ account: 'acct_1' }),
  };
}

const app = useAppDatabase();

describe.each<[string, () => WorldOptions]>([
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.database })],
])('a plan change on %s', (_, database) => {
  test('bills what was used before it at the old price, at once, and what was used afterwards at the new', async () => {
    const world = await createChangingWorld(database());
    await expect(world.usage.plans.change({ account: 'acct_1', plan: 'business' })).resolves.toMatchObject({
      status: 'pending',
      plan: 'business',
    });
    await world.use(30);
    await world.pass(MINUTE);
    expect(await world.lastChange()).toMatchObject({ status: 'done', change: 1, reason: null });
    expect(await world.billed()).toEqual([[70, 140]]);
    await world.use(5);
    expect(await world.usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'business' });
    expect(await world.usage.get({ account: 'acct_1' })).toMatchObject({
      quantity: 35,
      cost: { amount: 35 },
    });
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [35, 35],
    ]);
    const { lines } = await world.usage.reconcile({ account: 'acct_1' });
    expect(lines.flatMap(({ causes }) => causes)).toEqual([]);
    expect(world.errors).toEqual([]);
  });
});
