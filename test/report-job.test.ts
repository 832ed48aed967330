import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Store } from '../src/core/store.ts';
import { createSqliteStore } from '../src/storage/sqlite/sqlite-store.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { temporaryDirectory } from './support/folders.ts';
import { createPayingWorld, METER_EVENTS, type PayingWorld } from './support/paying-world.ts';
import { createWorld } from './support/world.ts';

describe('a report', () => {
  test('is stamped in the middle of a whole minute of its period, with an identifier and a key per attempt', async () => {
    const world = await createPayingWorld();
    await expect(world.usage.report()).resolves.toMatchObject({
      closed: 1,
      reported: 1,
      failed: 0,
      waiting: 0,
    });
    const [request] = world.sent();
    const timestamp = Number(request?.params?.['timestamp']);
    expect(timestamp % 60).toBe(30);
    expect(timestamp * 1_000).toBe(world.clock.now() - 30_000);
    expect(request?.params).toMatchObject({
      event_name: 'credits',
      payload: { stripe_customer_id: world.customer.id, value: '70' },
      identifier: expect.stringMatching(/^tb_[0-9a-f]{64}$/),
    });
    expect(request?.idempotency_key).toBe(`${request?.params?.['identifier']}:1`);
  });

  test('is marked reported, ended, and followed by an open one', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    const usage = await world.usage.get({ account: 'acct_1' });
    expect(usage).toMatchObject({ quantity: 75, reported_quantity: 70, pending_quantity: 5 });
    expect(usage.reports).toMatchObject([
      {
        status: 'reported',
        reported: true,
        quantity: 70,
        period_end: new Date(world.clock.now()).toISOString(),
      },
      { status: 'open', reported: false, quantity: 5, period_end: null },
    ]);
  });

  test('is sent once, however often the job runs', async () => {
    const world = await createPayingWorld();
    for (let run = 0; run < 3; run += 1) {
      await world.usage.report();
      world.clock.advance(DAY);
    }
    expect(world.sent()).toHaveLength(1);
    expect(world.counted()).toBe(70);
  });

  test('is sent by several workers on one database once', async () => {
    const world = await createPayingWorld();
    await Promise.all([world.usage.report(), world.usage.report(), world.usage.worker.tick()]);
    expect(world.sent()).toHaveLength(1);
  });
});

