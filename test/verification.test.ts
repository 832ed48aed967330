import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import {
  ALWAYS,
  createPayingWorld,
  METER_EVENTS,
  minuteOfSlot,
  type PayingWorld,
  SUMMARIES,
} from './support/paying-world.ts';
import type { WorldOptions } from './support/world.ts';

/** The same, with its first report accepted by Stripe. */
async function createSentWorld(options: WorldOptions = {}): Promise<PayingWorld> {
  const world = await createPayingWorld(options);
  await world.usage.report();
  return world;
}

/** What requests for counts have cost since the last call. */
function readCounter(world: PayingWorld) {
  let seen = world.reads().length;
  return () => {
    const before = seen;
    seen = world.reads().length;
    return world.reads().slice(before);
  };
}

describe('a report that Stripe accepted', () => {
  test('is verified by what Stripe counted, and not before it was', async () => {
    const world = await createSentWorld({ lag_minutes: [90, 90] });
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: null }]);
    await world.passTime(world.clock.now() + 80 * MINUTE);
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: null }]);
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: expect.any(Number) }]);
    expect(world.alarms).toEqual([]);
  });

  test('is counted by the run that verifies it', async () => {
    const world = await createSentWorld();
    world.clock.advance(2 * HOUR);
    await expect(world.usage.report()).resolves.toMatchObject({ reported: 0, verified: 1 });
    await expect(world.usage.report()).resolves.toMatchObject({ reported: 0, verified: 0 });
  });

  test('is never read again once it is verified', async () => {
    const world = await createSentWorld();
    await world.passTime(world.clock.now() + 3 * HOUR);
    expect(world.rows()).toMatchObject([{ verified_at: expect.any(Number) }]);
    const reads = readCounter(world);
    await world.passTime(world.clock.now() + 20 * DAY);
    await world.usage.report();
    expect(reads()).toEqual([]);
  });

  test('is read again later each time while Stripe has not counted it, without an alarm', async () => {
    const world = await createSentWorld({ lag_minutes: [1_380, 1_380] });
    const reads = readCounter(world);
    await world.passTime(world.clock.now() + 22 * HOUR);
    const times = reads().map(({ at_ms }) => at_ms);
    const gaps = times.slice(2).map((at, index) => at - (times[index + 1] ?? 0));
    expect(times.length).toBeLessThan(40);
    expect(Math.max(...gaps)).toBeGreaterThan(3 * HOUR);
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: null }]);
    expect(world.alarms).toEqual([]);
    await world.passTime(world.clock.now() + 8 * HOUR);
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: expect.any(Number) }]);
    expect(world.alarms).toEqual([]);
  });
});

describe('the budget of reads', () => {
  test('reports of many days are verified by one summary', async () => {
    const world = await createPayingWorld();
    world.simulator.faults.add({ kind: '500_before', ...SUMMARIES, ...ALWAYS, skip: 1 });
    await world.usage.report(); // its total is read once more, before the outage
    const days = 12;
    for (let day = 0; day < days; day += 1) {
      await world.usage.increment({ account: 'acct_1', quantity: 3 });
      world.clock.advance(DAY);
      world.simulator.faults.clear();
      await sendWithoutVerifying(world);
    }
    expect(world.rows().filter(({ verified_at }) => verified_at === null)).toHaveLength(days + 1);
    world.clock.advance(2 * HOUR);
    const reads = readCounter(world);
    await expect(world.usage.report()).resolves.toMatchObject({ verified: days + 1 });
    expect(reads()).toHaveLength(1);
  });

  test('daily reports cost one summary each to verify, and at most one to send', async () => {
    const world = await createPayingWorld();
    await world.usage.worker.tick();
    await world.useDaily(3, 20);
    expect(world.sent().length).toBeGreaterThanOrEqual(20);
    expect(world.reads().length).toBeLessThanOrEqual(2 * world.sent().length);
  });

  test('where the sum differs, single minutes are read, at most 25 in a run', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 0] });
    world.simulator.faults.add({ kind: 'reject_async', ...METER_EVENTS, times: 1, skip: 3 });
    for (let index = 0; index < 40; index += 1) {
      await world.usage.increment({ account: 'acct_1', quantity: 2 });
      world.clock.advance(61_000);
      await world.usage.report();
    }
    world.clock.advance(2 * HOUR);
    const reads = readCounter(world);
    await world.usage.report();
    expect(reads()).toHaveLength(1 + 25);
    await world.usage.report();
    expect(reads().length).toBeLessThanOrEqual(1 + 25);
    expect(world.rows().filter(({ verified_at }) => verified_at === null)).toHaveLength(1);
    expect(world.alarms).toEqual([]);
  });
});

