import assert from 'node:assert/strict';
import { SECOND_MS } from '../core/instant.ts';
import type { RequestChangeParams, Store } from '../core/store.ts';
import { ACCOUNT, type Check, CUSTOMER, itemFrom, NOW } from './store-scene.ts';

const SEATS: RequestChangeParams = {
  account_id: ACCOUNT,
  kind: 'seats',
  stripe_subscription: 'sub_1',
  plan: null,
  interval: null,
  seats: 3,
  now: NOW,
};

/** What every store must do with changes of seats, which wait for each other. */
export function testSeats(check: Check): void {
  const begin = async (store: Store) => {
    await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW });
    return await store.requestChange(SEATS);
  };
  const end = (store: Store, change_id: number) =>
    store.completeChange({
      change: { account_id: ACCOUNT, change_id },
      stripe_customer: CUSTOMER,
      items: [itemFrom(NOW)],
      changed_at: NOW + SECOND_MS,
      sync_due_at: null,
      now: NOW + SECOND_MS,
    });

  check('a change that was decided by what was before another one is refused', async (store) => {
    const first = await begin(store);
    assert.equal(await end(store, first.change_id), true);
    await assert.rejects(store.requestChange({ ...SEATS, after: 0 }), { code: 'change_pending' });
    const second = await store.requestChange({ ...SEATS, seats: 4, after: first.change_id });
    assert.equal(second.change_id, 2);
    assert.deepEqual({ ...(await store.getLastChange({ account_id: ACCOUNT })) }, second);
  });

  check('a change is found by its number, also after another one, with what was asked for', async (store) => {
    const proration_date = NOW - SECOND_MS;
    await store.setAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW });
    const first = await store.requestChange({ ...SEATS, proration_date });
    await end(store, first.change_id);
    await store.requestChange({ ...SEATS, seats: 4 });
    const found = await store.getChange(first);
    assert.deepEqual(
      { ...found },
      {
        ...first,
        proration_date,
        status: 'done',
        due_at: null,
        changed_at: NOW + SECOND_MS,
      },
    );
    assert.equal(await store.getChange({ account_id: ACCOUNT, change_id: 3 }), null);
    assert.equal(await store.getChange({ account_id: 'acct_2', change_id: 1 }), null);
  });

  check(
    'an attempt of a change is made by one, and remembers the failures that Stripe keeps',
    async (store) => {
      const change = await begin(store);
      const attempt = () =>
        store.changeChange({
          change,
          from: 'applying',
          attempts: 0,
          changes: { attempts: 1, due_at: NOW + 1 },
        });
      assert.deepEqual((await Promise.all([attempt(), attempt()])).sort(), [false, true]);
      const changes = { kept_failures: 1, due_at: NOW + 2, last_error: 'An unknown error occurred' };
      assert.equal(await store.changeChange({ change, from: 'applying', attempts: 1, changes }), true);
      assert.deepEqual({ ...(await store.getChange(change)) }, { ...change, ...changes, attempts: 1 });
    },
  );
}