describe('when Stripe', () => {
  const temporary = [
    '429',
    '409',
    '500_before',
    '500_after',
    'reset',
    'reset_after',
    'html_200',
    'empty_200',
    'other_200',
  ] as const;
  test.each(temporary)('answers with %s, the report is retried until it is counted, once', async (kind) => {
    const world = await createPayingWorld();
    world.simulator.faults.add({ kind, ...METER_EVENTS, times: 3 });
    await expect(world.usage.report()).resolves.toMatchObject({ reported: 0, waiting: 1 });
    expect(await world.firstReport()).toMatchObject({
      status: 'sending',
      reported: false,
      last_error: expect.any(String),
    });
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(await world.firstReport()).toMatchObject({ status: 'reported', reported: true, last_error: null });
    expect(world.counted()).toBe(70);
    const identifiers = new Set(world.sent().map(({ params }) => params?.['identifier']));
    const keys = new Set(world.sent().map(({ idempotency_key }) => idempotency_key));
    expect(identifiers.size).toBe(1);
    expect(keys.size).toBe(world.sent().length);
    expect(world.errors).toEqual([]);
  });

  test('asks to come back later, it is left alone for that long', async () => {
    const world = await createPayingWorld();
    world.simulator.faults.add({ kind: '429', ...METER_EVENTS, times: 1, retry_after_s: 600 });
    await world.usage.report();
    await world.passTime(world.clock.now() + 9 * MINUTE);
    expect(world.sent()).toHaveLength(1);
    await world.passTime(world.clock.now() + 2 * MINUTE);
    expect(world.sent()).toHaveLength(2);
  });

  test('loses a request on the way that takes effect later, it is still counted once', async () => {
    const world = await createPayingWorld();
    world.simulator.faults.add({ kind: 'reset', ...METER_EVENTS, times: 1, effect_after_ms: 5 * MINUTE });
    await world.usage.report();
    await world.passTime(world.clock.now() + 3 * HOUR);
    expect(await world.firstReport()).toMatchObject({ status: 'reported' });
    expect(world.counted()).toBe(70);
  });

  test('says that it has the identifier, only its count makes the report reported', async () => {
    const world = await createPayingWorld({ lag_minutes: [20, 20] });
    world.simulator.faults.add({ kind: 'reset_after', ...METER_EVENTS, times: 1 });
    await world.usage.report();
    await world.passTime(world.clock.now() + 10 * MINUTE);
    expect(await world.firstReport()).toMatchObject({
      status: 'sending',
      reason: 'not_counted',
      reported: false,
    });
    await world.passTime(world.clock.now() + 20 * MINUTE);
    expect(await world.firstReport()).toMatchObject({ status: 'reported', reason: null });
    expect(world.counted()).toBe(70);
  });

  test('has counted what the database does not know of, as after a restored backup, nothing is sent', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 0] });
    await world.usage.report();
    const restored = await createWorldOnSameStripe(world, 99);
    await restored.usage.report();
    await restored.passTime(restored.clock.now() + 26 * HOUR);
    const [report] = (await restored.usage.get({ account: 'acct_1' })).reports;
    expect(report).toMatchObject({
      status: 'held',
      reason: 'unknown_usage',
      reported: false,
      last_error: expect.stringContaining('counted 70 more'),
    });
    expect(world.counted()).toBe(70);
    expect(world.sent()).toHaveLength(1);
  });

  test('has the identifier with another quantity, which it had not counted yet, the report is held and not sent again', async () => {
    const world = await createPayingWorld({ lag_minutes: [20, 20] });
    await world.usage.report();
    const sent = world.sent()[0]?.params;
    const restored = await createWorldOnSameStripe(world, 99);
    await restored.usage.report();
    await restored.passTime(restored.clock.now() + 26 * HOUR);
    const [report] = (await restored.usage.get({ account: 'acct_1' })).reports;
    expect(report).toMatchObject({ status: 'held', reason: 'not_counted', reported: false });
    world.clock.advance(HOUR);
    expect(world.counted()).toBe(70);
    expect(world.sent().every(({ params }) => params?.['identifier'] === sent?.['identifier'])).toBe(true);
  });

  test('refuses a report, it has failed with Stripe’s words and is not sent again', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    world.clock.advance(HOUR);
    await world.stripe.billing.meters.deactivate(world.meter.id);
    await expect(world.usage.report()).resolves.toMatchObject({ reported: 0, failed: 1 });
    await world.passTime(world.clock.now() + 2 * DAY);
    const [, refused] = (await world.usage.get({ account: 'acct_1' })).reports;
    expect(refused).toMatchObject({
      status: 'failed',
      reported: false,
      last_error: expect.stringContaining('meter'),
    });
    expect(world.sent()).toHaveLength(2);
  });

  test('is down for 30 hours, nothing is sent blindly afterwards and everything is counted once', async () => {
    const world = await createPayingWorld();
    world.simulator.faults.add({ kind: 'reset_after', ...METER_EVENTS, times: 1 });
    await world.usage.report();
    world.simulator.faults.add({ kind: 'reset', times: 1_000_000 });
    await world.passTime(world.clock.now() + 30 * HOUR);
    world.simulator.faults.clear();
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(await world.firstReport()).toMatchObject({ status: 'reported' });
    expect(world.counted()).toBe(70);
  });

  test('loses its answers to reports of one minute, all of them are reported and none is held', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 20] });
    await world.usage.report();
    world.simulator.faults.add({ kind: 'reset_after', ...METER_EVENTS, times: 2 });
    for (const quantity of [9, 4, 4]) {
      await world.usage.increment({ account: 'acct_1', quantity });
      world.clock.advance(5_000);
      await world.usage.report();
    }
    await world.passTime(world.clock.now() + 2 * HOUR);
    const { reports } = await world.usage.get({ account: 'acct_1' });
    expect(reports.filter(({ status }) => status !== 'open').map(({ status }) => status)).toEqual(
      Array(4).fill('reported'),
    );
    expect(world.counted()).toBe(87);
  });

  test('counts after more than a day what it has, the report is held meanwhile and frees itself', async () => {
    const world = await createPayingWorld({ lag_minutes: [1_800, 1_800] });
    world.simulator.faults.add({ kind: 'reset_after', ...METER_EVENTS, times: 1 });
    await world.usage.report();
    await world.passTime(world.clock.now() + 29 * HOUR);
    expect(await world.firstReport()).toMatchObject({ status: 'held', reason: 'not_counted' });
    await world.passTime(world.clock.now() + 2 * DAY);
    expect(await world.firstReport()).toMatchObject({ status: 'reported', last_error: null });
    expect(world.counted()).toBe(70);
  });

  test('is no longer configured, a report on its way waits without raising errors', async () => {
    const world = await createPayingWorld();
    world.simulator.faults.add({ kind: 'reset_after', ...METER_EVENTS, times: 1 });
    await world.usage.report();
    const { path } = world;
    const bare = await createWorld({ start: world.clock.now(), path, with_stripe: false });
    await bare.passTime(world.clock.now() + DAY);
    expect(bare.errors).toEqual([]);
    expect(await world.firstReport()).toMatchObject({
      status: 'sending',
      last_error: 'Stripe is not configured.',
    });
  });

  test('refuses our key, no report is failed for it and all are sent once the key works', async () => {
    const world = await createPayingWorld();
    const fetch = world.simulator.fetch;
    let isRevoked = true;
    const revocable: typeof fetch = (input, init) =>
      isRevoked
        ? Promise.resolve(
            Response.json(
              { error: { type: 'invalid_request_error', message: 'Expired API Key' } },
              { status: 401 },
            ),
          )
        : fetch(input, init);
    const other = await createWorldOnSameStripe(world, 70, revocable);
    await other.usage.report();
    expect((await other.usage.get({ account: 'acct_1' })).reports[0]).toMatchObject({
      status: 'closed',
      reported: false,
    });
    isRevoked = false;
    await other.passTime(other.clock.now() + 2 * HOUR);
    expect((await other.usage.get({ account: 'acct_1' })).reports[0]).toMatchObject({ reported: true });
  });
});

