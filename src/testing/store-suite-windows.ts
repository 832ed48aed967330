import assert from 'node:assert/strict';
import { DAY_MS, HOUR_MS } from '../core/instant.ts';
import type { Store } from '../core/store.ts';
import { windowBoundaries } from '../core/usage-window.ts';
import { ACCOUNT, type Check, entry, NOW } from './store-scene.ts';

/** What every store must do to sum usage by windows. */
export function testWindows(check: Check, uuid: () => string): void {
  const record = async (store: Store, occurred_at: number, quantity: number, account_id = ACCOUNT) => {
    const entries = [entry({ account_id, occurred_at, quantity })];
    await store.recordUsage({ flush_id: uuid(), recorded_at: Math.max(NOW, occurred_at), entries });
  };
  const sum = async (
    store: Store,
    boundaries: readonly number[],
    range = { start: boundaries[0] ?? 0, end: boundaries.at(-1) ?? 0 },
  ) => {
    const { reports } = await store.listReportsWithUsage({ account_id: ACCOUNT, meter: 'credits', range });
    const { quantities } = await store.sumUsageByWindow({
      account_id: ACCOUNT,
      meter: 'credits',
      range,
      report_ids: reports.map(({ report_id }) => report_id),
      boundaries,
    });
    return new Map([...quantities].sort(([a], [b]) => a - b));
  };

  check('an instant belongs to the window that it begins, and not to the one that it ends', async (store) => {
    const hour = NOW - 3 * HOUR_MS;
    const offsets = [-1, 0, 1, HOUR_MS - 1, HOUR_MS, 2 * HOUR_MS - 1];
    for (const [index, offset] of offsets.entries()) await record(store, hour + offset, 10 ** index);
    const boundaries = [-1, 0, 1, 2].map((index) => hour + index * HOUR_MS);
    assert.deepEqual(
      await sum(store, boundaries),
      new Map([
        [hour - HOUR_MS, 1],
        [hour, 1_110],
        [hour + HOUR_MS, 110_000],
      ]),
    );
  });

  check('windows of unequal length hold what occurred in them', async (store) => {
    const range = { start: Date.UTC(2025, 11, 20), end: Date.UTC(2026, 0, 11) };
    const boundaries = windowBoundaries(range, 'month', 'Europe/Berlin');
    await record(store, Date.UTC(2025, 11, 31, 22, 59, 59, 999), 1);
    await record(store, Date.UTC(2025, 11, 31, 23), 20);
    await record(store, Date.UTC(2026, 0, 5), 300);
    const [december = 0, january = 0] = boundaries;
    assert.deepEqual(
      await sum(store, boundaries),
      new Map([
        [december, 1],
        [january, 320],
      ]),
    );
  });

  check('a range that cuts through windows counts only what is in it', async (store) => {
    const day = NOW - 5 * DAY_MS;
    for (const offset of [0, 5, 10, 15]) await record(store, day + offset, 10 ** (offset / 5));
    const range = { start: day + 5, end: day + 15 };
    assert.deepEqual(await sum(store, [day, day + DAY_MS], range), new Map([[day, 110]]));
  });

  check('sealed and open reports are summed together, other accounts and reports are not', async (store) => {
    const boundaries = [NOW, NOW + HOUR_MS, NOW + 2 * HOUR_MS];
    await record(store, NOW + 1, 1);
    await store.closeReports({
      now: NOW + HOUR_MS / 2,
      which: 'all',
      account_id: null,
      after: null,
      locked: 'skip',
      limit: 100,
    });
    await record(store, NOW + HOUR_MS / 2, 20);
    await record(store, NOW + HOUR_MS, 300);
    await record(store, NOW + HOUR_MS, 9_000, 'acct_2');
    assert.deepEqual(
      await sum(store, boundaries),
      new Map([
        [NOW, 21],
        [NOW + HOUR_MS, 300],
      ]),
    );
    const { quantities } = await store.sumUsageByWindow({
      account_id: ACCOUNT,
      meter: 'credits',
      range: { start: NOW, end: NOW + 2 * HOUR_MS },
      report_ids: [1],
      boundaries,
    });
    assert.deepEqual(quantities, new Map([[NOW, 1]]));
  });

  check('windows without usage are absent, and without reports there is nothing to sum', async (store) => {
    await record(store, NOW - HOUR_MS, 1);
    assert.deepEqual(await sum(store, [NOW, NOW + HOUR_MS]), new Map());
  });

  check('negative corrections are part of their window', async (store) => {
    await record(store, NOW, 5);
    await record(store, NOW + HOUR_MS, -7);
    const sums = await sum(store, [NOW, NOW + HOUR_MS, NOW + 2 * HOUR_MS]);
    assert.deepEqual(
      sums,
      new Map([
        [NOW, 5],
        [NOW + HOUR_MS, -7],
      ]),
    );
  });
}
