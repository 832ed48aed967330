import { join } from 'node:path';
import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { temporaryDirectory } from './support/folders.ts';
import { ALWAYS, METER_EVENTS } from './support/paying-world.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createWorld, PLANS, type WorldOptions } from './support/world.ts';

const business = { currency: 'usd', interval: 'month', tiers_mode: 'volume' } as const;
const CHANGED_PLANS = {
  ...PLANS,
  business: { prices: [{ ...business, tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }] }] },
} as const;

/** An account on the free plan, for which the app makes a subscription at 2 cents a credit without telling the product. */
async function createQuietlySubscribedWorld({
  trial_period_days,
  ...options
}: WorldOptions & { readonly trial_period_days?: number } = {}) {
  const world = await createWorld({
    path: join(temporaryDirectory(), 'usage.db'),
    plans: CHANGED_PLANS,
    lag_minutes: [0, 0],
    ...options,
  });
  await world.stripe.prices.create({
    currency: 'usd',
    lookup_key: 'tallybook:business:month:credits',
    product_data: { name: 'business' },
    billing_scheme: 'tiered',
    tiers_mode: 'volume',
    recurring: { interval: 'month', usage_type: 'metered', meter: world.meter.id },
    tiers: [{ up_to: 'inf', unit_amount_decimal: Stripe.Decimal.from('1') }],
  });
  const customer = await world.stripe.customers.create({ name: 'Ada' });
  await world.usage.accounts.set({ account: 'acct_1', plan: 'free', stripe_customer: customer.id });
  await world.usage.worker.tick(); // finds no subscription, and looks again in a day
  world.clock.advance(MINUTE);
  const subscription = await world.stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: world.price.id }],
    billing_mode: { type: 'flexible' },
    ...(trial_period_days === undefined ? {} : { trial_period_days }),
  });
  const started_at = subscription.start_date * 1_000;
  const pass = (ms: number) => world.passTime(world.clock.now() + ms);
  return {
    ...world,
    customer,
    subscription,
    started_at,
    end: (subscription.items.data[0]?.current_period_end ?? 0) * 1_000,
    pass,
    use: (quantity: number, timestamp?: Date) =>
      world.usage.increment({
        account: 'acct_1',
        quantity,
        ...(timestamp === undefined ? {} : { timestamp }),
      }),
    lastChange: () => world.usage.subscriptions.lastChange({ account: 'acct_1' }),
    billed: async () =>
      (await world.billedLines(customer.id)).map(({ quantity, amount }) => [quantity, amount]),
    /** Why ours and Stripe's differ, in every billing period since the subscription began. */
    causes: async () => {
      const period = { period_start: new Date(started_at), period_end: new Date(world.clock.now() + DAY) };
      const { lines } = await world.usage.reconcile({ account: 'acct_1', period });
      return lines.flatMap(({ causes }) => causes).filter(({ discrepancy }) => discrepancy);
    },
  };
}

describe('a change of a subscription that nobody has told of yet', () => {
  test('bills what was used until then at the price of then', async () => {
    const world = await createQuietlySubscribedWorld();
    await world.use(70);
    await world.pass(HOUR);
    await world.usage.plans.change({ account: 'acct_1', plan: 'business' });
    await world.use(30);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 30],
    ]);
  });

  test('invoices what was used until it is cancelled', async () => {
    const world = await createQuietlySubscribedWorld();
    await world.use(70);
    await world.pass(HOUR);
    await world.usage.subscriptions.cancel({ account: 'acct_1', when: 'now' });
    await world.pass(HOUR);
    expect(await world.billed()).toEqual([[70, 140]]);
  });

  test('is not begun where Stripe does not tell what it bills by', async () => {
    const world = await createQuietlySubscribedWorld();
    // The first list is what there is to change, the second what it bills by.
    world.simulator.faults.add({ kind: '500_before', method: 'GET', path: '/v1/subscriptions', skip: 1 });
    const call = world.usage.plans.change({ account: 'acct_1', plan: 'business' });
    await expect(call).rejects.toMatchObject({ code: 'stripe_unavailable' });
    expect(await world.lastChange()).toBeNull();
  });
});

test('the period that a change has cut short is on the invoice of the change, also when Stripe took its time', async () => {
  const world = await createQuietlySubscribedWorld();
  await world.use(70);
  await world.usage.plans.change({ account: 'acct_1', plan: 'business' });
  await world.use(30);
  await world.passTime(world.end + 2 * HOUR);
  expect(await world.causes()).toEqual([]);
});

test('usage of before a cancellation that is told of after it is not sent to a final invoice: it waits for a person', async () => {
  const world = await createQuietlySubscribedWorld();
  await world.use(70);
  await world.pass(HOUR);
  const before = new Date(world.clock.now() - MINUTE);
  await world.usage.subscriptions.cancel({ account: 'acct_1', when: 'now' });
  await world.use(5, before);
  await world.pass(40 * DAY);
  expect(await world.billed()).toEqual([[70, 140]]);
  expect(world.simulator.events().map(({ value }) => value)).toEqual(['70']);
  const { reports } = await world.usage.reports.list({ account: 'acct_1' });
  expect(reports).toContainEqual(
    expect.objectContaining({ status: 'held', reason: 'missed_invoice', quantity: 5 }),
  );
});

