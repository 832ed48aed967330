import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ReportResolution } from '../src/index.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { temporaryDirectory } from './support/folders.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const METER_EVENTS = { method: 'POST', path: '/v1/billing/meter_events' } as const;
const ONE = { account: 'acct_1', report: 1 } as const;
const WHY = { actor: 'ada', reason: 'Seen at Stripe.' } as const;
const RESOLUTIONS: readonly ReportResolution[] = ['counted', 'written_off', 'send'];
const NOT_DECIDABLE = { code: 'report_not_decidable', status: 409 };

const app = useAppDatabase();

/** One account on the volume price with 70 credits, an hour later, and another customer on the same price. */
async function createPayingWorld(options: WorldOptions = {}) {
  const world = await createWorld({ lag_minutes: [0, 0], ...options });
  const { usage, simulator, clock } = world;
  const { customer } = await world.subscribe();
  const { customer: other } = await world.subscribe();
  await usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await usage.increment({ account: 'acct_1', quantity: 70 });
  clock.advance(HOUR);
  return {
    ...world,
    customer,
    other,
    counted: (of = customer.id) => simulator.counted(of, 'credits', 0, Date.UTC(2100, 0, 1)),
    sent: () => simulator.requests().filter(({ path }) => path === METER_EVENTS.path),
    explained: async (report = 1) => await usage.explain({ account: 'acct_1', report }),
    report: async (report = 1) => (await usage.explain({ account: 'acct_1', report })).report,
    decisions: async () => (await usage.explain(ONE)).decisions,
  };
}

type PayingWorld = Awaited<ReturnType<typeof createPayingWorld>>;

/** Stripe refused it: its meter was not active just then. */
async function createFailedWorld(options: WorldOptions = {}) {
  let refusals = 1;
  const world: PayingWorld = await createPayingWorld({
    ...options,
    stripe_fetch: async (input, init) => {
      const { simulator, stripe, meter } = world;
      if (refusals === 0 || !String(input).includes(METER_EVENTS.path)) return simulator.fetch(input, init);
      refusals -= 1;
      await stripe.billing.meters.deactivate(meter.id);
      const refusal = await simulator.fetch(input, init);
      await stripe.billing.meters.reactivate(meter.id);
      return refusal;
    },
  });
  await world.usage.report();
  expect(await world.report()).toMatchObject({ status: 'failed', generation: 1 });
  return {
    ...world,
    refuseOnce: () => {
      refusals += 1;
    },
  };
}

/** Stripe accepted it, and never counts it. */
async function createUncountedWorld(options: WorldOptions = {}) {
  const world = await createPayingWorld(options);
  world.simulator.faults.add({ kind: 'reject_async' });
  await world.usage.report();
  await world.passTime(world.clock.now() + 2 * DAY);
  expect(await world.report()).toMatchObject({ status: 'held', reason: 'not_counted' });
  return world;
}

/** Something else wrote into its minute. */
async function createForeignWorld() {
  const world = await createPayingWorld();
  await world.usage.report();
  await world.stripe.billing.meterEvents.create({
    event_name: 'credits',
    payload: { stripe_customer_id: world.customer.id, value: '5' },
    timestamp: Date.parse((await world.report()).slot ?? '') / 1_000,
  });
  await world.passTime(world.clock.now() + 2 * HOUR);
  expect(await world.report()).toMatchObject({ status: 'held', reason: 'foreign_writer' });
  return world;
}

/** Two subscriptions would bill it. */
async function createAmbiguousWorld() {
  const world = await createPayingWorld();
  const { customer: late } = await world.subscribe();
  const items = [{ price: world.price.id }];
  const second = await world.stripe.subscriptions.create({
    customer: world.customer.id,
    items,
    billing_mode: { type: 'flexible' },
  });
  await world.usage.increment({ account: 'acct_1', quantity: 5 });
  world.clock.advance(HOUR);
  await world.usage.report();
  const { reports } = await world.usage.reports.list({ status: 'held' });
  const held = reports.map(({ report_id: report }) => ({ account: 'acct_1', report }));
  expect(held.length).toBeGreaterThan(0);
  expect(reports.every(({ reason }) => reason === 'ambiguous_price')).toBe(true);
  return { ...world, late, second, held };
}

function backUp(from: string): string {
  const path = join(temporaryDirectory(), 'backup.db');
  const database = new DatabaseSync(from);
  database.prepare('VACUUM INTO ?').run(path);
  database.close();
  return path;
}