/** Sends what is due while Stripe does not tell what it counted. */
async function sendWithoutVerifying(world: PayingWorld): Promise<void> {
  world.simulator.faults.add({ kind: '500_before', ...SUMMARIES, ...ALWAYS, skip: 1 });
  await world.usage.report();
  world.simulator.faults.clear();
}

describe('what Stripe does not count', () => {
  test('is held after a day, not earlier, and with an alarm', async () => {
    const world = await createSentWorld({ lag_minutes: [10_000, 10_000] });
    const sentAt = world.clock.now();
    // The day begins with the first answer, an hour after the report was sent.
    await world.passTime(sentAt + DAY);
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: null }]);
    expect(world.alarms).toEqual([]);
    await world.passTime(sentAt + DAY + HOUR + MINUTE);
    expect(world.rows()).toMatchObject([{ status: 'held', reason: 'not_counted' }]);
    expect(world.alarms).toEqual([expect.objectContaining({ alarm: 'not_counted', account_id: 'acct_1' })]);
    expect(world.sent()).toHaveLength(1);
  });

  test('frees itself when it is counted at last', async () => {
    const world = await createSentWorld({ lag_minutes: [40 * 60, 40 * 60] });
    await world.passTime(world.clock.now() + 39 * HOUR);
    expect(await world.firstReport()).toMatchObject({ status: 'held', reason: 'not_counted' });
    await world.passTime(world.clock.now() + 30 * HOUR);
    expect(await world.firstReport()).toMatchObject({ status: 'reported', reported: true, last_error: null });
    expect(world.sent()).toHaveLength(1);
    expect(world.counted()).toBe(70);
  });

  test.each([
    ['right after the send', 0],
    ['after the first answers', 3 * HOUR],
  ])('during an outage of 40 hours %s, time does not run against it', async (_, before) => {
    const world = await createSentWorld({ lag_minutes: [60 * 60, 60 * 60] });
    const sentAt = world.clock.now();
    await world.passTime(sentAt + before);
    world.simulator.faults.add({ kind: 'reset', ...ALWAYS });
    await world.passTime(sentAt + before + 40 * HOUR);
    world.simulator.faults.clear();
    await world.passTime(sentAt + before + 52 * HOUR);
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: null }]);
    expect(world.alarms).toEqual([]);
    await world.passTime(sentAt + before + 66 * HOUR + HOUR);
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: expect.any(Number) }]);
    expect(world.alarms).toEqual([]);
  });

  test('of a customer whom Stripe tells nothing of any more is held after a day', async () => {
    let isGone = false;
    const gone = { error: { type: 'invalid_request_error', message: 'No such customer.' } };
    const world: PayingWorld = await createPayingWorld({
      stripe_fetch: (input, init) =>
        isGone && String(input).includes('/event_summaries')
          ? Promise.resolve(Response.json(gone, { status: 404 }))
          : world.simulator.fetch(input, init),
    });
    await world.usage.report();
    isGone = true;
    await world.passTime(world.clock.now() + 20 * HOUR);
    expect(world.rows()).toMatchObject([{ status: 'reported', verified_at: null }]);
    await world.passTime(world.clock.now() + 6 * HOUR);
    expect(world.rows()).toMatchObject([{ status: 'held', reason: 'not_counted', attempts: 1 }]);
  });

  test('of a customer who was deleted is held after a day, and the next account is verified', async () => {
    const world = await createSentWorld();
    const { customer } = await world.subscribe();
    await world.usage.accounts.set({ account: 'acct_2', plan: 'pro', stripe_customer: customer.id });
    await world.usage.increment({ account: 'acct_2', quantity: 4 });
    await world.stripe.customers.del(world.customer.id);
    world.clock.advance(HOUR);
    await world.usage.report();
    await world.passTime(world.clock.now() + 2 * DAY);
    expect(
      world.rows().map(({ status, reason, verified_at }) => [status, reason, verified_at !== null]),
    ).toEqual([
      ['held', 'not_counted', false],
      ['reported', null, true],
    ]);
    expect(world.errors).toEqual([]);
  });
});

