import { copyFileSync, rmSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { createPayingWorld, minuteOfSlot, type PayingWorld } from './support/paying-world.ts';
import type { WorldOptions } from './support/world.ts';

/** The product is stopped and started again, as another process on the same database. */
async function restart(world: PayingWorld, running: PayingWorld['usage'] = world.usage) {
  await running.close();
  const usage = world.open();
  onTestFinished(() => usage.close());
  return usage;
}

/** Requests for what was counted since the billing period began. */
function totalReads(world: PayingWorld) {
  const start = Number(world.subscription.items.data[0]?.current_period_start);
  const minute = start - (start % 60);
  return world.reads().filter(({ params }) => Number(params['start_time']) === minute);
}

describe('the first send after a start', () => {
  test('reads the period’s total once for each customer, and no more', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    expect(totalReads(world)).toHaveLength(1);
    const { customer } = await world.subscribe();
    await world.usage.accounts.set({ account: 'acct_2', plan: 'pro', stripe_customer: customer.id });
    for (let index = 0; index < 4; index += 1) {
      await world.usage.increment({ account: 'acct_1', quantity: 1 });
      await world.usage.increment({ account: 'acct_2', quantity: 1 });
      world.clock.advance(10 * MINUTE);
      await world.usage.report();
    }
    expect(world.sent()).toHaveLength(9);
    const customers = world.reads().map(({ params }) => params['customer']);
    expect(new Set(customers)).toEqual(new Set([world.customer.id, customer.id]));
    expect(customers).toHaveLength(2);
  });

  test('reads it again in the next process, to which what was counted before is no surplus', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 0] });
    await world.usage.report();
    const usage = await restart(world);
    await usage.increment({ account: 'acct_1', quantity: 5 });
    world.clock.advance(10 * MINUTE);
    await expect(usage.report()).resolves.toMatchObject({ reported: 1, held: 0 });
    expect(totalReads(world)).toHaveLength(2);
    expect(world.counted()).toBe(75);
  });

  test('is no surplus either while some of it is not counted yet', async () => {
    const world = await createPayingWorld({ lag_minutes: [0, 30] });
    let { usage } = world;
    for (let start = 0; start < 6; start += 1) {
      usage = await restart(world, usage);
      await usage.increment({ account: 'acct_1', quantity: 5 });
      world.clock.advance(7 * MINUTE);
      await expect(usage.report()).resolves.toMatchObject({ held: 0, failed: 0 });
    }
    await world.passTime(world.clock.now() + 3 * HOUR, usage.worker);
    expect(world.counted()).toBe(100);
    expect(world.alarms).toEqual([]);
  });

  test('after an hour in which nothing was sent reads it again', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    await world.usage.increment({ account: 'acct_1', quantity: 1 });
    world.clock.advance(HOUR + 1_000);
    await world.usage.report();
    expect(totalReads(world)).toHaveLength(2);
  });

  test('waits while Stripe does not tell the total: nothing is sent', async () => {
    const world = await createPayingWorld();
    world.simulator.faults.add({ kind: '500_before', method: 'GET', path: /event_summaries/, times: 3 });
    await expect(world.usage.report()).resolves.toMatchObject({ reported: 0, waiting: 1 });
    expect(world.sent()).toEqual([]);
    await world.passTime(world.clock.now() + HOUR);
    expect(world.counted()).toBe(70);
  });
});

describe('a database that was restored from a backup', () => {
  /** What was sent after the backup was made is not in it. */
  async function createRestoredWorld(sinceBackup: number, options: WorldOptions = {}) {
    const world = await createPayingWorld({ lag_minutes: [0, 0], ...options });
    const backup = `${world.path}.backup`;
    const running = await restartAfter(world, () => copyFileSync(world.path, backup));
    await running.report();
    await world.passTime(world.clock.now() + sinceBackup, running.worker);
    const known = world.rows();
    await running.close();
    for (const suffix of ['-wal', '-shm']) rmSync(`${world.path}${suffix}`, { force: true });
    copyFileSync(backup, world.path);
    const usage = world.open();
    onTestFinished(() => usage.close());
    return { ...world, usage, lost: known };
  }

  /** Between two processes nobody has the file open. */
  async function restartAfter(world: PayingWorld, change: () => void) {
    await world.usage.close();
    change();
    const usage = world.open();
    onTestFinished(() => usage.close());
    return usage;
  }

  test.each([
    ['of two hours ago', 2 * HOUR],
    ['of four days ago, when Stripe has forgotten identifiers', 4 * DAY],
  ])('%s sends nothing that Stripe has counted before, and shows it', async (_, sinceBackup) => {
    const world = await createRestoredWorld(sinceBackup);
    expect(world.lost).toMatchObject([{ status: 'reported', quantity: 70 }]);
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    await world.passTime(world.clock.now() + 3 * DAY, world.usage.worker);
    await world.usage.report();
    expect(world.counted()).toBe(70);
    expect(world.sent()).toHaveLength(1);
    expect(world.rows()[0]).toMatchObject({ status: 'held', reason: 'unknown_usage', attempts: 0 });
    expect(world.alarms).toContainEqual(expect.objectContaining({ alarm: 'unknown_usage' }));
    const { reports } = await world.usage.reports.list({ status: 'held' });
    expect(reports[0]).toMatchObject({ account: 'acct_1', reason: 'unknown_usage' });
  });

  test('of minutes ago, whose last report Stripe has not counted yet, is not counted twice', async () => {
    const world = await createRestoredWorld(5 * MINUTE, { lag_minutes: [30, 30] });
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    world.clock.advance(MINUTE);
    await world.usage.report();
    await world.passTime(world.clock.now() + 3 * DAY, world.usage.worker);
    const [row] = world.rows();
    expect(row).toMatchObject({ status: 'held', quantity: 75 });
    expect(row && minuteOfSlot(row)).not.toBe(world.lost[0] && minuteOfSlot(world.lost[0]));
    expect(world.counted()).toBe(70);
  });

  test('bills nothing twice either when the invoice of the period is final', async () => {
    const world = await createRestoredWorld(2 * HOUR);
    await world.passTime(world.end + 10 * DAY, world.usage.worker);
    expect(world.counted()).toBe(70);
    expect(world.sent()).toHaveLength(1);
    expect(world.rows()[0]).toMatchObject({ status: 'held', reason: 'unknown_usage', quantity: 70 });
    const lines = await world.billedLines(world.customer.id);
    expect(lines.map(({ quantity }) => quantity)).toEqual([70]);
  });

  test('goes on when a person has vouched for what Stripe counted', async () => {
    const world = await createRestoredWorld(2 * HOUR);
    await world.usage.report();
    const { reports } = await world.usage.reports.list({ status: 'held' });
    await world.usage.reports.resolve({
      account: 'acct_1',
      report: reports[0]?.report_id ?? 0,
      as: 'written_off',
      reason: 'It was sent before the backup was restored.',
    });
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    world.clock.advance(2 * HOUR);
    await expect(world.usage.report()).resolves.toMatchObject({ reported: 1, held: 0 });
    expect(world.counted()).toBe(75);
  });
});
