import assert from 'node:assert/strict';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/instant.ts';
import { MAX_QUANTITY } from '../core/quantity.ts';
import type { RecordUsageParams, Store, UsageEntry } from '../core/store.ts';
import { isLegalTransition, type ReportStatus, type UsageReport } from '../core/usage-report.ts';
import {
  ACCOUNT,
  ALL_TIME,
  agenda,
  assertQuantitiesAreSums,
  CUSTOMER,
  checkOn,
  entry,
  itemFrom,
  NOW,
} from './store-scene.ts';
import { testAccess } from './store-suite-access.ts';
import { testAdjustments } from './store-suite-adjustments.ts';
import { testChanges } from './store-suite-changes.ts';
import { testDecisions } from './store-suite-decisions.ts';
import { testChangesElsewhere } from './store-suite-elsewhere.ts';
import { testExplaining } from './store-suite-explaining.ts';
import { testLateUsage } from './store-suite-late-usage.ts';
import { testSeats } from './store-suite-seats.ts';
import { testSubscriptions } from './store-suite-subscriptions.ts';
import { testWebhookEvents } from './store-suite-webhooks.ts';
import { testWindows } from './store-suite-windows.ts';

export interface StoreSuite {
  /** Declares a test, such as vitest's or node:test's `test`. */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Opens an empty store; called once by every test, which closes it. */
  readonly open: () => Promise<Store>;
  /** A new UUID version 7. */
  readonly uuid: () => string;
}

const REPORT = { account_id: ACCOUNT, meter: 'credits', report_id: 1 };

