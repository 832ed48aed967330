import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createSeatsWorld, SEAT_PLANS } from './support/seats-world.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const plans = {
  ...SEAT_PLANS,
  pro: { ...SEAT_PLANS.pro, limits: { credits: 1_000 } },
  team: { ...SEAT_PLANS.team, limits: { credits: 500 } },
  /** Bills credits as `team` does, and no seats. */
  crew: {
    prices: [{ ...SEAT_PLANS.team.prices[0], lookup_key: 'tallybook:team:month:credits' }],
    limits: { credits: 300 },
  },
} as const;

const account = 'acct_1';

/** An account on the free plan, which includes 100 credits a month. */
async function createFreeWorld(options: WorldOptions = {}) {
  const world = await createWorld({ plans, lag_minutes: [0, 0], ...options });
  await world.usage.accounts.set({ account, plan: 'free' });
  return {
    ...world,
    use: (quantity: number) => world.usage.increment({ account, quantity }),
    get: () => world.usage.get({ account }),
    check: (quantity?: number) =>
      world.usage.limits.check({ account, ...(quantity === undefined ? {} : { quantity }) }),
    pass: (ms: number) => world.passTime(world.clock.now() + ms),
  };
}

describe('a free account', () => {
  test('has months of its own, each with all that its plan includes', async () => {
    const world = await createFreeWorld({ start: Date.UTC(2026, 0, 31, 12) });
    await world.use(30);
    const month = { period_start: '2026-01-31T12:00:00.000Z', period_end: '2026-02-28T12:00:00.000Z' };
    expect(await world.get()).toMatchObject({
      ...month,
      quantity: 30,
      limit: 100,
      remaining: 70,
      cost: null,
    });
    await world.passTime(Date.UTC(2026, 1, 28, 12));
    const next = { period_start: '2026-02-28T12:00:00.000Z', period_end: '2026-03-31T12:00:00.000Z' };
    expect(await world.get()).toMatchObject({ ...next, quantity: 0, limit: 100, remaining: 100 });
    expect(await world.check(100)).toEqual({
      account,
      meter: 'credits',
      allowed: true,
      limit: 100,
      used: 0,
      remaining: 100,
      period_end: next.period_end,
    });
  });

  test('may use what is left and no more, and is not refused what it used all the same', async () => {
    const world = await createFreeWorld();
    await world.use(99);
    expect(await world.check()).toMatchObject({ allowed: true, used: 99, remaining: 1 });
    expect(await world.check(0)).toMatchObject({ allowed: true });
    expect(await world.check(2)).toMatchObject({ allowed: false });
    // Two that look at the same time may both go on, and both count.
    const both = await Promise.all([world.check(), world.check()]);
    expect(both.map(({ allowed }) => allowed)).toEqual([true, true]);
    await Promise.all([world.use(1), world.use(1)]);
    expect(await world.get()).toMatchObject({ quantity: 101, limit: 100, remaining: 0 });
    expect(await world.check(0)).toMatchObject({ allowed: false, used: 101, remaining: 0 });
  });

  test('that gets usage back has more left, never more than there is', async () => {
    const world = await createFreeWorld();
    await world.use(100);
    const adjust = (quantity: number) => world.usage.adjust({ account, quantity, reason: 'A failed job' });
    await adjust(-40);
    expect(await world.check(40)).toMatchObject({ allowed: true, used: 60, remaining: 40 });
    await adjust(-90);
    expect(await world.get()).toMatchObject({ quantity: -30, remaining: 100 });
  });
});

test('no limit is none, and other ranges than the current period have none', async () => {
  const world = await createFreeWorld();
  await world.usage.accounts.set({ account: 'acct_2', plan: 'enterprise' });
  await world.usage.increment({ account: 'acct_2', quantity: 1_000_000 });
  const check = await world.usage.limits.check({ account: 'acct_2', quantity: 1_000_000 });
  expect(check).toMatchObject({ allowed: true, limit: null, remaining: null, used: 1_000_000 });
  await world.use(10);
  const range = { period_start: '2026-01-01', period_end: '2026-02-01' };
  expect(await world.usage.get({ account, ...range })).toMatchObject({
    quantity: 10,
    limit: null,
    remaining: null,
    change: null,
  });
});