/** A second database for the same account and Stripe: what a restored backup looks like from outside. */
async function createWorldOnSameStripe(world: PayingWorld, quantity: number, fetch = world.simulator.fetch) {
  const restored = await createWorld({
    start: world.clock.now() - HOUR,
    stripe_fetch: fetch,
    simulator: world.simulator,
  });
  await restored.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: world.customer.id });
  await restored.usage.increment({ account: 'acct_1', quantity });
  restored.clock.advance(HOUR);
  return restored;
}

test('a database that is set back under an app that goes on: what was sent since the backup is not counted again', async () => {
  const path = join(temporaryDirectory(), 'usage.db');
  const { store, replaceBy } = replaceableStore();
  const world = await createWorld({
    path,
    lag_minutes: [0, 0],
    schedule: '*/30 * * * *',
    wrapping: { store },
  });
  const [customer, busy] = [(await world.subscribe()).customer, (await world.subscribe()).customer];
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await world.usage.accounts.set({ account: 'acct_2', plan: 'pro', stripe_customer: busy.id });
  // The worker never rests for long: somebody else is always using something.
  const pass = async (ms: number) => {
    for (const end = world.clock.now() + ms; world.clock.now() < end; ) {
      await world.usage.increment({ account: 'acct_2' });
      await world.passTime(world.clock.now() + 30 * MINUTE);
    }
  };
  await world.usage.increment({ account: 'acct_1', quantity: 70 });
  await pass(2 * HOUR);
  await world.usage.increment({ account: 'acct_1', quantity: 50 });
  const backup = backUp(path);
  await pass(36 * HOUR); // longer than Stripe knows identifiers
  replaceBy(createSqliteStore({ path: backup, thread: 'in_thread', environment: { uuid: randomUUID } }));
  await pass(5 * HOUR);
  expect(world.simulator.counted(customer.id, 'credits', 0, Date.UTC(2100, 0, 1))).toBe(120);
  expect(world.alarms).toContainEqual(
    expect.objectContaining({ alarm: 'unknown_usage', account_id: 'acct_1', report_id: 2 }),
  );
});