/** Stripe counted 70 of a database that is lost; its backup is older, and has counted 29 more since then. */
async function createRestoredWorld() {
  const lost = await createPayingWorld();
  const path = backUp(lost.path);
  await lost.usage.report();
  const { clock, simulator, stripe, customer, counted } = lost;
  const restored = await createWorld({ path, clock, simulator });
  const { usage } = restored;
  await usage.increment({ account: 'acct_1', quantity: 29 });
  clock.advance(HOUR);
  await usage.report();
  const explained = (report = 1) => usage.explain({ account: 'acct_1', report });
  const report = async (number = 1) => (await explained(number)).report;
  expect(await report()).toMatchObject({ status: 'held', reason: 'unknown_usage' });
  return { ...restored, stripe, customer, counted, explained, report };
}

describe('a report that failed', () => {
  test('is retried under a new identifier, and counted once', async () => {
    const world = await createFailedWorld();
    const first = await world.report();
    expect(await world.usage.reports.retry({ ...ONE, ...WHY })).toEqual({
      account: 'acct_1',
      meter: 'credits',
      report: 1,
      status: 'closed',
    });
    await world.passTime(world.clock.now() + 2 * HOUR);
    const retried = await world.report();
    expect(retried).toMatchObject({ status: 'reported', generation: 2, attempts: 2, last_error: null });
    expect(retried.identifier).not.toBe(first.identifier);
    expect(world.counted()).toBe(70);
    const identifiers = world.sent().map(({ params }) => params?.['identifier']);
    expect(identifiers).toEqual([first.identifier, retried.identifier]);
    await world.passTime(world.clock.now() + 3 * DAY);
    expect(world.counted()).toBe(70);
    expect(world.errors).toEqual([]);
  });

  test('is retried on PostgreSQL as well', async () => {
    const world = await createFailedWorld({ database: app.options() });
    await world.usage.reports.retry({ ...ONE, ...WHY });
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(await world.report()).toMatchObject({ status: 'reported', generation: 2, attempts: 2 });
    expect(world.counted()).toBe(70);
  });

  test('takes the customer that the account is linked to now', async () => {
    const world = await createFailedWorld();
    await world.usage.accounts.set({ account: 'acct_1', stripe_customer: world.other.id });
    await world.usage.reports.retry({ ...ONE, ...WHY });
    await world.passTime(world.clock.now() + DAY);
    expect([world.counted(), world.counted(world.other.id)]).toEqual([0, 70]);
  });

  test('that is refused once more fails once more, and can be retried again', async () => {
    const world = await createFailedWorld();
    world.refuseOnce();
    await world.usage.reports.retry({ ...ONE, ...WHY });
    await world.usage.report();
    expect(await world.report()).toMatchObject({ status: 'failed', generation: 2, attempts: 2 });
    await world.usage.reports.retry({ ...ONE, ...WHY });
    await world.usage.report();
    expect(await world.report()).toMatchObject({ status: 'reported', generation: 3, attempts: 3 });
    expect(world.counted()).toBe(70);
    expect(await world.decisions()).toHaveLength(2);
  });

  test('can be sent or written off, and was not counted', async () => {
    const world = await createFailedWorld();
    const counted = world.usage.reports.resolve({ ...ONE, ...WHY, as: 'counted' });
    await expect(counted).rejects.toMatchObject(NOT_DECIDABLE);
    await world.usage.reports.resolve({ ...ONE, ...WHY, as: 'send' });
    await world.usage.report();
    expect(await world.report()).toMatchObject({ status: 'reported', generation: 2 });
    const other = await createFailedWorld();
    await other.usage.reports.resolve({ ...ONE, ...WHY, as: 'written_off' });
    await other.passTime(other.clock.now() + 40 * DAY);
    expect(await other.report()).toMatchObject({ status: 'not_billable', reason: 'written_off' });
    expect([world.counted(), other.counted()]).toEqual([70, 0]);
    expect(other.errors).toEqual([]);
  });
});

