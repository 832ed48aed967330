import assert from 'node:assert/strict';
import type { SubscriptionItem } from '../core/billing-period.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/instant.ts';
import { MAX_QUANTITY } from '../core/quantity.ts';
import type { Store, UsageEntry } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import {
  ACCOUNT,
  ALL_TIME,
  assertQuantitiesAreSums,
  type Check,
  CUSTOMER,
  END,
  entry,
  itemFrom,
  NOW,
} from './store-scene.ts';

/** What every store must do with quantities that take away, and with billing periods that come out negative. */
export function testAdjustments(check: Check, uuid: () => string): void {
  const change = (quantity: number, fields: Partial<UsageEntry> = {}): UsageEntry =>
    entry({
      quantity,
      content: null,
      properties: quantity < 0 ? '{"adjustment":{"actor":null,"reason":"test"}}' : null,
      ...fields,
    });
  const record = async (store: Store, entries: readonly UsageEntry[], recorded_at = NOW) => {
    const { outcomes, failure } = await store.recordUsage({ flush_id: uuid(), recorded_at, entries });
    assert.equal(failure, null);
    return outcomes;
  };
  const close = (store: Store, now: number, which: 'all' | 'ended' = 'all') =>
    store.closeReports({ now, which, account_id: null, after: null, locked: 'skip', limit: 100 });

  check('an adjustment takes away in the order of recording, also below nothing', async (store) => {
    assert.deepEqual(await record(store, [change(5), change(-7), change(1)]), Array(3).fill('recorded'));
    await record(store, [change(-4)]);
    const all = await reportsOf(store);
    assert.deepEqual(
      all.map(({ quantity, status }) => [quantity, status]),
      [[-5, 'open']],
    );
    await assertQuantitiesAreSums(store, all);
  });

  check('usage that comes to nothing is still in the report, event by event', async (store) => {
    await record(store, [change(5), change(-5)]);
    await record(store, [change(3)]);
    const [report] = await reportsOf(store);
    assert.deepEqual([report?.quantity, report?.first_occurred_at], [3, NOW]);
    const range = { start: NOW, end: NOW + 1 };
    const { quantities } = await store.sumUsage({
      account_id: ACCOUNT,
      meter: 'credits',
      range,
      report_ids: [1],
    });
    assert.deepEqual([...quantities.values()], [3]);
    await record(store, [change(-3)], NOW + 1);
    assert.equal((await close(store, NOW + HOUR_MS)).closed, 1);
    assert.deepEqual((await reportsOf(store)).map(({ quantity, status }) => [quantity, status])[0], [
      0,
      'closed',
    ]);
  });

  check('the key of an adjustment counts once; an increment with it is a conflict', async (store) => {
    const adjustment = change(-5, { idempotency_key: 'k', content: '-5||d' });
    const increment = change(5, { idempotency_key: 'k', content: '5||' });
    assert.deepEqual(await record(store, [adjustment, adjustment, increment]), [
      'recorded',
      'duplicate',
      'conflict',
    ]);
    assert.deepEqual(await record(store, [increment, adjustment]), ['conflict', 'duplicate']);
    assert.equal((await reportsOf(store))[0]?.quantity, -5);
  });

  check('a report never exceeds 15 digits with either sign: it is sealed first', async (store) => {
    await record(store, [change(-MAX_QUANTITY)]);
    assert.deepEqual(await record(store, [change(-2)]), ['recorded']);
    assert.deepEqual(await record(store, [change(-MAX_QUANTITY)]), ['recorded']);
    const all = await reportsOf(store);
    assert.deepEqual(
      all.map(({ quantity, status }) => [quantity, status]),
      [
        [-MAX_QUANTITY, 'closed'],
        [-2, 'closed'],
        [-MAX_QUANTITY, 'open'],
      ],
    );
    await assertQuantitiesAreSums(store, all);
  });

  check('what adds and what takes away in one batch is exact up to 15 digits', async (store) => {
    const key = { idempotency_key: 'k', content: 'c' };
    await record(store, [change(-3, key)]);
    const entries = [
      change(MAX_QUANTITY),
      change(-MAX_QUANTITY),
      change(-3, key),
      change(MAX_QUANTITY),
      change(-MAX_QUANTITY + 1),
    ];
    const outcomes = await record(store, entries);
    assert.deepEqual(outcomes, ['recorded', 'recorded', 'duplicate', 'recorded', 'recorded']);
    const all = await reportsOf(store);
    assert.equal(
      all.reduce((sum, { quantity }) => sum + quantity, 0),
      -2,
    );
    await assertQuantitiesAreSums(store, all);
  });

  check('adjustments and increments at once into one account all count', async (store) => {
    const work = Array.from({ length: 60 }, (_, index) =>
      record(store, index % 3 === 0 ? [change(-2), change(1)] : [change(3)]),
    );
    await Promise.all(work);
    const all = await reportsOf(store);
    assert.equal(all[0]?.quantity, 20 * -1 + 40 * 3);
    await assertQuantitiesAreSums(store, all);
  });

  check(
    'what a paid period is short of at its end is carried into the next report, and both sides name it',
    async (store) => {
      await subscribe(store);
      await record(store, [change(10), change(-25)]);
      assert.equal((await close(store, END + 500, 'ended')).closed, 1);
      const [ended, next, ...others] = await reportsOf(store);
      assert.equal(others.length, 0);
      assert.deepEqual([ended?.quantity, ended?.status, ended?.period_end], [0, 'closed', END]);
      assert.deepEqual(
        [next?.quantity, next?.status, next?.billing_period_start, next?.period_start],
        [-15, 'open', END, END],
      );
      assert.deepEqual([ended?.last_occurred_at, next?.first_occurred_at], [END - 1, END + 500]);
      await assertQuantitiesAreSums(store, await reportsOf(store));
      await close(store, END + MINUTE_MS, 'ended');
      assert.equal((await reportsOf(store)).length, 2);
      await record(store, [change(40)], END + HOUR_MS);
      assert.equal((await reportsOf(store))[1]?.quantity, 25);
    },
  );

  check('what reports sealed before are short of is carried by an empty last report too', async (store) => {
    await subscribe(store);
    await record(store, [change(10), change(-25)]);
    await close(store, NOW + DAY_MS);
    assert.equal((await close(store, END, 'ended')).closed, 1);
    const all = await reportsOf(store);
    assert.deepEqual(
      all.map(({ quantity, billing_period_start }) => [quantity, billing_period_start]),
      [
        [-15, NOW],
        [15, NOW],
        [-15, END],
      ],
    );
    await assertQuantitiesAreSums(store, all);
  });

  check(
    'it is carried also where the subscription is read between the end and the sealing',
    async (store) => {
      await subscribe(store);
      await record(store, [change(10), change(-25)]);
      await close(store, NOW + DAY_MS);
      await subscribe(store, ACCOUNT, {}, END + 500);
      await close(store, END + 1_000, 'ended');
      const all = (await reportsOf(store)).filter(({ status }) => status !== 'voided');
      assert.deepEqual(
        all.map(({ quantity, billing_period_start }) => [quantity, billing_period_start]),
        [
          [-15, NOW],
          [15, NOW],
          [-15, END],
        ],
      );
      await assertQuantitiesAreSums(store, all);
    },
  );

  check(
    'a next report that is open already takes over what is carried, and is sealed with it',
    async (store) => {
      await subscribe(store);
      await record(store, [change(-25)]);
      await record(store, [change(40)], END + MINUTE_MS);
      assert.equal((await close(store, END + 2 * MINUTE_MS)).closed, 2);
      const all = await reportsOf(store);
      assert.deepEqual(
        all.map(({ quantity, status, billing_period_start }) => [quantity, status, billing_period_start]),
        [
          [0, 'closed', NOW],
          [15, 'closed', END],
        ],
      );
      await assertQuantitiesAreSums(store, all);
      await record(store, [change(1)], END + 3 * MINUTE_MS);
      assert.equal((await reportsOf(store)).at(-1)?.quantity, 1);
    },
  );

  check('a late report carries what it leaves the ended period short of', async (store) => {
    await subscribe(store);
    await record(store, [change(10)]);
    await close(store, END, 'ended');
    await record(store, [change(-30, { occurred_at: END - 1 })], END + MINUTE_MS);
    await close(store, END + 2 * MINUTE_MS, 'ended');
    const quantityOf = async (start: number) =>
      (await reportsOf(store))
        .filter((report) => report.billing_period_start === start)
        .reduce((sum, { quantity }) => sum + quantity, 0);
    assert.deepEqual([await quantityOf(NOW), await quantityOf(END)], [0, -20]);
    await record(store, [change(4, { occurred_at: END - 1 })], END + 3 * MINUTE_MS);
    await close(store, END + 4 * MINUTE_MS, 'ended');
    assert.deepEqual([await quantityOf(NOW), await quantityOf(END)], [4, -20]);
    await assertQuantitiesAreSums(store, await reportsOf(store));
  });

  check('a period that comes out at nothing or more carries nothing', async (store) => {
    await subscribe(store);
    await record(store, [change(10), change(-10)]);
    await close(store, END, 'ended');
    await record(store, [change(-5)], END + DAY_MS);
    await close(store, END + 2 * DAY_MS);
    await record(store, [change(6)], END + 3 * DAY_MS);
    await close(store, Date.UTC(2026, 2, 10, 12), 'ended');
    const all = await reportsOf(store);
    assert.deepEqual(
      all.map(({ quantity }) => quantity),
      [0, -5, 6],
    );
  });

  check('periods that nobody pays for carry nothing', async (store) => {
    await record(store, [change(-5), change(-5, { account_id: 'trial' })]);
    await subscribe(store, 'trial', { trial_end: END });
    await close(store, END, 'ended');
    for (const account_id of [ACCOUNT, 'trial']) {
      const all = await reportsOf(store, account_id);
      assert.deepEqual(
        all.map(({ quantity }) => quantity),
        [-5],
      );
    }
  });

  check('nothing is carried past the end of a subscription', async (store) => {
    await subscribe(store, ACCOUNT, { ended_at: END });
    await record(store, [change(-5)]);
    await close(store, END, 'ended');
    assert.deepEqual(
      (await reportsOf(store)).map(({ quantity }) => quantity),
      [-5],
    );
  });

  check('what Stripe would no longer take is not carried but left to a person', async (store) => {
    await subscribe(store);
    await record(store, [change(-5)]);
    await close(store, END + 34 * DAY_MS, 'ended');
    assert.deepEqual(
      (await reportsOf(store)).map(({ quantity }) => quantity),
      [-5],
    );
  });

  check('more than 15 digits are carried as far as a report goes', async (store) => {
    await subscribe(store);
    await record(store, [change(-MAX_QUANTITY)]);
    await record(store, [change(-MAX_QUANTITY)], NOW + HOUR_MS);
    await close(store, NOW + DAY_MS);
    assert.equal((await close(store, END, 'ended')).closed, 1);
    const all = await reportsOf(store);
    assert.deepEqual(
      all.map(({ quantity }) => quantity),
      [-MAX_QUANTITY, -MAX_QUANTITY, MAX_QUANTITY, -MAX_QUANTITY],
    );
  });

  check('periods of many accounts are carried each by itself, also by closers at once', async (store) => {
    const ids = Array.from({ length: 12 }, (_, index) => `acct_${String(index).padStart(2, '0')}`);
    for (const account_id of ids) await subscribe(store, account_id);
    await record(
      store,
      ids.flatMap((account_id, index) =>
        [
          change(index, { account_id }),
          change(-6, { account_id }),
          change(-1, { account_id, meter: 'tokens' }),
        ].filter(({ quantity }) => quantity !== 0),
      ),
    );
    await Promise.all([close(store, END, 'ended'), close(store, END, 'ended'), close(store, END, 'ended')]);
    await close(store, END, 'ended');
    for (const [index, account_id] of ids.entries()) {
      const all = await reportsOf(store, account_id);
      const net = index - 6;
      const own = all.filter(({ billing_period_start }) => billing_period_start === NOW);
      const next = all.filter(({ billing_period_start }) => billing_period_start === END);
      assert.deepEqual(
        [own, next].map((reports) => reports.reduce((sum, { quantity }) => sum + quantity, 0)),
        [Math.max(0, net), Math.min(0, net)],
        account_id,
      );
    }
  });
}

async function reportsOf(store: Store, account_id = ACCOUNT): Promise<readonly UsageReport[]> {
  const params = { account_id, meter: 'credits', range: ALL_TIME };
  return (await store.listReportsWithUsage(params)).reports;
}

/** A subscription since {@link NOW}, so that the first billing period ends at {@link END}; read at `now`. */
async function subscribe(
  store: Store,
  account_id = ACCOUNT,
  fields: Partial<SubscriptionItem> = {},
  now = NOW,
): Promise<void> {
  const stripe_customer = account_id === ACCOUNT ? CUSTOMER : `cus_${account_id}`;
  await store.setAccount({ account_id, stripe_customer, now });
  const items = ['credits', 'tokens'].map((meter) =>
    itemFrom(NOW, {
      stripe_subscription: `sub_${account_id}`,
      stripe_subscription_item: `si_${account_id}_${meter}`,
      meter,
      ...fields,
    }),
  );
  await store.setSubscriptionItems({ account_id, stripe_customer, items, sync_due_at: null, now });
}