/** A store in whose place another one is put while it is in use. */
function replaceableStore() {
  const stores: Store[] = [];
  const newest = () => stores.at(-1) ?? {};
  const get = (_: Store, name: string | symbol) => {
    const value = Reflect.get(newest(), name);
    return typeof value === 'function' ? value.bind(newest()) : value;
  };
  const store = (first: Store): Store => {
    stores.push(first);
    onTestFinished(() => first.close());
    return new Proxy(first, { get });
  };
  return { store, replaceBy: (other: Store) => void stores.push(other) };
}

/** @returns the path of the copy. */
function backUp(path: string): string {
  const backup = join(temporaryDirectory(), 'backup.db');
  const database = new DatabaseSync(path);
  database.exec(`VACUUM INTO '${backup}'`);
  database.close();
  return backup;
}

describe('a worker that dies', () => {
  test.each([
    ['before its request leaves', false],
    ['after Stripe has taken its request', true],
  ])('%s is replaced within a minute, and its report is counted once', async (_, isTaken) => {
    const world = await createPayingWorld();
    const answers: Promise<Response>[] = [];
    const { promise: neverHeard, reject: bury } = Promise.withResolvers<Response>();
    const dying = await createWorld({
      start: world.clock.now(),
      path: world.path,
      simulator: world.simulator,
      stripe_fetch: (input, init) => {
        const isReport = String(input).includes('/meter_events');
        if (!isReport) return world.simulator.fetch(input, init);
        if (isTaken) answers.push(world.simulator.fetch(input, init));
        return neverHeard;
      },
    });
    void dying.usage.report();
    await expect.poll(async () => (await world.firstReport())?.status).toBe('sending');
    await Promise.all(answers);
    await world.passTime(world.clock.now() + 61_000);
    await world.passTime(world.clock.now() + HOUR);
    expect(await world.firstReport()).toMatchObject({ status: 'reported', reported: true });
    expect(world.counted()).toBe(70);
    bury(new Error('The process is gone.'));
  });
});

describe('one poisoned account', () => {
  test('delays nobody: the others are reported in the same run, and it is tried again later', async () => {
    const world = await createPayingWorld();
    for (let index = 0; index < 20; index += 1) {
      const { customer } = await world.subscribe();
      await world.usage.accounts.set({
        account: `other_${index}`,
        plan: 'pro',
        stripe_customer: customer.id,
      });
      await world.usage.increment({ account: `other_${index}`, quantity: 1 });
    }
    world.clock.advance(HOUR);
    world.simulator.faults.add({ kind: '500_before', method: 'GET', path: '/v1/subscriptions', times: 1 });
    await expect(world.usage.report()).resolves.toMatchObject({ closed: 21, reported: 20 });
    await world.passTime(world.clock.now() + 10 * MINUTE);
    expect(world.sent()).toHaveLength(21);
  });
});

