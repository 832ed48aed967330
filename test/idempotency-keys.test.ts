import { expect, test } from 'vitest';
import { DAY, HOUR } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const START = Date.UTC(2026, 0, 31, 23);
const RECORDED = { recorded: true, duplicate: false };
const DUPLICATE = { recorded: false, duplicate: true };
const app = useAppDatabase();

test.each<[string, () => WorldOptions]>([
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
])(
  '%s: a key counts once for 36 days, across months and restarts, and is then forgotten',
  async (_, options) => {
    const { usage, clock, open } = await createWorld({ with_stripe: false, start: START, ...options() });
    const keyed = { account: 'a', quantity: 5, idempotency_key: 'order_1' };
    expect(await usage.increment(keyed)).toEqual(RECORDED);
    for (const hours of [2, 20 * 24, 36 * 24]) {
      clock.moveTo(START + hours * HOUR);
      await usage.worker.tick();
      expect(await usage.increment(keyed)).toEqual(DUPLICATE);
      await expect(usage.increment({ ...keyed, quantity: 6 })).rejects.toMatchObject({
        code: 'idempotency_conflict',
      });
    }
    const restarted = open();
    expect(await restarted.increment(keyed)).toEqual(DUPLICATE);
    clock.moveTo(START + 37 * DAY + HOUR);
    await restarted.report(); // all that runs where the platform brings the cron
    expect(await restarted.increment(keyed)).toEqual(RECORDED);
    expect(await usage.increment(keyed)).toEqual(DUPLICATE);
    await restarted.close();
  },
);
