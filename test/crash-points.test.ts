import { expect, test } from 'vitest';
import { crashingAt } from './support/crashing-ports.ts';
import { HOUR, MINUTE } from './support/credits-scene.ts';
import { createPayingWorld, type PayingWorld } from './support/paying-world.ts';

/** Least number of places at which each of the runs below can die. */
const MIN_POINTS = 20;

/** Runs the job in a process that dies, at each point in turn, and hands what is left to another one. */
async function crashEverywhere(
  create: () => Promise<PayingWorld>,
  check: (world: PayingWorld, point: string) => Promise<void>,
) {
  let total = 0;
  for (let point = 0; point <= total; point += 1) {
    const world = await create();
    const ports = crashingAt(point === 0 ? Number.POSITIVE_INFINITY : point - 1);
    const dying = world.open(undefined, ports.wrapping);
    await dying.report().catch(() => {});
    world.clock.advance(2 * HOUR);
    await dying.report().catch(() => {});
    await dying.close();
    if (point === 0) total = ports.points();
    await check(world, point === 0 ? 'without a crash' : `point ${point - 1} of ${total}`);
    await world.usage.close();
  }
  expect(total).toBeGreaterThan(MIN_POINTS);
}

test('a worker that dies at any call leaves nothing uncounted, double or unverified', async () => {
  await crashEverywhere(
    () => createPayingWorld({ lag_minutes: [0, 0] }),
    async (world, point) => {
      await world.passTime(world.clock.now() + 3 * HOUR);
      await world.usage.report(); // where nothing was sealed before it died
      await world.passTime(world.clock.now() + 3 * HOUR);
      expect(world.rows(), point).toMatchObject([
        { status: 'reported', quantity: 70, verified_at: expect.any(Number) },
      ]);
      expect(world.counted(), point).toBe(70);
    },
  );
});

test('a worker that dies while it moves usage that missed its invoice moves it once', async () => {
  await crashEverywhere(
    async () => {
      const world = await createPayingWorld({ lag_minutes: [0, 0] });
      await world.usage.report();
      await world.passTime(world.clock.now() + 2 * HOUR);
      world.clock.moveTo(world.end - MINUTE);
      await world.usage.increment({ account: 'acct_1', quantity: 30 });
      world.clock.moveTo(world.end + 3 * HOUR); // no worker runs while the draft is open
      return world;
    },
    async (world, point) => {
      await world.passTime(world.clock.now() + 3 * HOUR);
      await world.usage.report();
      await world.passTime(world.clock.now() + 3 * HOUR);
      const { id } = world.customer;
      expect(world.simulator.counted(id, 'credits', 0, world.end), point).toBe(70);
      expect(world.simulator.counted(id, 'credits', world.end, world.clock.now()), point).toBe(30);
      const rows = world.rows();
      expect(
        rows.map(({ status, quantity }) => [status, quantity]),
        point,
      ).toEqual([
        ['reported', 70],
        ['reported', 30],
      ]);
    },
  );
});