describe('a report that is held', () => {
  test('is looked at again at once, and goes on where its cause is gone', async () => {
    const world = await createAmbiguousWorld();
    await world.stripe.subscriptions.cancel(world.second.id);
    world.clock.advance(MINUTE);
    for (const key of world.held) {
      expect(await world.usage.reports.retry({ ...key, ...WHY })).toMatchObject({ status: 'held' });
    }
    await world.usage.report();
    const { reports } = await world.usage.reports.list({ status: ['held', 'failed'] });
    expect(reports).toEqual([]);
    expect(world.counted()).toBe(75);
  });

  test('stays held where its cause is not gone', async () => {
    const world = await createAmbiguousWorld();
    const [key] = world.held;
    await world.usage.reports.retry({ ...ONE, ...key, ...WHY });
    await world.usage.report();
    expect(await world.report(key?.report)).toMatchObject({ status: 'held', reason: 'ambiguous_price' });
    expect(world.sent()).toEqual([]);
  });

  test('counts as counted by Stripe when a person says so, and is not sent again', async () => {
    for (const world of [await createUncountedWorld(), await createForeignWorld()]) {
      const before = world.sent().length;
      const result = await world.usage.reports.resolve({ ...ONE, ...WHY, as: 'counted' });
      expect(result).toMatchObject({ status: 'reported' });
      await world.passTime(world.clock.now() + 2 * DAY);
      expect(await world.report()).toMatchObject({
        status: 'reported',
        reported: true,
        reason: null,
        due_at: null,
        last_error: null,
      });
      expect(world.sent()).toHaveLength(before);
    }
  });

  test('is written off, and never sent or looked at again', async () => {
    const world = await createUncountedWorld();
    await world.usage.reports.resolve({ ...ONE, ...WHY, as: 'written_off' });
    await world.passTime(world.clock.now() + 40 * DAY);
    expect(await world.report()).toMatchObject({
      status: 'not_billable',
      reason: 'written_off',
      due_at: null,
    });
    expect(world.sent()).toHaveLength(1);
  });

  test('is sent again under a new identifier where Stripe counted nothing in its minute', async () => {
    const world = await createUncountedWorld();
    world.simulator.faults.clear();
    await world.usage.reports.resolve({ ...ONE, ...WHY, as: 'send' });
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(await world.report()).toMatchObject({ status: 'reported', generation: 2 });
    expect(world.counted()).toBe(70);
  });

  test('is not sent again where its minute holds something', async () => {
    const world = await createForeignWorld();
    const sending = world.usage.reports.resolve({ ...ONE, ...WHY, as: 'send' });
    await expect(sending).rejects.toMatchObject(NOT_DECIDABLE);
    await expectUndecided(world, 'held');
  });

  test('is not sent again where Stripe does not tell what its minute holds', async () => {
    const world = await createUncountedWorld();
    world.simulator.faults.add({ kind: 'reset', method: 'GET', times: Number.POSITIVE_INFINITY });
    const sending = world.usage.reports.resolve({ ...ONE, ...WHY, as: 'send' });
    await expect(sending).rejects.toMatchObject({ code: 'stripe_unavailable' });
    world.simulator.faults.clear();
    await expectUndecided(world, 'held');
  });

  test('is not sent while several prices would bill it, and was not counted before it was sent', async () => {
    const world = await createAmbiguousWorld();
    for (const as of ['send', 'counted'] as const) {
      const resolving = world.usage.reports.resolve({ ...ONE, ...world.held[0], ...WHY, as });
      await expect(resolving).rejects.toMatchObject(NOT_DECIDABLE);
    }
    expect(await world.report(world.held[0]?.report)).toMatchObject({ status: 'held' });
  });

  test('and was written off is not brought back when subscriptions change', async () => {
    const world = await createAmbiguousWorld();
    for (const key of world.held) await world.usage.reports.resolve({ ...key, ...WHY, as: 'written_off' });
    await world.usage.accounts.set({ account: 'acct_1', stripe_customer: world.late.id });
    await world.passTime(world.clock.now() + 2 * DAY);
    for (const { report } of world.held) {
      expect(await world.report(report)).toMatchObject({ status: 'not_billable', reason: 'written_off' });
    }
    expect(world.sent()).toEqual([]);
    expect(world.errors).toEqual([]);
  });
});