describe('free and trial usage is never sent', () => {
  test('an account on a free plan is tracked and costs nothing', async () => {
    const world = await createWorld();
    await world.usage.accounts.set({ account: 'acct_free', plan: 'free' });
    await world.usage.increment({ account: 'acct_free', quantity: 500 });
    await world.passTime(world.clock.now() + 2 * DAY);
    const usage = await world.usage.get({ account: 'acct_free' });
    expect(usage).toMatchObject({ quantity: 500, reported_quantity: 0, pending_quantity: 0, cost: null });
    expect(usage.reports[0]).toMatchObject({ status: 'not_billable', reason: 'free', reported: false });
  });

  test('after an upgrade only what was used since the subscription began is billed, however late we learn of it', async () => {
    const world = await createWorld();
    const { usage, clock } = world;
    await usage.accounts.set({ account: 'acct_1', plan: 'free' });
    await usage.increment({ account: 'acct_1', quantity: 10_000 });
    await world.passTime(clock.now() + 3 * DAY);
    await usage.increment({ account: 'acct_1', quantity: 1_000 });
    clock.advance(HOUR);
    const { customer, subscription } = await world.subscribe();
    clock.advance(HOUR);
    await usage.increment({ account: 'acct_1', quantity: 100 });
    await world.passTime(clock.now() + DAY); // the job judges it free: nobody told us of the subscription
    await usage.increment({ account: 'acct_1', quantity: 10 });
    clock.advance(HOUR);
    await usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
    await usage.increment({ account: 'acct_1', quantity: 1 });
    const end = (subscription.items.data[0]?.current_period_end ?? 0) * 1_000;
    await world.passTime(end + 2 * HOUR);
    expect(await world.billedLines(customer.id)).toMatchObject([{ quantity: 111, amount: 222 }]);
    const all = await usage.get({ account: 'acct_1', period_start: '2026-01-01', period_end: '2026-03-01' });
    expect(all).toMatchObject({ quantity: 11_111, reported_quantity: 111, pending_quantity: 0 });
  });

  test('a trial is tracked, not sent, and payment begins at its end', async () => {
    const world = await createWorld();
    const { usage, clock } = world;
    const trial_end = Math.floor(clock.now() / 1_000) + 7 * 86_400;
    const { customer } = await world.subscribe({ trial_end });
    await usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
    await world.passTime(clock.now() + HOUR);
    await usage.increment({ account: 'acct_1', quantity: 1_000 });
    await world.passTime(trial_end * 1_000 + HOUR);
    await usage.increment({ account: 'acct_1', quantity: 5 });
    await world.passTime(clock.now() + 40 * DAY);
    expect(world.simulator.counted(customer.id, 'credits', 0, clock.now())).toBe(5);
    expect(await world.billedLines(customer.id)).toMatchObject([{ quantity: 5, amount: 10 }]);
  });

  test('usage of an account that nothing bills yet waits visibly, and is never billed for the time before', async () => {
    const world = await createWorld();
    const { usage, clock } = world;
    await usage.increment({ account: 'acct_1', quantity: 7 });
    await world.passTime(clock.now() + 2 * DAY);
    expect((await usage.get({ account: 'acct_1' })).reports[0]).toMatchObject({
      status: 'closed',
      reason: 'unlinked',
    });
    const { customer } = await world.subscribe();
    await usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
    await world.passTime(clock.now() + 2 * DAY);
    const all = await usage.get({ account: 'acct_1', period_start: '2026-01-01', period_end: '2026-03-01' });
    expect(all.reports[0]).toMatchObject({ status: 'not_billable', reason: 'no_price', quantity: 7 });
    expect(world.simulator.counted(customer.id, 'credits', 0, clock.now())).toBe(0);
  });

  test('after 34 days of waiting, usage that Stripe would no longer take is given up, visibly', async () => {
    const world = await createWorld();
    await world.usage.increment({ account: 'acct_1', quantity: 7 });
    await world.passTime(world.clock.now() + 36 * DAY);
    const all = await world.usage.get({
      account: 'acct_1',
      period_start: '2026-01-01',
      period_end: '2026-03-01',
    });
    expect(all.reports[0]).toMatchObject({ status: 'not_billable', reason: 'no_price' });
  });
});

describe('at the end of a billing period', () => {
  test('the last minute’s usage is on its invoice, although the schedule would run hours later', async () => {
    const world = await createPayingWorld({ schedule: '0 6 * * 1', lag_minutes: [0, 20] });
    await world.passTime(world.end - 1_000);
    await world.usage.increment({ account: 'acct_1', quantity: 30 });
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billedLines(world.customer.id)).toMatchObject([{ quantity: 100, amount: 200 }]);
  });

  test('usage that is recorded while the invoice is a draft is on it, as a late report', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 5] });
    await world.passTime(world.end + 10 * MINUTE);
    await world.usage.increment({ account: 'acct_1', quantity: 30, timestamp: new Date(world.end - 1) });
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billedLines(world.customer.id)).toMatchObject([{ quantity: 100, amount: 200 }]);
  });

  test('usage that is recorded after the invoice is billed in the next period', async () => {
    const world = await createPayingWorld();
    await world.passTime(world.end + 3 * HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 30, timestamp: new Date(world.end - HOUR) });
    await world.passTime(world.end + 35 * DAY);
    expect(await world.billedLines(world.customer.id)).toMatchObject([
      { quantity: 70, amount: 140 },
      { quantity: 30, amount: 60 },
    ]);
  });

  test('usage in the period and after it is told apart to the millisecond', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 0] });
    await world.passTime(world.end - MINUTE);
    world.clock.moveTo(world.end - 1);
    await world.usage.increment({ account: 'acct_1', quantity: 1 });
    world.clock.moveTo(world.end);
    await world.usage.increment({ account: 'acct_1', quantity: 1_000 });
    await world.passTime(world.end + 35 * DAY);
    expect(await world.billedLines(world.customer.id)).toMatchObject([{ quantity: 71 }, { quantity: 1_000 }]);
  });
});