/** What every store must do, whatever its engine. */
export function testStore(suite: StoreSuite): void {
  const { uuid } = suite;
  const flush = (entries: readonly UsageEntry[], recorded_at = NOW): RecordUsageParams => ({
    flush_id: uuid(),
    recorded_at,
    entries,
  });
  const check = checkOn(suite);
  testAccess(check);
  testWindows(check, uuid);
  testAdjustments(check, uuid);
  testDecisions(check, uuid);
  testChangesElsewhere(check);
  testExplaining(check, uuid);
  testSeats(check);
  testWebhookEvents(check);
  testSubscriptions(check);
  testChanges(check, uuid);
  testLateUsage(check, uuid);
  const closeAll = (store: Store, now: number) =>
    store.closeReports({ now, which: 'all', account_id: null, after: null, locked: 'skip', limit: 100 });
  const reports = async (store: Store, account_id = ACCOUNT) =>
    (await store.listReportsWithUsage({ account_id, meter: 'credits', range: ALL_TIME })).reports;

  check(
    'usage of an unknown account creates it, unlinked, with a month anchored at that second',
    async (store) => {
      const { outcomes } = await store.recordUsage(flush([entry({ quantity: 5 })], NOW + 123));
      assert.deepEqual(outcomes, ['recorded']);
      const account = await store.getAccount({ account_id: ACCOUNT });
      assert.deepEqual(
        { ...account?.account },
        {
          account_id: ACCOUNT,
          plan: null,
          stripe_customer: null,
          created_at: NOW,
          synced_at: null,
          sync_due_at: null,
          change_requested_at: null,
        },
      );
      const [report, ...others] = await reports(store);
      assert.equal(others.length, 0);
      assert.equal(report?.quantity, 5);
      assert.equal(report?.status, 'open');
      assert.deepEqual(
        [report?.billing_period_start, report?.billing_period_end],
        [NOW, Date.UTC(2026, 1, 10, 12)],
      );
    },
  );

  check(
    'usage from before an account was known begins its first month, usage from ahead does not',
    async (store) => {
      const early = { occurred_at: NOW - 3 * SECOND_MS + 400 };
      const ahead = { account_id: 'acct_2', occurred_at: NOW + 60 * SECOND_MS };
      const entries = [entry({ quantity: 1 }), entry({ ...early, quantity: 90 }), entry(ahead)];
      const { outcomes } = await store.recordUsage(flush(entries, NOW + 123));
      assert.deepEqual(outcomes, ['recorded', 'recorded', 'recorded']);
      const created = async (account_id: string) =>
        (await store.getAccount({ account_id }))?.account.created_at;
      assert.deepEqual([await created(ACCOUNT), await created('acct_2')], [NOW - 3 * SECOND_MS, NOW]);
      const found = await reports(store);
      assert.deepEqual(
        found.map(({ quantity, late, billing_period_start }) => [quantity, late, billing_period_start]),
        [[91, false, NOW - 3 * SECOND_MS]],
      );
      // What is older still than its first usage is in the month before.
      await store.recordUsage(flush([entry({ occurred_at: NOW - 4 * SECOND_MS })], NOW + 200));
      assert.equal(await created(ACCOUNT), NOW - 3 * SECOND_MS);
    },
  );

  check(
    'a key counts once, within a batch and between batches; other content is a conflict',
    async (store) => {
      const keyed = entry({ idempotency_key: 'k', content: '1||' });
      const first = await store.recordUsage(flush([keyed, keyed, { ...keyed, content: '2||', quantity: 2 }]));
      assert.deepEqual(first.outcomes, ['recorded', 'duplicate', 'conflict']);
      const again = await store.recordUsage(flush([keyed, { ...keyed, content: '2||', quantity: 2 }]));
      assert.deepEqual(again.outcomes, ['duplicate', 'conflict']);
      assert.equal((await reports(store))[0]?.quantity, 1);
    },
  );

  check('keys of different accounts and meters do not meet', async (store) => {
    const keyed = { idempotency_key: 'k', content: '1||' };
    const entries = [
      entry(keyed),
      entry({ ...keyed, meter: 'tokens' }),
      entry({ ...keyed, account_id: 'acct_2' }),
    ];
    const { outcomes } = await store.recordUsage(flush(entries));
    assert.deepEqual(outcomes, ['recorded', 'recorded', 'recorded']);
  });

  check('keys recorded before an instant are forgotten, the others are kept', async (store) => {
    // Old and new keys in turn, by the thousand: they are forgotten in steps.
    const keys = Array.from({ length: 6_000 }, (_, index) => `k${String(index).padStart(5, '0')}`);
    const keyed = (from: number, distance: number) =>
      keys
        .filter((_, index) => index % distance === from)
        .map((idempotency_key) => entry({ idempotency_key, content: '1||' }));
    await store.recordUsage(flush(keyed(0, 2), NOW));
    await store.recordUsage(flush(keyed(1, 2), NOW + 1));
    await store.maintain({ now: NOW + 2, keys_before: NOW + 1, ledger_before: null });
    const sample = await store.recordUsage(flush([...keyed(0, 1_500), ...keyed(1, 1_500)], NOW + 2));
    assert.deepEqual(sample.outcomes, [...Array(4).fill('recorded'), ...Array(4).fill('duplicate')]);
    await store.maintain({ now: NOW + 3, keys_before: NOW + 3, ledger_before: null });
    const again = await store.recordUsage(flush(keyed(1, 1_500), NOW + 3));
    assert.deepEqual(new Set(again.outcomes), new Set(['recorded']));
  });

  check('a write that is repeated under its id gives the same answer and counts once', async (store) => {
    await store.recordUsage(flush([entry()]));
    const params = flush([
      entry({ quantity: 7 }),
      entry({ idempotency_key: 'a' }),
      entry({ idempotency_key: 'a', content: '2||' }),
    ]);
    const first = await store.recordUsage(params);
    assert.deepEqual(first.outcomes, ['recorded', 'recorded', 'conflict']);
    assert.deepEqual(await store.recordUsage(params), first);
    assert.equal((await reports(store))[0]?.quantity, 9);
  });

  check('increments at once into one account all count', async (store) => {
    await Promise.all(Array.from({ length: 50 }, () => store.recordUsage(flush([entry({ quantity: 2 })]))));
    assert.equal((await reports(store))[0]?.quantity, 100);
  });

  check('ids are taken literally', async (store) => {
    const ids = ["'; DROP TABLE usage; --", '__proto__', 'é', 'e\u0301', '👩‍🚀'];
    await store.recordUsage(flush(ids.map((account_id) => entry({ account_id }))));
    for (const account_id of ids) assert.equal((await reports(store, account_id))[0]?.quantity, 1);
    const listed = await store.listAccounts({ after: null, limit: 100 });
    assert.deepEqual(new Set(listed.map(({ account_id }) => account_id)), new Set(ids));
  });

  check('accounts are listed in pages', async (store) => {
    for (const account_id of ['a', 'b', 'c']) await store.setAccount({ account_id, now: NOW });
    const first = await store.listAccounts({ after: null, limit: 2 });
    const second = await store.listAccounts({ after: 'b', limit: 2 });
    assert.deepEqual(
      [...first, ...second].map(({ account_id }) => account_id),
      ['a', 'b', 'c'],
    );
  });

  check('a Stripe customer belongs to one account', async (store) => {
    await store.setAccount({ account_id: 'a', stripe_customer: CUSTOMER, now: NOW });
    await store.setAccount({ account_id: 'a', plan: 'pro', now: NOW });
    await assert.rejects(store.setAccount({ account_id: 'b', stripe_customer: CUSTOMER, now: NOW }), {
      code: 'stripe_customer_taken',
    });
    assert.equal(await store.getAccount({ account_id: 'b' }), null);
    assert.equal((await store.getAccount({ account_id: 'a' }))?.account.stripe_customer, CUSTOMER);
    await store.setAccount({ account_id: 'a', stripe_customer: null, now: NOW });
    await store.setAccount({ account_id: 'b', stripe_customer: CUSTOMER, now: NOW });
  });

  check('closing seals the quantity and opens the next report where this one ends', async (store) => {
    await store.recordUsage(flush([entry({ quantity: 5 })]));
    assert.equal((await closeAll(store, NOW + HOUR_MS)).closed, 1);
    assert.deepEqual(await closeAll(store, NOW + HOUR_MS), { closed: 0, after: null, more: false });
    await store.recordUsage(flush([entry({ quantity: 3 })], NOW + HOUR_MS + 1));
    const [sealed, next] = await reports(store);
    assert.deepEqual(
      [sealed?.status, sealed?.quantity, sealed?.period_start, sealed?.period_end],
      ['closed', 5, NOW, NOW + HOUR_MS],
    );
    assert.deepEqual([next?.status, next?.quantity, next?.period_start], ['open', 3, NOW + HOUR_MS]);
  });

  check('a report without usage is not closed: its start moves on', async (store) => {
    await store.recordUsage(flush([entry()]));
    await closeAll(store, NOW + HOUR_MS);
    assert.equal((await closeAll(store, NOW + 2 * HOUR_MS)).closed, 0);
    await store.recordUsage(flush([entry()], NOW + 3 * HOUR_MS));
    const all = await reports(store);
    assert.equal(all.length, 2);
    assert.equal(all[1]?.period_start, NOW + 2 * HOUR_MS);
  });

  check('a report that began this second is left open', async (store) => {
    await store.recordUsage(flush([entry()], NOW + 10));
    assert.equal((await closeAll(store, NOW + 20)).closed, 0);
  });

  check('usage of the running second is inside the report that is sealed with it', async (store) => {
    await store.recordUsage(flush([entry()], NOW));
    await store.recordUsage(flush([entry()], NOW + MINUTE_MS + 300));
    await closeAll(store, NOW + MINUTE_MS + 400);
    const [sealed] = await reports(store);
    assert.equal(sealed?.quantity, 2);
    assert.equal(sealed?.period_end, NOW + MINUTE_MS + 1_000);
  });

  check(
    'at the end of a billing period the report ends exactly there and the next period is open',
    async (store) => {
      await store.recordUsage(flush([entry({ quantity: 4 })]));
      const end = Date.UTC(2026, 1, 10, 12);
      assert.equal((await agenda(store)).period_end, end);
      const none = await store.closeReports({
        now: end - 1,
        which: 'ended',
        account_id: null,
        after: null,
        locked: 'skip',
        limit: 10,
      });
      assert.equal(none.closed, 0);
      const { closed } = await store.closeReports({
        now: end + 500,
        which: 'ended',
        account_id: null,
        after: null,
        locked: 'skip',
        limit: 10,
      });
      assert.equal(closed, 1);
      assert.equal((await reports(store))[0]?.period_end, end);
      const range = { start: end, end: end + DAY_MS };
      const { reports: opened } = await store.listReports({ account_id: ACCOUNT, meter: 'credits', range });
      const [next] = opened;
      assert.deepEqual([next?.status, next?.billing_period_start, next?.quantity], ['open', end, 0]);
    },
  );

  check(
    'usage recorded after a period’s end is counted by when it occurred, also before the job has run',
    async (store) => {
      await store.recordUsage(flush([entry({ quantity: 1 })]));
      const end = Date.UTC(2026, 1, 10, 12);
      const late = entry({ quantity: 10, occurred_at: end - 1 });
      await store.recordUsage(flush([late, entry({ quantity: 100 })], end + MINUTE_MS));
      const [before, after] = await reports(store);
      assert.deepEqual([before?.quantity, before?.late, before?.billing_period_end], [11, false, end]);
      assert.deepEqual([after?.quantity, after?.billing_period_start], [100, end]);
      await store.closeReports({
        now: end + 2 * MINUTE_MS,
        which: 'ended',
        account_id: null,
        after: null,
        locked: 'skip',
        limit: 10,
      });
      await store.recordUsage(flush([late], end + 3 * MINUTE_MS));
      const lateReport = (await reports(store)).find((report) => report.late);
      assert.deepEqual(
        [lateReport?.quantity, lateReport?.billing_period_end, lateReport?.status],
        [10, end, 'open'],
      );
    },
  );

  check('a timestamp slightly ahead stays in the billing period in which it was recorded', async (store) => {
    await store.recordUsage(flush([entry()]));
    const end = Date.UTC(2026, 1, 10, 12);
    await store.recordUsage(flush([entry({ occurred_at: end + MINUTE_MS })], end - MINUTE_MS));
    const [only, ...others] = await reports(store);
    assert.deepEqual([only?.quantity, only?.last_occurred_at, others.length], [2, end - 1, 0]);
  });

  check('a report never exceeds 15 digits: the increment that would seals it first', async (store) => {
    await store.recordUsage(flush([entry({ quantity: MAX_QUANTITY })]));
    const { outcomes } = await store.recordUsage(
      flush([entry({ quantity: 2 }), entry({ quantity: MAX_QUANTITY })]),
    );
    assert.deepEqual(outcomes, ['recorded', 'recorded']);
    const all = await reports(store);
    assert.deepEqual(
      all.map(({ quantity, status }) => [quantity, status]),
      [
        [MAX_QUANTITY, 'closed'],
        [2, 'closed'],
        [MAX_QUANTITY, 'open'],
      ],
    );
    assertRegularReportsDoNotOverlap(all);
  });

  check('closing works in batches, and batches of closers do not get in each other’s way', async (store) => {
    const accounts = Array.from({ length: 25 }, (_, index) => entry({ account_id: `acct_${index}` }));
    await store.recordUsage(flush(accounts));
    const batch = (locked: 'skip' | 'wait') =>
      store.closeReports({
        now: NOW + HOUR_MS,
        which: 'all',
        account_id: null,
        after: null,
        locked,
        limit: 10,
      });
    const closer = async () => {
      let closed = 0;
      for (const locked of ['skip', 'wait'] as const) {
        for (let more = true; more; ) {
          const result = await batch(locked);
          closed += result.closed;
          more = result.more;
        }
      }
      return closed;
    };
    const closed = await Promise.all([closer(), closer(), closer(), closer()]);
    assert.equal(
      closed.reduce((sum, each) => sum + each, 0),
      25,
    );
    assert.equal((await batch('wait')).more, false);
  });

  check('one account can be closed alone', async (store) => {
    await store.recordUsage(flush([entry({ account_id: 'a' }), entry({ account_id: 'b' })]));
    await store.closeReports({
      now: NOW + HOUR_MS,
      which: 'all',
      account_id: 'b',
      after: null,
      locked: 'skip',
      limit: 10,
    });
    assert.equal((await reports(store, 'a'))[0]?.status, 'open');
    assert.equal((await reports(store, 'b'))[0]?.status, 'closed');
  });

  check('increments while reports close are in exactly one report', async (store) => {
    await store.setAccount({ account_id: ACCOUNT, now: NOW }); // its months begin before any of the usage
    const work: Promise<unknown>[] = [];
    for (let second = 1; second <= 40; second += 1) {
      work.push(store.recordUsage(flush([entry({ quantity: 3 })], NOW + second * 1_000)));
      if (second % 4 === 0) work.push(closeAll(store, NOW + second * 1_000));
    }
    await Promise.all(work);
    const all = await reports(store);
    assert.equal(
      all.reduce((sum, report) => sum + report.quantity, 0),
      120,
    );
    assert.equal(all.filter(({ status }) => status === 'open').length <= 1, true);
    assertRegularReportsDoNotOverlap(all);
    await assertQuantitiesAreSums(store, all);
  });

  check('reads at once see the database as it was at the first of them', async (store) => {
    await store.recordUsage(flush([entry({ quantity: 5 })]));
    const seen = await store.readAtOnce(async (reader) => {
      const params = { account_id: ACCOUNT, meter: 'credits', range: ALL_TIME };
      const quantity = async () => (await reader.listReportsWithUsage(params)).reports[0]?.quantity;
      const first = await quantity();
      await store.recordUsage(flush([entry({ quantity: 7 })]));
      return [first, await quantity()];
    });
    assert.deepEqual(seen, [5, 5]);
    assert.equal((await reports(store))[0]?.quantity, 12);
  });

  check('a range is summed exactly, also where it cuts through reports', async (store) => {
    for (let hour = 0; hour < 10; hour += 1) {
      await store.recordUsage(flush([entry({ quantity: 10 ** hour })], NOW + hour * HOUR_MS));
      if (hour % 3 === 2) await closeAll(store, NOW + hour * HOUR_MS + MINUTE_MS);
    }
    const all = await reports(store);
    const report_ids = all.map(({ report_id }) => report_id);
    for (const [from, to] of [
      [0, 10],
      [1, 2],
      [2, 7],
      [4, 4.5],
      [9, 10],
    ] as const) {
      const range = { start: NOW + from * HOUR_MS, end: NOW + to * HOUR_MS };
      const { quantities } = await store.sumUsage({
        account_id: ACCOUNT,
        meter: 'credits',
        range,
        report_ids,
      });
      const expected = Array.from({ length: 10 }, (_, hour) => hour)
        .filter((hour) => hour >= from && hour < to)
        .reduce((sum, hour) => sum + 10 ** hour, 0);
      assert.equal(
        [...quantities.values()].reduce((sum, quantity) => sum + quantity, 0),
        expected,
      );
    }
  });

  check(
    'when a subscription is learned of late, usage since its start moves into its billing period',
    async (store) => {
      await store.recordUsage(flush([entry({ quantity: 1 })], NOW));
      await closeAll(store, NOW + HOUR_MS);
      await store.recordUsage(flush([entry({ quantity: 10 })], NOW + 2 * HOUR_MS));
      await store.recordUsage(flush([entry({ quantity: 100 })], NOW + 4 * HOUR_MS));
      const started_at = NOW + 3 * HOUR_MS;
      await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW + 5 * HOUR_MS });
      await store.setSubscriptionItems({
        account_id: ACCOUNT,
        stripe_customer: CUSTOMER,
        items: [itemFrom(started_at)],
        sync_due_at: null,
        now: NOW + 5 * HOUR_MS,
      });
      const all = await reports(store);
      const inside = all.filter((report) => report.billing_period_start === started_at);
      const before = all.filter((report) => report.billing_period_end === started_at);
      assert.deepEqual(
        inside.map(({ quantity, status, period_start }) => [quantity, status, period_start]),
        [[100, 'open', started_at]],
      );
      assert.equal(
        before.reduce((sum, { quantity }) => sum + quantity, 0),
        11,
      );
      assertRegularReportsDoNotOverlap(all);
      await assertQuantitiesAreSums(store, all);
      await store.recordUsage(flush([entry({ quantity: 1_000 })], NOW + 6 * HOUR_MS));
      const current = (await reports(store)).find((report) => report.billing_period_start === started_at);
      assert.equal(current?.quantity, 1_100);
    },
  );

  check(
    'usage that was judged free before a subscription’s start was known is judged again',
    async (store) => {
      await store.recordUsage(flush([entry({ quantity: 5 })], NOW + 2 * HOUR_MS));
      await closeAll(store, NOW + 3 * HOUR_MS);
      const changes = { status: 'not_billable', reason: 'free', due_at: null } as const;
      assert.equal(await store.changeReport({ report: REPORT, from: 'closed', attempts: 0, changes }), true);
      await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW + 4 * HOUR_MS });
      await store.setSubscriptionItems({
        account_id: ACCOUNT,
        stripe_customer: CUSTOMER,
        items: [itemFrom(NOW + HOUR_MS)],
        sync_due_at: null,
        now: NOW + 4 * HOUR_MS,
      });
      const [only, ...others] = await reports(store);
      assert.deepEqual([only?.quantity, only?.status, others.length], [5, 'open', 0]);
      assert.equal(only?.billing_period_start, NOW + HOUR_MS);
    },
  );

  check(
    'usage that was judged free is judged again also where the subscription began in the second of the account',
    async (store) => {
      await store.recordUsage(flush([entry({ quantity: 5 })], NOW));
      await closeAll(store, NOW + 3 * HOUR_MS);
      const changes = { status: 'not_billable', reason: 'free', due_at: null } as const;
      assert.equal(await store.changeReport({ report: REPORT, from: 'closed', attempts: 0, changes }), true);
      const [free] = await reports(store);
      await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW + 4 * HOUR_MS });
      await store.setSubscriptionItems({
        account_id: ACCOUNT,
        stripe_customer: CUSTOMER,
        items: [itemFrom(NOW)],
        sync_due_at: null,
        now: NOW + 4 * HOUR_MS,
      });
      const [open, ...others] = await reports(store);
      assert.deepEqual([open?.quantity, open?.status, others.length], [5, 'open', 0]);
      assert.equal(open?.billing_period_start, free?.billing_period_start);
      assert.equal(open?.billing_period_end, free?.billing_period_end);
    },
  );

  check(
    'subscription items read for a customer that is no longer the account’s change nothing',
    async (store) => {
      await store.setAccount({ account_id: ACCOUNT, stripe_customer: 'cus_other', now: NOW });
      await store.setSubscriptionItems({
        account_id: ACCOUNT,
        stripe_customer: CUSTOMER,
        items: [itemFrom(NOW)],
        sync_due_at: null,
        now: NOW,
      });
      assert.deepEqual((await store.getAccount({ account_id: ACCOUNT }))?.items, []);
    },
  );

  check('subscription items come back as they were stored, and one that is gone has ended', async (store) => {
    await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW });
    const item = itemFrom(NOW);
    const read = { account_id: ACCOUNT, stripe_customer: CUSTOMER, sync_due_at: null };
    await store.setSubscriptionItems({ ...read, items: [item], now: NOW });
    assert.deepEqual((await store.getAccount({ account_id: ACCOUNT }))?.items, [item]);
    await store.setSubscriptionItems({ ...read, items: [], now: NOW + HOUR_MS });
    assert.deepEqual((await store.getAccount({ account_id: ACCOUNT }))?.items, [
      { ...item, ended_at: NOW + HOUR_MS },
    ]);
  });

  check('a report that is being sent keeps its customer, identifier and slot', async (store) => {
    await sealOne(store);
    const intent = intentOf('tb_1', NOW + 30_000);
    const change = (attempts: number, changes: object) =>
      store.changeReport({ report: REPORT, from: 'sending', attempts, changes });
    assert.equal(
      await store.changeReport({ report: REPORT, from: 'closed', attempts: 0, changes: intent }),
      true,
    );
    await assert.rejects(change(1, { identifier: 'tb_2' }));
    await assert.rejects(change(1, { stripe_customer: 'cus_2' }));
    await assert.rejects(change(1, { slot: NOW + 90_000 }));
    assert.equal(await change(1, { status: 'reported', reported_at: NOW + HOUR_MS, due_at: null }), true);
    const [report] = await reports(store);
    assert.deepEqual(
      [report?.reported, report?.status, report?.reported_at],
      [true, 'reported', NOW + HOUR_MS],
    );
  });

  check('two senders never make the same attempt', async (store) => {
    await sealOne(store);
    const attempt = () =>
      store.changeReport({
        report: REPORT,
        from: 'closed',
        attempts: 0,
        changes: intentOf('tb_1', NOW + 30_000),
      });
    assert.deepEqual((await Promise.all([attempt(), attempt()])).sort(), [false, true]);
  });

  check('illegal transitions are refused', async (store) => {
    await sealOne(store);
    const statuses: ReportStatus[] = [
      'open',
      'closed',
      'sending',
      'reported',
      'failed',
      'held',
      'voided',
      'not_billable',
    ];
    for (const to of statuses.filter((status) => !isLegalTransition('closed', status))) {
      await assert.rejects(
        store.changeReport({ report: REPORT, from: 'closed', attempts: 0, changes: { status: to } }),
      );
    }
  });

  check(
    'no two reports of a customer and meter have the same minute, unless they share it',
    async (store) => {
      await store.recordUsage(flush([entry({ account_id: 'a' }), entry({ account_id: 'b' })]));
      await closeAll(store, NOW + HOUR_MS);
      const seal = (account_id: string, identifier: string, shared: boolean) =>
        store.changeReport({
          report: { ...REPORT, account_id },
          from: 'closed',
          attempts: 0,
          changes: { ...intentOf(identifier, NOW + 30_000), slot_shared: shared },
        });
      await seal('a', 'tb_a', false);
      await assert.rejects(seal('b', 'tb_b', false));
      assert.equal(await seal('b', 'tb_b', true), true);
      const range = { start: NOW, end: NOW + MINUTE_MS };
      const uses = await store.listSlots({ stripe_customer: CUSTOMER, meter: 'credits', range });
      assert.deepEqual(uses.map(({ account_id, quantity }) => [account_id, quantity]).sort(), [
        ['a', 1],
        ['b', 1],
      ]);
    },
  );

  for (const which of ['all', 'ended'] as const) {
    check(`accounts can be left out where reports are sealed: ${which}`, async (store) => {
      await store.recordUsage(flush(['a', 'b', 'c'].map((account_id) => entry({ account_id }))));
      const now = Date.UTC(2026, 1, 10, 12);
      const params = { now, which, account_id: null, after: null, limit: 10 };
      const except = ['b'];
      assert.deepEqual(await store.listAccountsToClose(params), ['a', 'b', 'c']);
      assert.deepEqual(await store.listAccountsToClose({ ...params, except, limit: 2 }), ['a', 'c']);
      assert.deepEqual(await store.listAccountsToClose({ ...params, after: 'b' }), ['c']);
      assert.equal((await store.closeReports({ ...params, except, locked: 'skip' })).closed, 2);
      assert.deepEqual(await store.listAccountsToClose(params), ['b']);
      assert.equal((await reports(store, 'b'))[0]?.status, 'open');
      assert.equal((await store.closeReports({ ...params, locked: 'wait' })).closed, 1);
    });
  }

  check('the job finds what is due, and nothing else', async (store) => {
    await store.recordUsage(flush([entry({ account_id: 'a' }), entry({ account_id: 'b' })]));
    assert.equal((await agenda(store)).report_due_at, null);
    await closeAll(store, NOW + HOUR_MS);
    assert.equal((await agenda(store)).report_due_at, NOW + HOUR_MS);
    const due = (after: string | null) => store.listDueAccounts({ now: NOW + HOUR_MS, after, limit: 1 });
    assert.deepEqual([await due(null), await due('a'), await due('b')], [['a'], ['b'], []]);
    const count = (now: number) => store.countDueAccounts({ now });
    assert.deepEqual([await count(NOW + HOUR_MS), await count(NOW + HOUR_MS - 1)], [2, 0]);
    await store.changeReport({
      report: { ...REPORT, account_id: 'a' },
      from: 'closed',
      attempts: 0,
      changes: { due_at: NOW + DAY_MS },
    });
    assert.deepEqual(await due(null), ['b']);
    assert.equal((await store.listUnfinishedReports({ account_id: 'a' })).length, 1);
  });

  check(
    'an account that was linked is due for reading its subscriptions, until it has been read',
    async (store) => {
      await store.setAccount({ account_id: ACCOUNT, plan: 'pro', now: NOW });
      assert.equal((await agenda(store)).sync_due_at, null);
      await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW + 1 });
      assert.equal((await agenda(store)).sync_due_at, NOW + 1);
      const due = (now: number) => store.listDueAccounts({ now, after: null, limit: 10 });
      assert.deepEqual([await due(NOW), await due(NOW + 1)], [[], [ACCOUNT]]);
      await store.setSyncDue({ account_id: ACCOUNT, sync_due_at: NOW + HOUR_MS });
      assert.deepEqual([await due(NOW + 1), await due(NOW + HOUR_MS)], [[], [ACCOUNT]]);
      const read = {
        account_id: ACCOUNT,
        stripe_customer: CUSTOMER,
        items: [itemFrom(NOW)],
        now: NOW + HOUR_MS,
      };
      await store.setSubscriptionItems({ ...read, sync_due_at: null });
      assert.equal((await agenda(store)).sync_due_at, null);
    },
  );

  check('a lease has one holder, is renewed by it, and passes on when it runs out', async (store) => {
    const acquire = (holder: string, now: number) =>
      store.acquireLease({ job: 'usage', holder, now, expires_at: now + MINUTE_MS });
    assert.equal(await acquire('one', NOW), true);
    assert.equal(await acquire('two', NOW + 1), false);
    assert.equal(await acquire('one', NOW + MINUTE_MS / 2), true);
    assert.equal(await acquire('two', NOW + MINUTE_MS), false);
    assert.equal(await acquire('two', NOW + 2 * MINUTE_MS), true);
    await store.releaseLease({ job: 'usage', holder: 'one' });
    assert.equal(await acquire('one', NOW + 2 * MINUTE_MS), false);
    await store.releaseLease({ job: 'usage', holder: 'two' });
    assert.equal(await acquire('one', NOW + 2 * MINUTE_MS), true);
    await store.setLastRun({ job: 'usage', at: NOW });
    assert.equal((await agenda(store)).last_run_at, NOW);
    assert.equal((await store.readAgenda({ job: 'other' })).last_run_at, null);
  });

  check('a lease that a clock far ahead has left behind keeps nobody from it', async (store) => {
    const acquire = (holder: string, now: number) =>
      store.acquireLease({ job: 'usage', holder, now, expires_at: now + MINUTE_MS });
    assert.equal(await acquire('ahead by an hour', NOW + HOUR_MS), true);
    assert.equal(await acquire('one', NOW), true);
    assert.equal(await acquire('ahead by a minute', NOW + MINUTE_MS), true);
    assert.equal(await acquire('one', NOW), false);
  });

  async function sealOne(store: Store): Promise<void> {
    await store.recordUsage(flush([entry()]));
    await closeAll(store, NOW + HOUR_MS);
  }
}

function intentOf(identifier: string, slot: number) {
  return {
    status: 'sending',
    stripe_customer: CUSTOMER,
    identifier,
    slot,
    slot_shared: false,
    attempts: 1,
    first_attempt_at: NOW + HOUR_MS,
  } as const;
}

/** I4. */
function assertRegularReportsDoNotOverlap(reports: readonly UsageReport[]): void {
  const regular = reports.filter(({ late, status }) => !late && status !== 'voided');
  const sorted = [...regular].sort((a, b) => a.period_start - b.period_start);
  sorted.reduce((end, report) => {
    assert.ok(report.period_start >= end, 'regular reports overlap');
    return report.period_end ?? report.billing_period_end;
  }, 0);
}