describe('usage that Stripe counted and this database does not know of', () => {
  test('is not sent again as usage that another subscription bills next, also where it was being counted meanwhile', async () => {
    const lost = await createPayingWorld({ lag_minutes: [20, 20] });
    const path = backUp(lost.path);
    await lost.usage.report();
    const { clock, simulator, stripe, customer } = lost;
    const { data } = await stripe.subscriptions.list({ customer: customer.id });
    for (const { id } of data) await stripe.subscriptions.cancel(id);
    await stripe.subscriptions.create({ customer: customer.id, items: [{ price: lost.price.id }] });
    clock.advance(MINUTE);
    const { usage, passTime } = await createWorld({ path, clock, simulator });
    await usage.report();
    await passTime(clock.now() + 3 * DAY);
    expect((await usage.reports.list({ status: 'held' })).reports).toMatchObject([
      { quantity: 70, reason: 'unknown_usage' },
    ]);
    expect(lost.counted()).toBe(70);
  });

  test.each([
    ['send', 'reported', 169],
    ['written_off', 'not_billable', 70],
  ] as const)('%s: the report is %s, and the next ones go on by themselves', async (as, status, counted) => {
    const world = await createRestoredWorld();
    const { usage, clock, passTime } = world;
    await usage.reports.resolve({ ...ONE, ...WHY, as });
    await passTime(clock.now() + 2 * HOUR);
    expect(await world.report()).toMatchObject({ status });
    expect((await world.explained()).decisions).toMatchObject([{ action: as, acknowledged: 70 }]);
    expect(world.counted()).toBe(counted);
    await usage.increment({ account: 'acct_1', quantity: 8 });
    await passTime(clock.now() + 2 * DAY);
    expect(await world.report(2)).toMatchObject({ status: 'reported', quantity: 8 });
    expect(world.counted()).toBe(counted + 8);
    const other = world.open();
    onTestFinished(() => other.close());
    await other.increment({ account: 'acct_1', quantity: 3 });
    clock.advance(HOUR);
    await other.report();
    expect(world.counted()).toBe(counted + 11);
    expect((await usage.reports.list({ status: ['held', 'failed'] })).reports).toEqual([]);
  });

  test('is not vouched for by looking again', async () => {
    const world = await createRestoredWorld();
    await world.usage.reports.retry({ ...ONE, ...WHY });
    await world.usage.report();
    expect(await world.report()).toMatchObject({ status: 'held', reason: 'unknown_usage' });
    expect((await world.explained()).decisions).toMatchObject([{ action: 'retry', acknowledged: 0 }]);
  });

  test('is noticed again where it is more than was vouched for', async () => {
    const world = await createRestoredWorld();
    await world.usage.reports.resolve({ ...ONE, ...WHY, as: 'written_off' });
    await world.stripe.billing.meterEvents.create({
      event_name: 'credits',
      payload: { stripe_customer_id: world.customer.id, value: '5' },
      timestamp: Math.floor(world.clock.now() / 1_000),
    });
    await world.usage.increment({ account: 'acct_1', quantity: 8 });
    world.clock.advance(2 * HOUR);
    await world.usage.report();
    expect(await world.report(2)).toMatchObject({ status: 'held', reason: 'unknown_usage' });
  });

  test('is not decided where Stripe cannot be read', async () => {
    const world = await createRestoredWorld();
    world.simulator.faults.add({ kind: 'reset', method: 'GET', times: Number.POSITIVE_INFINITY });
    for (const as of ['send', 'written_off'] as const) {
      const resolving = world.usage.reports.resolve({ ...ONE, ...WHY, as });
      await expect(resolving).rejects.toMatchObject({ code: 'stripe_unavailable' });
    }
    expect(await world.report()).toMatchObject({ status: 'held' });
    expect((await world.explained()).decisions).toEqual([]);
  });
});