describe('a subscription that changes under its reports', () => {
  test('is replaced by one that it overlaps: usage is still recorded, reported and billed once', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    await world.stripe.subscriptions.create({
      customer: world.customer.id,
      items: [{ price: world.price.id }],
      billing_mode: { type: 'flexible' },
    });
    world.clock.advance(HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    await world.usage.report();
    await world.stripe.subscriptions.cancel(world.subscription.id);
    await world.passTime(world.clock.now() + DAY);
    await world.usage.increment({ account: 'acct_1', quantity: 3 });
    await world.passTime(world.end + 3 * HOUR);
    expect(world.errors).toEqual([]);
    expect(world.counted()).toBe(78);
  });

  test('overlaps another one over the end of its period: what both would bill waits for the first one’s invoice', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 0] });
    await world.usage.report();
    await world.passTime(world.end - MINUTE);
    const price = world.subscription.items.data[0]?.price.id ?? '';
    await world.stripe.subscriptions.create({ customer: world.customer.id, items: [{ price }] });
    world.clock.advance(MINUTE / 2);
    await world.usage.increment({ account: 'acct_1', quantity: 9 });
    world.clock.moveTo(world.end + MINUTE);
    await world.usage.report();
    await world.stripe.subscriptions.cancel(world.subscription.id);
    await world.passTime(world.end + 45 * MINUTE);
    await world.usage.report(); // which keeps the draft open
    await world.passTime(world.end + DAY);
    expect(world.counted()).toBe(70);
    await world.passTime(world.end + 40 * DAY);
    expect(await world.billedQuantity()).toBe(79);
    expect(world.errors).toEqual([]);
  });

  test('ends in the second in which a report was sealed: what is used afterwards is recorded and judged', async () => {
    const world = await createPayingWorld({ start: Date.UTC(2026, 0, 10, 12) + 607 });
    await world.usage.increment({ account: 'acct_1', quantity: 1 });
    await world.usage.report();
    await world.stripe.subscriptions.cancel(world.subscription.id);
    await world.stripe.subscriptions.create({
      customer: world.customer.id,
      items: [{ price: world.price.id }],
      billing_mode: { type: 'flexible' },
    });
    world.clock.advance(2_000);
    await world.usage.increment({ account: 'acct_1', quantity: 4 });
    await world.passTime(world.clock.now() + 2 * DAY);
    expect(world.errors).toEqual([]);
    expect(world.counted()).toBe(75);
  });

  test('is learned of after its first invoice: what was used since its start is on the next one', async () => {
    const world = await createWorld({ lag_minutes: [0, 5] });
    await world.usage.increment({ account: 'acct_1', quantity: 1_000 });
    world.clock.advance(HOUR);
    const { customer, subscription } = await world.subscribe();
    const end = (subscription.items.data[0]?.current_period_end ?? 0) * 1_000;
    await world.passTime(end - 2 * DAY);
    await world.usage.increment({ account: 'acct_1', quantity: 7 });
    await world.passTime(end + 2 * HOUR);
    await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
    await world.passTime(end + 40 * DAY);
    expect(await world.billedLines(customer.id)).toMatchObject([{ quantity: 7 }]);
  });

  test('is learned of late: usage that is too much for one report moves into several', async () => {
    const world = await createWorld();
    const quantity = 600_000_000_000_000;
    await world.usage.increment({ account: 'acct_1', quantity: 1 });
    world.clock.advance(HOUR);
    const { customer } = await world.subscribe();
    for (let day = 0; day < 2; day += 1) {
      await world.usage.increment({ account: 'acct_1', quantity });
      await world.passTime(world.clock.now() + DAY);
    }
    await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
    await world.passTime(world.clock.now() + 2 * DAY);
    expect(world.errors).toEqual([]);
    expect(world.simulator.counted(customer.id, 'credits', 0, world.clock.now())).toBe(2 * quantity);
  });
});

