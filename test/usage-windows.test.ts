import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { inPg } from './support/postgres/app-transactions.ts';
import { createWorld } from './support/world.ts';

const START = Date.UTC(2026, 0, 10, 12);
const app = useAppDatabase();

describe('windows', () => {
  test('of any size and zone add up to what get answers of the same range', async () => {
    const { usage, clock } = await createWorld({ with_stripe: false });
    clock.moveTo(START + 40 * DAY);
    const instants = fc.array(fc.integer({ min: START + 6 * DAY, max: START + 40 * DAY }), {
      minLength: 1,
      maxLength: 12,
    });
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'America/St_Johns',
    );
    const windows = fc.constantFrom('hour', 'day', 'month');
    const ranges = fc.tuple(
      fc.integer({ min: START, max: START + 20 * DAY }),
      fc.integer({ min: 1, max: 30 * DAY }),
    );
    let seals = 0;
    await fc.assert(
      fc.asyncProperty(instants, zones, windows, ranges, async (used, time_zone, window, [start, length]) => {
        for (const at of used) await usage.increment({ account: 'a', quantity: 3, timestamp: new Date(at) });
        seals += 1;
        if (seals % 5 === 0) await usage.report();
        const range = { period_start: new Date(start), period_end: new Date(start + length) };
        const { quantity } = await usage.get({ account: 'a', ...range });
        const found = await usage.windows({ account: 'a', window, time_zone, ...range });
        expect(found.quantity).toBe(quantity);
        expect(found.windows.reduce((sum, each) => sum + each.quantity, 0)).toBe(quantity);
        for (const { start: from, end: to, quantity: part } of found.windows.slice(0, 3)) {
          expect((await usage.get({ account: 'a', period_start: from, period_end: to })).quantity).toBe(part);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('without dates are those of the current billing period, also the empty ones', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    await usage.increment({ account: 'a', quantity: 5 });
    const { period_start, period_end, windows, quantity } = await usage.windows({
      account: 'a',
      window: 'day',
    });
    expect([period_start, period_end]).toEqual(['2026-01-10T12:00:00.000Z', '2026-02-10T12:00:00.000Z']);
    expect([windows.length, quantity, windows[0]?.quantity, windows[1]?.quantity]).toEqual([32, 5, 5, 0]);
  });

  test('hold usage of the app’s own transactions from their commit on, before it is in a report', async () => {
    const { usage, clock } = await createWorld({ database: app.options(), with_stripe: false });
    await usage.increment({ account: 'a', quantity: 1 });
    clock.advance(HOUR);
    await inPg(app.pool, ({ transaction }) =>
      usage.increment({ account: 'a', quantity: 20 }, { transaction }),
    );
    const range = { period_start: new Date(START), period_end: new Date(START + 3 * HOUR) };
    const quantities = async () =>
      (await usage.windows({ account: 'a', window: 'hour', ...range })).windows.map(
        ({ quantity }) => quantity,
      );
    expect(await quantities()).toEqual([1, 20, 0]);
    await usage.report();
    expect(await quantities()).toEqual([1, 20, 0]);
  });

  test('of an account that nobody knows are refused', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    const asked = usage.windows({ account: 'nobody', window: 'day' });
    await expect(asked).rejects.toMatchObject({ code: 'account_not_found' });
    await expect(usage.cost({ account: 'nobody' })).rejects.toMatchObject({ code: 'account_not_found' });
  });
});