test('a change whose answer was lost counts from its own time, also where the subscription ended since', async () => {
  let isAnswering = true;
  const silence = { outcome: 'unknown', message: 'No answer.', retry_after_ms: null } as const;
  const world = await createQuietlySubscribedWorld({
    wrapping: {
      provider: (provider) => ({
        ...provider,
        changeSubscription: async (params) => {
          await provider.changeSubscription(params);
          isAnswering = false;
          return silence;
        },
        readSubscription: async (params) => (isAnswering ? await provider.readSubscription(params) : silence),
        listSubscriptionItems: async (params) =>
          isAnswering ? await provider.listSubscriptionItems(params) : silence,
      }),
    },
  });
  await world.use(70);
  await world.pass(HOUR);
  await world.usage.subscriptions.cancel({ account: 'acct_1', when: 'period_end' });
  await world.passTime(world.end - 10 * MINUTE);
  await world.usage.plans.change({ account: 'acct_1', plan: 'business' });
  await world.passTime(world.end - 5 * MINUTE);
  expect(isAnswering).toBe(false);
  await world.use(9);
  await world.passTime(world.end + 10 * MINUTE);
  isAnswering = true;
  await world.pass(4 * DAY);
  expect(await world.billed()).toEqual([
    [70, 140],
    [9, 9],
  ]);
});

const app = useAppDatabase();

describe.each<[string, () => WorldOptions]>([
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
])('on %s', (_, database) => {
  test('what was used between the end of a trial and a plan change of the same second has the old price', async () => {
    const world = await createQuietlySubscribedWorld({ ...database(), trial_period_days: 10 });
    await world.use(7);
    await world.pass(HOUR);
    world.clock.advance(200);
    await world.use(70);
    world.clock.advance(100);
    await world.usage.plans.change({ account: 'acct_1', plan: 'business' });
    // After the product has read the subscription; Stripe's seconds have no fractions.
    await world.stripe.subscriptions.update(world.subscription.id, { trial_end: 'now' });
    world.clock.advance(100);
    await world.use(30);
    await world.pass(33 * DAY);
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 30],
    ]);
    expect(await world.causes()).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  test('usage of a paid time that is recorded after a cancellation is held for a person, and not given away', async () => {
    const world = await createQuietlySubscribedWorld(database());
    await world.use(70);
    await world.pass(HOUR);
    const before = new Date(world.clock.now() - MINUTE);
    await world.usage.subscriptions.cancel({ account: 'acct_1', when: 'now' });
    await world.pass(2 * DAY);
    await world.use(5, before);
    await world.use(3);
    await world.pass(40 * DAY);
    expect(await world.billed()).toEqual([[70, 140]]);
    const range = { period_start: new Date(world.started_at), period_end: new Date(world.clock.now()) };
    const { reports } = await world.usage.get({ account: 'acct_1', ...range });
    expect(reports.map(({ status, reason, quantity }) => [status, reason, quantity]).toSorted()).toEqual([
      ['held', 'missed_invoice', 5],
      ['not_billable', 'free', 3],
      ['reported', null, 70],
    ]);
  });

  test('usage of a paid time that is recorded after the subscription ended is on its last invoice while that is a draft', async () => {
    const world = await createQuietlySubscribedWorld(database());
    await world.use(70);
    await world.usage.subscriptions.cancel({ account: 'acct_1', when: 'period_end' });
    await world.passTime(world.end + 40 * MINUTE);
    await world.use(5, new Date(world.end - MINUTE));
    await world.pass(DAY);
    expect(await world.billed()).toEqual([[75, 150]]);
    expect(await world.causes()).toEqual([]);
  });

  test('a change is made although Stripe was away from before the end of the period until its invoice was final', async () => {
    const world = await createQuietlySubscribedWorld(database());
    await world.passTime(world.end - 10 * MINUTE);
    await world.use(70);
    world.simulator.faults.add({ kind: '500_before', ...METER_EVENTS, ...ALWAYS });
    await world.usage.plans.change({ account: 'acct_1', plan: 'business' });
    world.simulator.faults.add({ kind: '500_before', ...ALWAYS });
    await world.use(5);
    await world.passTime(world.end + 2 * HOUR);
    world.simulator.faults.clear();
    await world.use(30);
    await world.pass(DAY);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    await world.pass(33 * DAY);
    const quantities = (await world.billed()).map(([quantity]) => Number(quantity));
    expect(quantities.reduce((sum, quantity) => sum + quantity, 0)).toBe(105);
    expect(await world.causes()).toEqual([]);
  });
});
