import { describe, expect, test } from 'vitest';
import type { LateUsagePolicy } from '../src/index.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { createPayingWorld } from './support/paying-world.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { inPg } from './support/postgres/app-transactions.ts';
import type { WorldOptions } from './support/world.ts';

const RECORDED = { recorded: true, duplicate: false };
const DUPLICATE = { recorded: false, duplicate: true };
const POLICIES: readonly LateUsagePolicy[] = ['bill_next', 'reject', 'track'];
const app = useAppDatabase();

/** The period of the first usage has ended; its reports are sent. */
async function createEndedWorld(options: WorldOptions, sinceEnd: number) {
  const world = await createPayingWorld({ lag_minutes: [0, 10], ...options });
  await world.passTime(world.end + sinceEnd);
  const late = { account: 'acct_1', quantity: 30, timestamp: new Date(world.end - HOUR) } as const;
  const quantities = async () => {
    const lines = await world.billedLines(world.customer.id);
    return lines.map(({ quantity }) => quantity);
  };
  const quantityOfBoth = async () => {
    const range = { period_start: new Date(0), period_end: new Date(world.end + 60 * DAY) };
    return await world.usage.get({ account: 'acct_1', ...range });
  };
  return { ...world, late, quantities, quantityOfBoth };
}

describe('late usage', () => {
  test.each(POLICIES)(
    'by policy %s is on its own invoice when it comes within half an hour of the period’s end',
    async (late_usage) => {
      const world = await createEndedWorld({ late_usage }, 29 * MINUTE + 59_000);
      await expect(world.usage.increment(world.late)).resolves.toEqual(RECORDED);
      await world.passTime(world.end + 5 * HOUR);
      expect(await world.quantities()).toEqual([100]);
    },
  );

  test('by policy bill_next is on the next invoice', async () => {
    const world = await createEndedWorld({ late_usage: 'bill_next' }, 30 * MINUTE);
    await expect(world.usage.increment(world.late)).resolves.toEqual(RECORDED);
    await world.passTime(world.end + 33 * DAY);
    expect(await world.quantities()).toEqual([70, 30]);
    expect(world.counted()).toBe(100);
  });

  test('by policy track is kept in its own period, visibly, and never sent', async () => {
    const world = await createEndedWorld({ late_usage: 'track' }, 2 * HOUR);
    await expect(world.usage.increment(world.late)).resolves.toEqual(RECORDED);
    await world.passTime(world.end + 33 * DAY);
    expect(await world.quantities()).toEqual([70]);
    expect(world.counted()).toBe(70);
    const { quantity, reports } = await world.quantityOfBoth();
    expect(quantity).toBe(100);
    expect(reports.filter(({ status }) => status === 'not_billable')).toMatchObject([
      { reason: 'late', late: true, quantity: 30, reported: false },
    ]);
  });

  test('by policy track still gets onto its invoice while that is a draft', async () => {
    const world = await createEndedWorld({ late_usage: 'track' }, 40 * MINUTE);
    await world.usage.increment(world.late);
    await world.passTime(world.end + 8 * HOUR);
    expect(await world.quantities()).toEqual([100]);
  });

  test('by policy reject is refused by name, and nothing is written', async () => {
    const world = await createEndedWorld({ late_usage: 'reject' }, 30 * MINUTE);
    await expect(world.usage.increment(world.late)).rejects.toMatchObject({
      code: 'late_usage',
      field: 'timestamp',
    });
    await expect(
      world.usage.adjust({ ...world.late, quantity: -3, reason: 'A refund' }),
    ).rejects.toMatchObject({
      code: 'late_usage',
    });
    await world.passTime(world.end + 33 * DAY);
    expect((await world.quantityOfBoth()).quantity).toBe(70);
    expect(await world.quantities()).toEqual([70]);
  });

  test('that is rejected does not burn its key', async () => {
    const world = await createEndedWorld({ late_usage: 'reject' }, 30 * MINUTE);
    const keyed = { ...world.late, idempotency_key: 'order_1' };
    await expect(world.usage.increment(keyed)).rejects.toMatchObject({ code: 'late_usage' });
    const { timestamp: _timestamp, ...timely } = keyed;
    await expect(world.usage.increment(timely)).resolves.toEqual(RECORDED);
    await expect(world.usage.increment(timely)).resolves.toEqual(DUPLICATE);
  });

  test('that was counted in time and is repeated too late is a duplicate, not late', async () => {
    const world = await createPayingWorld({ late_usage: 'reject' });
    const timestamp = new Date(world.clock.now() - MINUTE);
    const keyed = { account: 'acct_1', quantity: 9, timestamp, idempotency_key: 'order_1' };
    await expect(world.usage.increment(keyed)).resolves.toEqual(RECORDED);
    await world.passTime(world.end + 2 * HOUR);
    await expect(world.usage.increment(keyed)).resolves.toEqual(DUPLICATE);
    await expect(world.usage.increment({ ...keyed, quantity: 10 })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
    await expect(world.usage.increment({ ...keyed, idempotency_key: 'order_2' })).rejects.toMatchObject({
      code: 'late_usage',
    });
    await world.passTime(world.end + 5 * HOUR);
    expect(await world.billedQuantity()).toBe(79);
  });

  test('that is rejected takes nobody along: others of the same commit are recorded', async () => {
    const world = await createEndedWorld({ late_usage: 'reject' }, 2 * HOUR);
    const results = await Promise.allSettled([
      world.usage.increment({ account: 'acct_1', quantity: 1 }),
      world.usage.increment(world.late),
      world.usage.increment({ account: 'acct_new', quantity: 2 }),
      world.usage.increment({ account: 'acct_1', quantity: 3, idempotency_key: 'k' }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect((await world.quantityOfBoth()).quantity).toBe(74);
  });
});

describe('late usage in the app’s own transaction', () => {
  /** Recorded too late, and rolled up by the job. */
  async function createWorldWithLateTransaction(late_usage: LateUsagePolicy, sinceEnd: number) {
    const world = await createEndedWorld({ database: app.options(), late_usage }, sinceEnd);
    await inPg(app.pool, async ({ transaction }) => {
      await expect(world.usage.increment(world.late, { transaction })).resolves.toEqual(RECORDED);
    });
    await world.passTime(world.end + 4 * HOUR);
    const { reports, quantity } = await world.quantityOfBoth();
    expect(quantity).toBe(100);
    return { ...world, lateReport: reports.find((report) => report.quantity === 30) };
  }

  test('is on its own invoice within half an hour', async () => {
    const world = await createWorldWithLateTransaction('bill_next', 25 * MINUTE);
    expect(await world.quantities()).toEqual([100]);
  });

  // The app has been told that it counts, so that it is not refused afterwards.
  test.each(['bill_next', 'reject'] as const)('is billed next by policy %s', async (late_usage) => {
    const world = await createWorldWithLateTransaction(late_usage, 2 * HOUR);
    expect(world.lateReport).toMatchObject({ status: 'open', late: false });
    await world.usage.report();
    expect(world.counted()).toBe(70);
    world.clock.advance(HOUR);
    expect(world.counted()).toBe(100);
    const range = { period_start: new Date(world.end), period_end: new Date(world.end + 28 * DAY) };
    const inNext = world.simulator.counted(
      world.customer.id,
      'credits',
      range.period_start.getTime(),
      range.period_end.getTime(),
    );
    expect(inNext).toBe(30);
  });

  test('is kept and never sent by policy track', async () => {
    const world = await createWorldWithLateTransaction('track', 2 * HOUR);
    expect(world.lateReport).toMatchObject({ status: 'not_billable', reason: 'late', late: true });
    expect(world.counted()).toBe(70);
  });
});