describe('one price', () => {
  test('a second metered item on the meter holds the reports, names both, and frees them when it is gone', async () => {
    const world = await createPayingWorld();
    const second = await world.stripe.subscriptions.create({
      customer: world.customer.id,
      items: [{ price: world.price.id }],
      billing_mode: { type: 'flexible' },
    });
    world.clock.advance(HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    world.clock.advance(HOUR);
    await world.usage.report();
    const held = (await world.usage.get({ account: 'acct_1' })).reports.filter(
      ({ status }) => status === 'held',
    );
    expect(held.length).toBeGreaterThan(0);
    expect(held[0]).toMatchObject({
      reason: 'ambiguous_price',
      last_error: expect.stringMatching(/si_\w+ and si_\w+/),
    });
    expect(world.sent().length).toBe(0);
    await world.stripe.subscriptions.cancel(second.id);
    await world.passTime(world.clock.now() + 26 * HOUR);
    const after = await world.usage.get({
      account: 'acct_1',
      period_start: '2026-01-01',
      period_end: '2026-03-01',
    });
    expect(after.reports.filter(({ status }) => status === 'held')).toEqual([]);
  });
});

describe('the schedule', () => {
  test('is daily at midnight UTC by default', async () => {
    const world = await createPayingWorld();
    await world.usage.worker.tick();
    await world.passTime(Date.UTC(2026, 0, 10, 23, 59, 59));
    expect(world.sent()).toHaveLength(0);
    await world.passTime(Date.UTC(2026, 0, 11, 0, 0, 1));
    expect(world.sent()).toHaveLength(1);
  });

  test('makes up for a run that was missed while nothing ran', async () => {
    const world = await createPayingWorld();
    await world.usage.worker.tick();
    world.clock.advance(3 * DAY);
    await world.usage.worker.tick();
    expect(world.sent()).toHaveLength(1);
  });

  test('start runs it in the background and stop ends it; a second start goes on', async () => {
    const world = await createPayingWorld();
    await world.usage.worker.tick();
    world.usage.worker.start();
    world.usage.worker.start();
    world.clock.moveTo(Date.UTC(2026, 0, 11, 0, 0, 1));
    await expect.poll(() => world.sent().length).toBe(1);
    await world.usage.worker.stop();
    await world.usage.increment({ account: 'acct_1', quantity: 1 });
    world.clock.advance(2 * DAY);
    world.usage.worker.start();
    await expect.poll(() => world.sent().length).toBe(2);
    await world.usage.worker.stop();
  });

  test('without Stripe reports wait: nothing is sent and nothing is lost', async () => {
    const world = await createWorld({ with_stripe: false });
    await world.usage.accounts.set({ account: 'acct_1', plan: 'pro' });
    await world.usage.increment({ account: 'acct_1', quantity: 9 });
    await world.passTime(world.clock.now() + 2 * DAY);
    const usage = await world.usage.get({ account: 'acct_1' });
    expect(usage).toMatchObject({ quantity: 9, pending_quantity: 9, reported_quantity: 0 });
    expect(usage.cost).toMatchObject({ amount: 18 });
  });
});

test('a worker that stands still for days while it seals asks anew what bills the usage of these days', async () => {
  const world = await createPayingWorld({ lag_minutes: [0, 0] });
  await world.usage.report();
  world.clock.advance(HOUR);
  const stood = { isOver: false };
  const standStill = async () => {
    if (stood.isOver) return;
    stood.isOver = true;
    world.clock.advance(MINUTE);
    await world.usage.accounts.sync({ account: 'acct_1' });
    world.clock.advance(DAY);
    await world.stripe.subscriptions.cancel(world.subscription.id);
    world.clock.advance(HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 30 });
  };
  const standing = world.open(undefined, {
    store: (store) => ({
      ...store,
      closeReports: async (params) => {
        await standStill();
        return await store.closeReports(params);
      },
    }),
    provider: (provider) => provider,
  });
  await standing.report({ account: 'acct_1' });
  await standing.close();
  await world.usage.report();
  expect(world.sent()).toHaveLength(1);
  const { reports } = await world.usage.reports.list({ account: 'acct_1', status: 'not_billable' });
  expect(reports).toMatchObject([{ quantity: 30, reason: 'free' }]);
});