test('a check is two reads of the database, and none of Stripe', async () => {
  const reads: string[] = [];
  const world = await createFreeWorld({
    wrapping: {
      store: (store) =>
        new Proxy(store, {
          get: (target, name: keyof typeof store) => {
            const method = target[name];
            if (typeof method !== 'function') return method;
            return (...args: never[]) => {
              reads.push(name);
              return (method as (...values: never[]) => unknown).apply(target, args);
            };
          },
        }),
    },
  });
  await world.use(10);
  reads.splice(0);
  const before = world.simulator.requests().length;
  await world.check();
  expect(reads).toEqual(['getAccount', 'listReports']);
  expect(world.simulator.requests()).toHaveLength(before);
});

describe('what is refused', () => {
  test.each<[string, object, string]>([
    ['no account', {}, 'invalid_account'],
    ['an account that nobody knows', { account: 'nobody' }, 'account_not_found'],
    ['a meter that nobody knows', { account, meter: 'tokens' }, 'invalid_meter'],
    ['less than nothing', { account, quantity: -1 }, 'invalid_quantity'],
    ['half a credit', { account, quantity: 0.5 }, 'invalid_quantity'],
    ['an unknown field', { account, amount: 1 }, 'invalid_parameter'],
  ])('%s', async (_, params, code) => {
    const world = await createFreeWorld();
    await expect(world.usage.limits.check(params as never)).rejects.toMatchObject({ code });
  });
});

describe('an upgrade from the free plan', () => {
  test.each<[string, number]>([
    ['that is known at once', 0],
    ['that is learned of two days later', 2 * DAY],
  ])('%s: nothing of the free time is billed, and the limit is the new one', async (_, late_ms) => {
    const world = await createFreeWorld();
    await world.use(100);
    await world.pass(3 * DAY);
    await world.use(20);
    await world.pass(1_000);
    const { customer, subscription } = await world.subscribe();
    const started = world.clock.now();
    await world.usage.increment({ account, quantity: 7 });
    await world.pass(late_ms);
    await world.usage.accounts.set({ account, plan: 'pro', stripe_customer: customer.id });
    await world.usage.report({ account });
    expect(await world.get()).toMatchObject({
      period_start: new Date(started).toISOString(),
      quantity: 7,
      limit: 1_000,
      remaining: 993,
      cost: { amount: 14 },
    });
    await world.passTime((subscription.items.data[0]?.current_period_end ?? 0) * 1_000 + 2 * HOUR);
    const billed = (await world.billedLines(customer.id)).map(({ quantity, amount }) => [quantity, amount]);
    expect(billed).toEqual([[7, 14]]);
    expect(world.errors).toEqual([]);
  });
});

const app = useAppDatabase();