describe('nothing is decided', () => {
  async function expectRefused(world: Pick<PayingWorld, 'usage'>, report: number) {
    const key = { account: 'acct_1', report };
    const before = await world.usage.explain(key);
    await expect(world.usage.reports.retry({ ...key, ...WHY })).rejects.toMatchObject(NOT_DECIDABLE);
    for (const as of RESOLUTIONS) {
      const resolving = world.usage.reports.resolve({ ...key, ...WHY, as });
      await expect(resolving).rejects.toMatchObject(NOT_DECIDABLE);
    }
    expect(await world.usage.explain(key)).toEqual(before);
  }

  test('of a report that takes usage, is on its way, or is where it belongs', async () => {
    const world = await createPayingWorld();
    await expectRefused(world, 1); // open
    world.simulator.faults.add({ kind: 'reset', ...METER_EVENTS, times: 1 });
    await world.usage.report();
    expect(await world.report()).toMatchObject({ status: 'sending' });
    await expectRefused(world, 1);
    await world.passTime(world.clock.now() + HOUR);
    expect(await world.report()).toMatchObject({ status: 'reported' });
    await expectRefused(world, 1);
  });

  test('of a report that waits, or was replaced', async () => {
    const world = await createWorld();
    const { usage, clock } = world;
    await usage.increment({ account: 'acct_1', quantity: 7 });
    clock.advance(HOUR);
    const { customer } = await world.subscribe();
    clock.advance(HOUR);
    await usage.increment({ account: 'acct_1', quantity: 5 });
    clock.advance(HOUR);
    await usage.report();
    expect((await usage.explain(ONE)).report).toMatchObject({ status: 'closed' });
    await expectRefused(world, 1);
    await usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
    await usage.report();
    expect((await usage.explain(ONE)).report).toMatchObject({ status: 'voided' });
    await expectRefused(world, 1);
  });

  test('twice: of two persons who decide at once, one wins and the other is told', async () => {
    const world = await createUncountedWorld({ database: app.options() });
    const other = world.open();
    onTestFinished(() => other.close());
    const both = await Promise.allSettled([
      world.usage.reports.resolve({ ...ONE, as: 'counted', actor: 'ada', reason: 'Counted.' }),
      other.reports.resolve({ ...ONE, as: 'written_off', actor: 'bea', reason: 'Not counted.' }),
    ]);
    const lost = both.filter((one) => one.status === 'rejected');
    expect(lost).toMatchObject([{ reason: NOT_DECIDABLE }]);
    const decisions = await world.decisions();
    expect(decisions).toHaveLength(1);
    const expected = decisions[0]?.actor === 'ada' ? 'reported' : 'not_billable';
    expect(await world.report()).toMatchObject({ status: expected });
  });

  test.each([
    [{}, 'invalid_reason'],
    [{ reason: '' }, 'invalid_reason'],
    [{ reason: 'x'.repeat(501) }, 'invalid_reason'],
    [{ ...WHY, actor: '' }, 'invalid_actor'],
    [{ ...WHY, who: 'ada' }, 'invalid_parameter'],
    [{ ...WHY, report: '1' }, 'invalid_parameter'],
    [{ ...WHY, report: 0 }, 'invalid_parameter'],
    [{ ...WHY, report: 1.5 }, 'invalid_parameter'],
    [{ ...WHY, report: 99 }, 'report_not_found'],
    [{ ...WHY, account: 'nobody' }, 'account_not_found'],
    [{ ...WHY, account: ' ' }, 'invalid_account'],
    [{ ...WHY, meter: 'tokens' }, 'invalid_meter'],
  ])('for %j: %s', async (params, code) => {
    const world = await createFailedWorld();
    const { retry, resolve } = world.usage.reports;
    const all = { ...ONE, ...params } as never;
    await expect(retry(all)).rejects.toMatchObject({ code });
    await expect(resolve({ ...(all as object), as: 'written_off' } as never)).rejects.toMatchObject({ code });
    await expectUndecided(world, 'failed');
  });

  test.each([undefined, 'lost', 'retry'])('as %s', async (as) => {
    const world = await createFailedWorld();
    const resolving = world.usage.reports.resolve({ ...ONE, ...WHY, as } as never);
    await expect(resolving).rejects.toMatchObject({ code: 'invalid_parameter', field: 'as' });
    await expect(world.usage.reports.retry({ ...ONE, ...WHY, as: 'send' } as never)).rejects.toMatchObject({
      code: 'invalid_parameter',
    });
    await expectUndecided(world, 'failed');
  });
});

async function expectUndecided(world: PayingWorld, status: string) {
  expect(await world.report()).toMatchObject({ status });
  expect(await world.decisions()).toEqual([]);
}

describe('who decided and why', () => {
  test('is told with the report, in order, and by default nobody is named', async () => {
    const world = await createFailedWorld();
    const at = new Date(world.clock.now()).toISOString();
    await world.usage.reports.retry({ ...ONE, reason: 'The meter is active again.' });
    await world.usage.report();
    expect(await world.decisions()).toEqual([
      { at, action: 'retry', actor: 'unknown', reason: 'The meter is active again.', acknowledged: 0 },
    ]);
  });

  test('cannot be changed or removed, on SQLite', async () => {
    const world = await createFailedWorld();
    await world.usage.reports.retry({ ...ONE, ...WHY });
    const database = new DatabaseSync(world.path);
    onTestFinished(() => database.close());
    for (const sql of ["UPDATE decision SET reason = 'other'", 'DELETE FROM decision']) {
      expect(() => database.exec(sql)).toThrow('append-only');
    }
    expect(await world.decisions()).toMatchObject([WHY]);
  });

  test('cannot be changed or removed, on PostgreSQL', async () => {
    const database = app.options();
    const world = await createFailedWorld({ database });
    await world.usage.reports.retry({ ...ONE, ...WHY });
    const table = `${database.schema}.decision`;
    for (const sql of [`UPDATE ${table} SET reason = 'other'`, `DELETE FROM ${table}`, `TRUNCATE ${table}`]) {
      await expect(app.rows(sql)).rejects.toThrow('append-only');
    }
    expect(await world.decisions()).toMatchObject([WHY]);
  });
});
