import assert from 'node:assert/strict';
import { LATE_WINDOW_MS, type SubscriptionItem } from '../core/billing-period.ts';
import { DAY_MS, HOUR_MS } from '../core/instant.ts';
import type { LateUsagePolicy } from '../core/late-usage.ts';
import type { Store, UsageEntry } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';

type Check = (name: string, run: (store: Store) => Promise<void>) => void;

/** 10 January 2026, 12:00 UTC: where the subscription begins. */
const NOW = Date.UTC(2026, 0, 10, 12);
const END = Date.UTC(2026, 1, 10, 12);
const TOO_LATE = END + LATE_WINDOW_MS;
const ACCOUNT = 'acct_1';
const CUSTOMER = 'cus_1';

const ITEM: SubscriptionItem = {
  stripe_subscription: 'sub_1',
  stripe_subscription_item: 'si_1',
  meter: 'credits',
  price: { currency: 'usd', unit_amount_decimal: '1' },
  anchor: NOW,
  interval: 'month',
  interval_count: 1,
  started_at: NOW,
  trial_end: null,
  ended_at: null,
  current_period_start: NOW,
  current_period_end: END,
};

const entry = (fields: Partial<UsageEntry> = {}): UsageEntry => ({
  account_id: ACCOUNT,
  meter: 'credits',
  quantity: 1,
  occurred_at: END - HOUR_MS,
  idempotency_key: null,
  content: fields.idempotency_key ? '1||' : null,
  properties: null,
  ...fields,
});

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
      items: [ITEM],
      sync_due_at: null,
      now: NOW,
    });
    const first = entry({ quantity: 100, occurred_at: null });
    await record(store, [first, ...entries], NOW + DAY_MS, 'bill_next');
    const which = { which: 'ended', account_id: null, after: null, locked: 'skip', limit: 100 } as const;
    await store.closeReports({ now: END, ...which });
  };
  const reports = async (store: Store) => {
    const range = { start: 0, end: Date.UTC(2100, 0, 1) };
    return (await store.listReportsWithUsage({ account_id: ACCOUNT, meter: 'credits', range })).reports;
  };
  const placesOf = (all: readonly UsageReport[]) =>
    all.map(({ quantity, billing_period_start, late }) => [quantity, billing_period_start, late]);

  for (const policy of ['bill_next', 'reject', 'track'] as const) {
    check(
      `by policy ${policy} usage of the last moment in time is counted in its own period`,
      async (store) => {
        await endPeriod(store);
        assert.deepEqual(await record(store, [entry()], TOO_LATE - 1, policy), ['recorded']);
        const places = placesOf(await reports(store));
        assert.deepEqual(new Set(places.map(String)), new Set([`100,${NOW},false`, `1,${NOW},true`]));
      },
    );
  }

  check('by policy bill_next late usage is counted in the current period', async (store) => {
    await endPeriod(store);
    assert.deepEqual(await record(store, [entry()], TOO_LATE, 'bill_next'), ['recorded']);
    assert.deepEqual(placesOf(await reports(store)), [
      [100, NOW, false],
      [1, END, false],
    ]);
  });

  check('by policy track late usage stays in its own period', async (store) => {
    await endPeriod(store);
    assert.deepEqual(await record(store, [entry()], TOO_LATE, 'track'), ['recorded']);
    const places = placesOf(await reports(store));
    assert.deepEqual(new Set(places.map(String)), new Set([`100,${NOW},false`, `1,${NOW},true`]));
  });

  check('by policy reject late usage is refused, alone, and leaves nothing behind', async (store) => {
    await endPeriod(store);
    const timely = entry({ quantity: 5, occurred_at: null });
    const outcomes = await record(store, [entry(), timely, entry()], TOO_LATE, 'reject');
    assert.deepEqual(outcomes, ['late', 'recorded', 'late']);
    assert.deepEqual(placesOf(await reports(store)), [
      [100, NOW, false],
      [5, END, false],
    ]);
  });

  check('by policy reject late usage is refused also while its report is still open', async (store) => {
    await endPeriod(store);
    await record(store, [entry({ quantity: 2 })], TOO_LATE - 1, 'reject');
    assert.deepEqual(await record(store, [entry()], TOO_LATE, 'reject'), ['late']);
    const open = (await reports(store)).find(({ late }) => late);
    assert.deepEqual([open?.quantity, open?.status], [2, 'open']);
  });

  check('by policy reject the key of a refused entry is free', async (store) => {
    await endPeriod(store);
    const keyed = entry({ idempotency_key: 'k' });
    assert.deepEqual(await record(store, [keyed], TOO_LATE, 'reject'), ['late']);
    const timely = { ...keyed, occurred_at: null };
    assert.deepEqual(await record(store, [timely], TOO_LATE, 'reject'), ['recorded']);
  });

  check(
    'by policy reject a key that was counted in time is known however late it comes again',
    async (store) => {
      const keyed = entry({ idempotency_key: 'k', occurred_at: NOW + HOUR_MS });
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