describe.each<[string, () => WorldOptions]>([
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
])('while a change of the plan is under way, on %s,', (_, database) => {
  const createPendingWorld = async (plan: string) => {
    const world = await createSeatsWorld({ ...database(), plan, plans, lag_minutes: [10, 10] });
    await world.usage.increment({ account, quantity: 150 });
    await world.pass(DAY);
    await world.usage.increment({ account, quantity: 50 });
    await world.pass(2_500);
    return {
      ...world,
      use: (quantity: number) => world.usage.increment({ account, quantity }),
      get: () => world.usage.get({ account }),
    };
  };

  test.each([
    ['pro', 'team', { limit: 500, remaining: 490, quantity: 10, cost: 20 }],
    ['team', 'pro', { limit: 1_000, remaining: 990, quantity: 10, cost: 20 }],
    ['pro', 'enterprise', { limit: null, remaining: null, quantity: 10, cost: 10 }],
    ['team', 'free', { limit: 100, remaining: 90, quantity: 10, cost: null }],
  ] as const)(
    'from %s to %s, prices and limits of the new plan apply since the request',
    async (from, to, expected) => {
      const world = await createPendingWorld(from);
      await world.usage.plans.change({ account, plan: to });
      // The request counts from the next whole second; until then, a cancelled account is not on the free plan.
      if (to === 'free') await world.pass(1_000);
      await world.use(6);
      await world.pass(MINUTE);
      await world.use(4);
      const pending = await world.get();
      const { cost, ...rest } = expected;
      expect(pending).toMatchObject({
        ...rest,
        cost: cost === null ? null : { amount: cost },
        pending_quantity: to === 'free' ? 0 : 10,
        change: { change: 1, kind: to === 'free' ? 'cancel' : 'plan', plan: to },
      });
      expect(pending.period_start).toBe(pending.change?.requested_at);
      expect(await world.usage.limits.check({ account, quantity: 91 })).toMatchObject({
        allowed: expected.limit !== 100,
        limit: expected.limit,
        used: 10,
        period_end: pending.period_end,
      });
      await world.pass(HOUR);
      expect(await world.usage.subscriptions.lastChange({ account })).toMatchObject({ status: 'done' });
      // What was said while it was under way is what became of it.
      const { reports: _, reported_quantity: __, pending_quantity: ___, ...done } = await world.get();
      expect(done).toEqual({
        ...Object.fromEntries(Object.entries(pending).filter(([name]) => name in done)),
        change: null,
      });
    },
  );

  test.each([
    ['pro', 'enterprise', '1'],
    ['enterprise', 'pro', '2'],
    ['team', 'free', null],
  ] as const)(
    'from %s to %s, the cost so far has plan, price and windows of the same time',
    async (from, to, amount) => {
      const world = await createPendingWorld(from);
      await world.usage.plans.change({ account, plan: to });
      await world.pass(1_000);
      await world.use(10);
      const {
        reports: _,
        reported_quantity: __,
        pending_quantity: ___,
        remaining: ____,
        ...pending
      } = await world.get();
      const { plan, price, ...cost } = await world.usage.cost({ account });
      expect(cost).toEqual(pending);
      expect(cost.change).toMatchObject({ plan: to });
      const unit_amount = price?.tiers?.[0]?.unit_amount_decimal ?? null;
      expect([plan, unit_amount]).toEqual([to, amount]);
      const { period_start, period_end, quantity } = await world.usage.windows({ account, window: 'day' });
      expect(pending).toMatchObject({ period_start, period_end, quantity });
      await world.pass(HOUR);
      const done = await world.usage.cost({ account });
      expect(done).toMatchObject({ ...cost, plan, change: null });
      expect(done.price?.tiers?.[0]?.unit_amount_decimal ?? null).toBe(unit_amount);
    },
  );

  test('a meter whose price both plans share goes on, under the limit of the new plan', async () => {
    const world = await createPendingWorld('team');
    await world.usage.plans.change({ account, plan: 'crew' });
    await world.use(10);
    const pending = await world.get();
    expect(pending).toMatchObject({ quantity: 210, limit: 300, remaining: 90, change: { plan: 'crew' } });
    expect(pending.period_start).toBe('2026-01-10T12:00:00.000Z');
    await world.pass(HOUR);
    expect(await world.get()).toMatchObject({
      quantity: 210,
      limit: 300,
      cost: { amount: 420 },
      change: null,
    });
  });

  test('a change that fails leaves the old plan, its period and its limit', async () => {
    const world = await createPendingWorld('pro');
    await world.usage.plans.change({ account, plan: 'enterprise' });
    await world.use(10);
    expect(await world.get()).toMatchObject({ quantity: 10, limit: null });
    const [price] = (await world.stripe.prices.list({ lookup_keys: ['tallybook:enterprise:month:credits'] }))
      .data;
    await world.stripe.prices.update(price?.id ?? '', { active: false });
    await world.pass(HOUR);
    expect(await world.usage.subscriptions.lastChange({ account })).toMatchObject({ status: 'failed' });
    expect(await world.get()).toMatchObject({ quantity: 210, limit: 1_000, remaining: 790, change: null });
  });

  test('a change of seats is none of the plan', async () => {
    const world = await createSeatsWorld({ ...database(), plans });
    await world.usage.increment({ account, quantity: 70 });
    world.simulator.faults.add({ kind: '500_before', method: 'POST', path: '/v1/subscriptions/sub_' });
    expect(await world.join()).toMatchObject({ pending_seats: 2 });
    expect(await world.usage.get({ account })).toMatchObject({ quantity: 70, limit: 500, change: null });
  });
});
