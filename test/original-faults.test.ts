import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { rate } from '../src/index.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { createWorld } from './support/world.ts';

/** The known faults of the product that this one is modelled on; each test fails on the faulty behaviour. */
const METER_EVENTS = '/v1/billing/meter_events';

async function linkedWorld(accounts: readonly string[], options: Parameters<typeof createWorld>[0] = {}) {
  const world = await createWorld(options);
  const customers = new Map<string, string>();
  for (const account of accounts) {
    const { customer } = await world.subscribe();
    await world.usage.accounts.set({ account, plan: 'pro', stripe_customer: customer.id });
    customers.set(account, customer.id);
  }
  const counted = (account: string) =>
    world.simulator.counted(customers.get(account) ?? '', 'credits', 0, Date.UTC(2100, 0, 1));
  return { ...world, counted, customers };
}

test('1: an account sees its own usage only', async () => {
  const { usage, clock } = await createWorld();
  await usage.increment({ account: 'a', quantity: 5 });
  await usage.increment({ account: 'b', quantity: 70 });
  clock.advance(HOUR);
  await usage.increment({ account: 'c', quantity: 900 });
  for (const range of [{}, { period_start: '2026-01-01', period_end: '2026-02-01' }]) {
    expect((await usage.get({ account: 'a', ...range })).quantity).toBe(5);
    expect((await usage.get({ account: 'b', ...range })).quantity).toBe(70);
  }
});

test('2: a failing account leaves the others reported once, day after day', async () => {
  const world = await linkedWorld(['bad', 'good']);
  await world.stripe.customers.del(world.customers.get('bad') ?? '');
  for (let day = 0; day < 3; day += 1) {
    await world.usage.increment({ account: 'bad', quantity: 10 });
    await world.usage.increment({ account: 'good', quantity: 10 });
    await world.passTime(world.clock.now() + DAY);
  }
  await world.passTime(world.clock.now() + HOUR);
  expect(world.counted('good')).toBe(30);
});

test('3: increments while the job closes are in exactly one report', async () => {
  const world = await linkedWorld(['a']);
  let total = 0;
  for (let round = 0; round < 20; round += 1) {
    world.clock.advance(MINUTE);
    const increments = Array.from({ length: 10 }, (_, index) => index + 1);
    total += 55;
    const calls = increments.map((quantity) => world.usage.increment({ account: 'a', quantity }));
    await Promise.all([world.usage.report(), ...calls, world.usage.report()]);
  }
  const { reports, quantity } = await world.usage.get({ account: 'a' });
  expect(quantity).toBe(total);
  expect(reports.reduce((sum, report) => sum + report.quantity, 0)).toBe(total);
  expect(reports.filter(({ status }) => status === 'open')).toHaveLength(1);
});

test('4: the job returns at once when there is nothing to do', async () => {
  const world = await createWorld();
  const nothing = { closed: 0, reported: 0, verified: 0, failed: 0, held: 0, not_billable: 0, waiting: 0 };
  await expect(world.usage.report()).resolves.toEqual(nothing);
  await expect(world.usage.worker.runOnce()).resolves.toEqual(nothing);
  await world.usage.worker.tick();
});

test('5: usage is billed in the period in which it occurred, not in the one in which the job ran', async () => {
  const world = await linkedWorld(['a'], { schedule: '0 22 * * *', lag_minutes: [0, 10] });
  const end = Date.UTC(2026, 1, 10, 12);
  await world.passTime(end - HOUR);
  await world.usage.increment({ account: 'a', quantity: 40 });
  await world.passTime(end + DAY);
  const [first] = await world.billedLines(world.customers.get('a') ?? '');
  expect(first).toMatchObject({ quantity: 40 });
  const timestamps = world.simulator
    .requests()
    .flatMap(({ path, params }) => (path === METER_EVENTS ? [Number(params?.['timestamp']) * 1_000] : []));
  expect(timestamps.every((timestamp) => timestamp < end)).toBe(true);
});

describe('6: the current billing period keeps the day of the month, over years and short months', () => {
  test.each([
    [
      '2026-01-31T09:30:00.000Z',
      '2026-02-28T09:29:59.000Z',
      '2026-01-31T09:30:00.000Z',
      '2026-02-28T09:30:00.000Z',
    ],
    [
      '2026-01-31T09:30:00.000Z',
      '2026-03-30T00:00:00.000Z',
      '2026-02-28T09:30:00.000Z',
      '2026-03-31T09:30:00.000Z',
    ],
    [
      '2026-12-15T00:00:00.000Z',
      '2027-01-20T00:00:00.000Z',
      '2027-01-15T00:00:00.000Z',
      '2027-02-15T00:00:00.000Z',
    ],
    [
      '2027-12-31T00:00:00.000Z',
      '2028-02-29T00:00:00.000Z',
      '2028-02-29T00:00:00.000Z',
      '2028-03-31T00:00:00.000Z',
    ],
  ])('created %s, seen %s', async (created, seen, period_start, period_end) => {
    const { usage, clock } = await createWorld({ start: Date.parse(created), with_stripe: false });
    await usage.accounts.set({ account: 'a', plan: 'free' });
    clock.moveTo(Date.parse(seen));
    await usage.increment({ account: 'a' });
    expect(await usage.get({ account: 'a' })).toMatchObject({ period_start, period_end, quantity: 1 });
  });
});

