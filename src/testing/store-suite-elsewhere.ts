import assert from 'node:assert/strict';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/instant.ts';
import type { Store } from '../core/store.ts';
import type { UnflushedBill } from '../core/unflushed-bill.ts';
import { ACCOUNT, ALL_TIME, type Check, CUSTOMER, END, entry, itemFrom, NOW } from './store-scene.ts';

const SWAP = NOW + DAY_MS;
const BILL: UnflushedBill = {
  account_id: ACCOUNT,
  meter: 'credits',
  period_start: NOW,
  bill_id: 1,
  period_end: SWAP,
  stripe_customer: CUSTOMER,
  quantity: 70,
  amount: 140,
  currency: 'usd',
  description: 'credits: 70',
  billed_at: SWAP + HOUR_MS,
  actor: 'ada',
  reason: 'Why.',
};

/** What every store must do with subscriptions that are changed at Stripe, and with what persons let be billed of them. */
export function testChangesElsewhere(check: Check): void {
  const sync = (store: Store, stripe_price: string, now: number, ended_at?: number) =>
    store.setSubscriptionItems({
      account_id: ACCOUNT,
      stripe_customer: CUSTOMER,
      items: [itemFrom(NOW, { stripe_price })],
      sync_due_at: null,
      now,
      ...(ended_at === undefined ? {} : { endings: [{ stripe_subscription_item: 'si_1', ended_at }] }),
    });
  const subscribe = async (store: Store) => {
    await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW });
    await sync(store, 'price_1', NOW);
  };
  const stretches = async (store: Store) =>
    ((await store.getAccount({ account_id: ACCOUNT }))?.items ?? [])
      .toSorted((a, b) => a.billed_from - b.billed_from)
      .map(({ stripe_price, billed_from, ended_at }) => [stripe_price, billed_from, ended_at]);
  const use = (store: Store, quantity: number, at: number) =>
    store.recordUsage({
      flush_id: `00000000-0000-7000-8000-${String(at).padStart(12, '0').slice(-12)}`,
      recorded_at: at,
      entries: [entry({ quantity })],
    });
  const event = (store: Store, event_id: string, created_at: number, fields: object = {}) =>
    store.receiveWebhookEvent({
      event_id,
      type: 'customer.subscription.updated',
      stripe_customer: CUSTOMER,
      object_id: 'sub_1',
      created_at,
      received_at: created_at + SECOND_MS,
      ...fields,
    });

  check(
    'an item whose price was swapped in place has two stretches, which later reads keep',
    async (store) => {
      await subscribe(store);
      await sync(store, 'price_2', SWAP + HOUR_MS, SWAP);
      const both = [
        ['price_1', NOW, SWAP],
        ['price_2', SWAP, null],
      ];
      assert.deepEqual(await stretches(store), both);
      await sync(store, 'price_2', SWAP + 2 * HOUR_MS);
      assert.deepEqual(await stretches(store), both);
    },
  );

  check(
    'a swap that nobody was asked about is placed by the newest event since the last read',
    async (store) => {
      await subscribe(store);
      await sync(store, 'price_1', SWAP - HOUR_MS);
      await event(store, 'evt_before', SWAP - 2 * HOUR_MS);
      await event(store, 'evt_1', SWAP - MINUTE_MS);
      await event(store, 'evt_2', SWAP);
      await event(store, 'evt_other', SWAP + MINUTE_MS, { object_id: 'sub_2' });
      await event(store, 'evt_invoice', SWAP + MINUTE_MS, { type: 'invoice.created' });
      const params = { stripe_subscription: 'sub_1', received_after: SWAP - HOUR_MS, limit: 10 };
      const events = await store.listSubscriptionEvents(params);
      assert.deepEqual(
        events.map(({ event_id, created_at }) => [event_id, created_at]),
        [
          ['evt_2', SWAP],
          ['evt_1', SWAP - MINUTE_MS],
        ],
      );
      assert.equal((await store.listSubscriptionEvents({ ...params, limit: 1 })).length, 1);
      await sync(store, 'price_2', SWAP + HOUR_MS);
      assert.deepEqual(await stretches(store), [
        ['price_1', NOW, SWAP],
        ['price_2', SWAP, null],
      ]);
    },
  );

  check(
    'usage is in the billing period of its price, and leaves a period that was cut short when it is billed next',
    async (store) => {
      await subscribe(store);
      await use(store, 20, SWAP - HOUR_MS);
      await use(store, 5, SWAP + MINUTE_MS);
      const now = SWAP + HOUR_MS;
      await sync(store, 'price_2', now, SWAP);
      const periods = async () =>
        (await store.listReports({ account_id: ACCOUNT, meter: 'credits', range: ALL_TIME })).reports
          .filter(({ quantity }) => quantity > 0)
          .map((report) => [
            report.quantity,
            report.billing_period_start,
            report.billing_period_end,
            report.late,
          ])
          .toSorted();
      assert.deepEqual(await periods(), [
        [20, NOW, SWAP, true],
        [5, SWAP, END, false],
      ]);
      const which = { which: 'ended', locked: 'wait', after: null, limit: 1, account_id: ACCOUNT } as const;
      await store.closeReports({ ...which, now });
      const [late] = (await store.listUnfinishedReports({ account_id: ACCOUNT })).filter(
        ({ quantity, status }) => quantity === 20 && status === 'closed',
      );
      assert.ok(late);
      const { account_id, meter, report_id } = late;
      assert.equal(await store.moveToCurrentPeriod({ report: { account_id, meter, report_id }, now }), true);
      assert.deepEqual(await periods(), [[25, SWAP, END, false]]);
    },
  );

  check('a bill is kept as it was written first, and the next has the next number', async (store) => {
    await subscribe(store);
    const { account_id, meter, period_start } = BILL;
    const scope = { account_id, meter, period_start };
    assert.deepEqual(await store.listUnflushedBills(scope), []);
    // Rows of SQLite have no prototype.
    const add = async (bill: UnflushedBill) => ({ ...(await store.addUnflushedBill(bill)) });
    const written = await Promise.all([add(BILL), add({ ...BILL, actor: 'grace', reason: 'Another.' })]);
    assert.equal(new Set(written.map(({ actor }) => actor)).size, 1);
    assert.deepEqual(await add({ ...BILL, amount: 1 }), written[0]);
    const second = { ...BILL, bill_id: 2, quantity: null, amount: 999_999_999_999 };
    assert.deepEqual(await add(second), second);
    const listed = await store.listUnflushedBills(scope);
    assert.deepEqual(
      listed.map((bill) => ({ ...bill })),
      [written[0], second],
    );
    for (const other of [{ account_id: 'acct_2' }, { meter: 'tokens' }, { period_start: SWAP }]) {
      assert.deepEqual(await store.listUnflushedBills({ ...scope, ...other }), []);
    }
    for (const wrong of [{ amount: 0 }, { quantity: 0 }, { reason: '' }, { period_end: NOW }]) {
      await assert.rejects(store.addUnflushedBill({ ...BILL, bill_id: 3, ...wrong }), {
        code: 'storage_failed',
      });
    }
  });
}
