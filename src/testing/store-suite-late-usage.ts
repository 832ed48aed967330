import assert from 'node:assert/strict';
import { LATE_WINDOW_MS } from '../core/billing-period.ts';
import { DAY_MS, HOUR_MS } from '../core/instant.ts';
import type { LateUsagePolicy } from '../core/late-usage.ts';
import type { Store, UsageEntry } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import { ACCOUNT, ALL_TIME, type Check, CUSTOMER, END, entry, itemFrom, NOW } from './store-scene.ts';

const TOO_LATE = END + LATE_WINDOW_MS;

/** Used shortly before the end of the period. */
const lateEntry = (fields: Partial<UsageEntry> = {}) => entry({ occurred_at: END - HOUR_MS, ...fields });

/** What every store must do with usage that is too late for its invoice. */
export function testLateUsage(check: Check, uuid: () => string): void {
  const record = async (
    store: Store,
    entries: readonly UsageEntry[],
    recorded_at: number,
    late_usage: LateUsagePolicy,
  ) => {
    const flush = { flush_id: uuid(), recorded_at, entries, late_usage };
    const { outcomes, failure } = await store.recordUsage(flush);
    assert.equal(failure, null);
    return outcomes;
  };
  /** A paid period with 100 units that has ended, and is sealed. */
  const endPeriod = async (store: Store, entries: readonly UsageEntry[] = []) => {
    await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW });
    await store.setSubscriptionItems({
      account_id: ACCOUNT,
      stripe_customer: CUSTOMER,
      items: [itemFrom(NOW)],
      sync_due_at: null,
      now: NOW,
    });
    const first = entry({ quantity: 100 });
    await record(store, [first, ...entries], NOW + DAY_MS, 'bill_next');
    const which = { which: 'ended', account_id: null, after: null, locked: 'skip', limit: 100 } as const;
    await store.closeReports({ now: END, ...which });
  };
  const reports = async (store: Store) => {
    const range = { start: 0, end: Date.UTC(2100, 0, 1) };
    return (await store.listReportsWithUsage({ account_id: ACCOUNT, meter: 'credits', range })).reports;
  };
  /** Where the billing periods of open reports begin. */
  const openPeriods = async (store: Store) => {
    const all = await store.listReports({ account_id: ACCOUNT, meter: 'credits', range: ALL_TIME });
    return all.reports.filter(({ status }) => status === 'open').map((report) => report.billing_period_start);
  };
  const placesOf = (all: readonly UsageReport[]) =>
    all.map(({ quantity, billing_period_start, late }) => [quantity, billing_period_start, late]);

  check(
    'a period that has ended by a clock ahead of ours is sealed, and what is stamped in it then is late',
    async (store) => {
      const now = END - HOUR_MS;
      const closing = {
        now,
        ended_by: END,
        account_id: null,
        after: null,
        locked: 'skip',
        limit: 10,
      } as const;
      await record(store, [entry({ quantity: 4 })], NOW, 'bill_next');
      assert.equal((await store.closeReports({ ...closing, which: 'ended', ended_by: END - 1 })).closed, 0);
      assert.equal((await store.closeReports({ ...closing, which: 'ended' })).closed, 1);
      const [sealed] = await reports(store);
      assert.deepEqual([sealed?.status, sealed?.period_end, sealed?.due_at], ['closed', END, now]);
      assert.deepEqual(await openPeriods(store), [END]);
      assert.equal((await store.closeReports({ ...closing, which: 'all' })).closed, 0);
      await record(store, [entry({ quantity: 20 })], now, 'bill_next');
      assert.equal((await store.closeReports({ ...closing, which: 'ended' })).closed, 1);
      await record(store, [entry({ quantity: 300 })], END, 'bill_next');
      assert.deepEqual(
        new Set(placesOf(await reports(store)).map(String)),
        new Set([`4,${NOW},false`, `20,${NOW},true`, `300,${END},false`]),
      );
    },
  );

  check(
    'an empty period that has ended by a clock ahead of ours makes way for the next one',
    async (store) => {
      const closing = { account_id: null, after: null, locked: 'skip', limit: 10 } as const;
      await record(store, [entry({ quantity: 4 })], NOW, 'bill_next');
      await store.closeReports({ ...closing, which: 'all', now: NOW + HOUR_MS });
      await store.closeReports({ ...closing, which: 'ended', now: END - HOUR_MS, ended_by: END - 1 });
      assert.deepEqual(await openPeriods(store), [NOW]);
      await store.closeReports({ ...closing, which: 'ended', now: END - HOUR_MS, ended_by: END });
      assert.deepEqual(await openPeriods(store), [END]);
    },
  );

  for (const policy of ['bill_next', 'reject', 'track'] as const) {
    check(
      `by policy ${policy} usage of the last moment in time is counted in its own period`,
      async (store) => {
        await endPeriod(store);
        assert.deepEqual(await record(store, [lateEntry()], TOO_LATE - 1, policy), ['recorded']);
        const places = placesOf(await reports(store));
        assert.deepEqual(new Set(places.map(String)), new Set([`100,${NOW},false`, `1,${NOW},true`]));
      },
    );
  }

  check('by policy bill_next late usage is counted in the current period', async (store) => {
    await endPeriod(store);
    assert.deepEqual(await record(store, [lateEntry()], TOO_LATE, 'bill_next'), ['recorded']);
    assert.deepEqual(placesOf(await reports(store)), [
      [100, NOW, false],
      [1, END, false],
    ]);
  });

  check('by policy track late usage stays in its own period', async (store) => {
    await endPeriod(store);
    assert.deepEqual(await record(store, [lateEntry()], TOO_LATE, 'track'), ['recorded']);
    const places = placesOf(await reports(store));
    assert.deepEqual(new Set(places.map(String)), new Set([`100,${NOW},false`, `1,${NOW},true`]));
  });

  check('by policy reject late usage is refused, alone, and leaves nothing behind', async (store) => {
    await endPeriod(store);
    const timely = lateEntry({ quantity: 5, occurred_at: null });
    const outcomes = await record(store, [lateEntry(), timely, lateEntry()], TOO_LATE, 'reject');
    assert.deepEqual(outcomes, ['late', 'recorded', 'late']);
    assert.deepEqual(placesOf(await reports(store)), [
      [100, NOW, false],
      [5, END, false],
    ]);
  });

  check('by policy reject late usage is refused also while its report is still open', async (store) => {
    await endPeriod(store);
    await record(store, [lateEntry({ quantity: 2 })], TOO_LATE - 1, 'reject');
    assert.deepEqual(await record(store, [lateEntry()], TOO_LATE, 'reject'), ['late']);
    const open = (await reports(store)).find(({ late }) => late);
    assert.deepEqual([open?.quantity, open?.status], [2, 'open']);
  });

  check('by policy reject the key of a refused entry is free', async (store) => {
    await endPeriod(store);
    const keyed = lateEntry({ idempotency_key: 'k' });
    assert.deepEqual(await record(store, [keyed], TOO_LATE, 'reject'), ['late']);
    const timely = { ...keyed, occurred_at: null };
    assert.deepEqual(await record(store, [timely], TOO_LATE, 'reject'), ['recorded']);
  });

  check(
    'by policy reject a key that was counted in time is known however late it comes again',
    async (store) => {
      const keyed = lateEntry({ idempotency_key: 'k', occurred_at: NOW + HOUR_MS });
      await endPeriod(store, [keyed]);
      const others = [
        { ...keyed, content: '2||', quantity: 2 },
        { ...keyed, idempotency_key: 'other' },
        { ...keyed, account_id: 'acct_2' },
      ];
      const outcomes = await record(store, [keyed, ...others], TOO_LATE, 'reject');
      // Nothing bills the other account, so that no invoice of its is final.
      assert.deepEqual(outcomes, ['duplicate', 'conflict', 'late', 'recorded']);
    },
  );
}