test('7: money is exact, in minor units of its currency, and prices below a cent count', () => {
  expect(rate({ currency: 'usd', unit_amount_decimal: '0.07' }, 3).amount_decimal).toBe('0.21');
  expect(rate({ currency: 'usd', unit_amount_decimal: '0.0004' }, 100_000)).toMatchObject({ amount: 40 });
  expect(rate({ currency: 'jpy', unit_amount_decimal: '3' }, 7)).toMatchObject({
    currency: 'jpy',
    amount: 21,
  });
});

test('8: an increment is never lost for want of an open report', async () => {
  const { usage, clock } = await createWorld({ with_stripe: false });
  await usage.increment({ account: 'new', quantity: 4 });
  expect((await usage.get({ account: 'new' })).quantity).toBe(4);
  clock.advance(40 * DAY); // the period has ended and no job has run
  await usage.increment({ account: 'new', quantity: 6 });
  expect((await usage.get({ account: 'new' })).quantity).toBe(6);
  expect(
    (await usage.get({ account: 'new', period_start: '2026-01-01', period_end: '2027-01-01' })).quantity,
  ).toBe(10);
});

test('9: free usage stays free after an upgrade, and the last usage of a period is billed', async () => {
  const world = await createWorld({ lag_minutes: [0, 10] });
  await world.usage.accounts.set({ account: 'a', plan: 'free' });
  await world.usage.increment({ account: 'a', quantity: 5_000 });
  await world.passTime(world.clock.now() + DAY);
  const { customer, subscription } = await world.subscribe();
  await world.usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: customer.id });
  const end = (subscription.items.data[0]?.current_period_end ?? 0) * 1_000;
  await world.passTime(end - 1);
  await world.usage.increment({ account: 'a', quantity: 3 });
  await world.passTime(end + 2 * HOUR);
  expect(await world.billedLines(customer.id)).toMatchObject([{ quantity: 3, amount: 6 }]);
});

test('10: zero counts nothing, negatives are refused, and totals go beyond 32 bits', async () => {
  const { usage } = await createWorld({ with_stripe: false });
  await expect(usage.increment({ account: 'a', quantity: 0 })).resolves.toEqual({
    recorded: false,
    duplicate: false,
  });
  await expect(usage.get({ account: 'a' })).rejects.toMatchObject({ code: 'account_not_found' });
  await expect(usage.increment({ account: 'a', quantity: -1 })).rejects.toMatchObject({
    code: 'invalid_quantity',
  });
  for (let call = 0; call < 3; call += 1) await usage.increment({ account: 'a', quantity: 2 ** 31 });
  expect((await usage.get({ account: 'a' })).quantity).toBe(3 * 2 ** 31);
});

test('12: the database itself refuses a second open report', async () => {
  const { usage, path } = await createWorld({ with_stripe: false });
  await usage.increment({ account: 'a' });
  const direct = new DatabaseSync(path);
  const copy = `INSERT INTO usage SELECT account_id, meter, 2, status, reason, 1, period_start, period_end,
    billing_period_start, billing_period_end, quantity, first_occurred_at, last_occurred_at, last_event_id,
    stripe_customer, identifier, slot, slot_shared, generation, attempts, first_attempt_at, reported_at,
    verified_at, pending_since, due_at, last_error FROM usage`;
  expect(() => direct.exec(copy)).toThrow(/UNIQUE/);
  direct.close();
});

test('16: only calls that the installed Stripe SDK has are made, and no usage records', async () => {
  const world = await linkedWorld(['a']);
  await world.usage.increment({ account: 'a' });
  await world.passTime(world.clock.now() + 40 * DAY);
  const ours = world.simulator.requests();
  expect(ours.filter(({ status }) => status === 404)).toEqual([]);
  expect(ours.some(({ path }) => path === METER_EVENTS)).toBe(true);
  expect(ours.some(({ path }) => path.includes('usage_record'))).toBe(false);
});

test('17: accounts are worked off in pages, several at a time, with three calls each', async () => {
  const accounts = Array.from({ length: 130 }, (_, index) => `acct_${index}`);
  let under_way = 0;
  let most = 0;
  const fetches: { simulated?: typeof fetch } = {};
  const counting: typeof fetch = async (input, init) => {
    under_way += 1;
    most = Math.max(most, under_way);
    await new Promise((resolve) => setImmediate(resolve));
    try {
      return await (fetches.simulated ?? fetch)(input, init);
    } finally {
      under_way -= 1;
    }
  };
  const world = await linkedWorld(accounts, { stripe_fetch: counting });
  fetches.simulated = world.simulator.fetch;
  for (const account of accounts) await world.usage.increment({ account });
  world.clock.advance(HOUR);
  const before = world.simulator.requests().length;
  await expect(world.usage.report()).resolves.toMatchObject({ closed: 130, reported: 130 });
  expect(most).toBeGreaterThan(4);
  expect(most).toBeLessThanOrEqual(256);
  // Subscriptions, the period's total and the report; one list of meters and one price are read for all of them.
  expect(world.simulator.requests().length - before).toBeLessThanOrEqual(3 * 130 + 20);
});