describe('what Stripe rejects after it has accepted it', () => {
  test('ends as failed, with Stripe’s code, soon after the event', async () => {
    const world = await createPayingWorld({ with_webhooks: true });
    world.simulator.faults.add({ kind: 'reject_async', ...METER_EVENTS });
    await world.usage.report();
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(await world.firstReport()).toMatchObject({
      status: 'failed',
      reason: 'rejected',
      reported: false,
      last_error: expect.stringContaining('meter_event_customer_not_found'),
    });
    expect(world.sent()).toHaveLength(1);
  });

  test('is held after a day where the event is lost', async () => {
    const world = await createPayingWorld({ with_webhooks: true });
    world.simulator.webhookFaults.add({ kind: 'drop', ...ALWAYS });
    world.simulator.faults.add({ kind: 'reject_async', ...METER_EVENTS });
    await world.usage.report();
    await world.passTime(world.clock.now() + 26 * HOUR);
    expect(await world.firstReport()).toMatchObject({
      status: 'held',
      reason: 'not_counted',
    });
    expect(world.sent()).toHaveLength(1);
  });

  test('holds up none of the reports around it', async () => {
    const world = await createPayingWorld();
    world.simulator.faults.add({ kind: 'reject_async', ...METER_EVENTS, skip: 1 });
    await world.usage.worker.tick();
    await world.useDaily(5, 3);
    await world.passTime(world.clock.now() + 2 * DAY);
    const rows = world.rows();
    expect(rows.filter(({ status }) => status === 'held')).toHaveLength(1);
    expect(rows.filter(({ verified_at }) => verified_at !== null)).toHaveLength(rows.length - 1);
  });
});

describe('another writer', () => {
  test('in the minute of a report: it is held as foreign_writer', async () => {
    const world = await createSentWorld({ lag_minutes: [0, 0] });
    const [row] = world.rows();
    await world.sendForeign(11, row?.slot ?? 0);
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(world.rows()).toMatchObject([{ status: 'held', reason: 'foreign_writer', attempts: 1 }]);
    expect(world.alarms).toEqual([expect.objectContaining({ alarm: 'foreign_writer' })]);
  });

  test('elsewhere in the time that is read harms no report', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 0] });
    for (let index = 0; index < 3; index += 1) {
      await world.usage.increment({ account: 'acct_1', quantity: 5 });
      world.clock.advance(20 * MINUTE);
      await world.usage.report();
    }
    const [first] = world.rows();
    if (!first) throw new Error('Nothing was sent.');
    await world.sendForeign(11, minuteOfSlot(first) + 3 * MINUTE);
    world.clock.advance(2 * HOUR);
    await expect(world.usage.report()).resolves.toMatchObject({ verified: 3, held: 0 });
    expect(world.alarms).toEqual([]);
  });
});

test('a meter that takes the place of a deactivated one of its event name is asked within the hour', async () => {
  const world = await createPayingWorld({ lag_minutes: [0, 0] });
  await world.usage.report();
  await world.passTime(world.clock.now() + 2 * HOUR);
  await world.stripe.billing.meters.deactivate(world.meter.id);
  await world.stripe.billing.meters.create({
    display_name: 'Credits again',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  await world.usage.increment({ account: 'acct_1', quantity: 5 });
  await world.passTime(world.clock.now() + HOUR);
  await world.usage.report();
  await world.passTime(world.clock.now() + 2 * HOUR);
  const settled = world.rows().map(({ status, verified_at }) => [status, verified_at !== null]);
  expect(settled).toEqual([
    ['reported', true],
    ['reported', true],
  ]);
});

describe('reports within one minute', () => {
  test('are verified when their sum is whole', async () => {
    const world = await createSentWorld({ lag_minutes: [0, 20] });
    for (const quantity of [9, 4, 4]) {
      await world.usage.increment({ account: 'acct_1', quantity });
      world.clock.advance(5_000);
      await world.usage.report();
    }
    const minutes = new Set(world.rows().map(minuteOfSlot));
    expect(minutes.size).toBeLessThan(4);
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(world.rows()).toHaveLength(4);
    for (const row of world.rows()) {
      expect(row).toMatchObject({ status: 'reported', verified_at: expect.any(Number) });
    }
  });
});

describe('a refusal that follows an attempt whose answer was lost', () => {
  /** Stripe loses its answer, and refuses what it is sent next. */
  async function createRefusedWorld(kind: 'reset' | 'reset_after') {
    let isRefusing = false;
    const world: PayingWorld = await createPayingWorld({
      lag_minutes: [10, 10],
      stripe_fetch: (input, init) =>
        isRefusing && String(input).endsWith(METER_EVENTS.path)
          ? Promise.resolve(
              Response.json(
                { error: { type: 'invalid_request_error', message: 'No such thing.' } },
                { status: 400 },
              ),
            )
          : world.simulator.fetch(input, init),
    });
    world.simulator.faults.add({ kind, ...METER_EVENTS });
    await world.usage.report();
    isRefusing = true;
    return world;
  }

  test('is reported when Stripe’s count has it', async () => {
    const world = await createRefusedWorld('reset_after');
    await world.passTime(world.clock.now() + 5 * MINUTE);
    expect(await world.firstReport()).toMatchObject({ status: 'sending', reason: 'refused' });
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(world.rows()).toMatchObject([
      { status: 'reported', reason: null, verified_at: expect.any(Number) },
    ]);
  });

  test('has failed, with Stripe’s words, when it is not counted in a day', async () => {
    const world = await createRefusedWorld('reset');
    await world.passTime(world.clock.now() + 23 * HOUR);
    expect(await world.firstReport()).toMatchObject({ status: 'sending', reason: 'refused' });
    await world.passTime(world.clock.now() + 3 * HOUR);
    expect(await world.firstReport()).toMatchObject({
      status: 'failed',
      reported: false,
      last_error: expect.stringContaining('No such thing.'),
    });
    expect(world.counted()).toBe(0);
  });
});

describe('over 60 days of daily reports', () => {
  test('each is verified or held within a day of Stripe being reachable', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 90] });
    await world.usage.worker.tick();
    world.simulator.faults.add({ kind: 'reject_async', ...METER_EVENTS, skip: 20 });
    for (let day = 0; day < 60; day += 1) {
      await world.usage.increment({ account: 'acct_1', quantity: 1 + day });
      await world.passTime(world.clock.now() + DAY);
      const overdue = world.rows().filter(({ verified_at, status, reported_at }) => {
        const isOpen = verified_at === null && status !== 'held';
        return isOpen && world.clock.now() - (reported_at ?? 0) > DAY + 2 * HOUR;
      });
      expect(overdue).toEqual([]);
    }
    const rows = world.rows();
    expect(rows.length).toBeGreaterThanOrEqual(60);
    expect(rows.filter(({ status }) => status === 'held')).toHaveLength(1);
    expect(world.errors).toEqual([]);
  });
});
