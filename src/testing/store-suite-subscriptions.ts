import assert from 'node:assert/strict';
import { DAY_MS, HOUR_MS } from '../core/instant.ts';
import type { SetSubscriptionItemsParams, Store } from '../core/store.ts';
import type { BillingSubscription } from '../core/stripe-subscription.ts';
import { ACCOUNT, type Check, CUSTOMER, END, itemFrom, NOW } from './store-scene.ts';

const subscription = (fields: Partial<BillingSubscription> = {}): BillingSubscription => ({
  stripe_subscription: 'sub_1',
  status: 'active',
  billing_mode: 'flexible',
  currency: 'usd',
  plan: 'pro',
  interval: 'month',
  seats: null,
  created_at: NOW,
  trial_end: null,
  cancel_at_period_end: false,
  cancel_at: null,
  ended_at: null,
  current_period_start: NOW,
  current_period_end: END,
  action: null,
  hosted_invoice_url: null,
  ...fields,
});

const WITH_EVERYTHING = subscription({
  stripe_subscription: 'sub_2',
  status: 'past_due',
  billing_mode: 'classic',
  seats: 12,
  trial_end: NOW + DAY_MS,
  cancel_at_period_end: true,
  cancel_at: END,
  action: 'confirm',
  hosted_invoice_url: 'https://invoice.example/1',
});
const WITH_NOTHING = subscription({
  stripe_subscription: 'sub_3',
  status: 'incomplete_expired',
  plan: null,
  interval: null,
  ended_at: NOW,
  current_period_start: null,
  current_period_end: null,
});

/** What every store must do with subscriptions, and with whom they link. */
export function testSubscriptions(check: Check): void {
  const read = (fields: Partial<SetSubscriptionItemsParams> = {}): SetSubscriptionItemsParams => ({
    account_id: ACCOUNT,
    stripe_customer: CUSTOMER,
    items: [],
    sync_due_at: null,
    now: NOW,
    ...fields,
  });
  const link = (store: Store, fields: { account_id?: string; stripe_customer?: string } = {}) =>
    store.linkAccount({ account_id: ACCOUNT, stripe_customer: CUSTOMER, now: NOW, ...fields });
  const list = async (store: Store, account_id = ACCOUNT) =>
    (await store.listSubscriptions({ account_id })).map((row) => ({ ...row }));
  const seenOf = async (store: Store) => {
    const found = await store.getAccount({ account_id: ACCOUNT });
    return { synced_at: found?.account.synced_at ?? null, sync_due_at: found?.account.sync_due_at ?? null };
  };
  const planOf = async (store: Store) => (await store.getAccount({ account_id: ACCOUNT }))?.account.plan;

  check('subscriptions are kept as they were read, with the plan and the items', async (store) => {
    await link(store);
    assert.deepEqual(await list(store), []);
    const subscriptions = [subscription(), WITH_EVERYTHING, WITH_NOTHING];
    await store.setSubscriptionItems(read({ subscriptions, plan: 'pro', items: [itemFrom(NOW)] }));
    assert.deepEqual(await list(store), subscriptions);
    assert.equal(await planOf(store), 'pro');
    assert.equal((await store.getAccount({ account_id: ACCOUNT }))?.items.length, 1);
    assert.deepEqual(await list(store, 'acct_2'), []);
  });

  check('what is read later replaces what was known; what is not told stays', async (store) => {
    await link(store);
    await store.setSubscriptionItems(read({ subscriptions: [subscription(), WITH_NOTHING], plan: 'pro' }));
    const ended = subscription({ status: 'canceled', ended_at: NOW + HOUR_MS });
    await store.setSubscriptionItems(read({ subscriptions: [ended], now: NOW + HOUR_MS, plan: null }));
    assert.deepEqual(await list(store), [ended]);
    assert.equal(await planOf(store), null);
    await store.setSubscriptionItems(read({ now: NOW + DAY_MS }));
    assert.deepEqual(await list(store), [ended]);
    await store.setSubscriptionItems(read({ subscriptions: [], plan: undefined }));
    assert.deepEqual(await list(store), []);
    assert.equal(await planOf(store), null);
  });

  check('what was read of a customer whom the account no longer has changes nothing', async (store) => {
    await link(store);
    const other = read({ stripe_customer: 'cus_2', subscriptions: [subscription()], plan: 'pro' });
    assert.equal(await store.setSubscriptionItems(other), 'other_customer');
    assert.deepEqual(await list(store), []);
    assert.equal(await planOf(store), null);
  });

  check(
    'of two reads that were under way at once the first that is stored stays, whatever the clocks say',
    async (store) => {
      await link(store);
      const seen = await seenOf(store);
      const ended = subscription({ status: 'canceled', ended_at: NOW });
      const first = read({ seen, subscriptions: [ended], plan: null });
      assert.equal(await store.setSubscriptionItems(first), 'stored');
      const now = NOW + HOUR_MS;
      const second = read({
        seen,
        subscriptions: [subscription()],
        plan: 'pro',
        items: [itemFrom(NOW)],
        now,
      });
      assert.equal(await store.setSubscriptionItems(second), 'overtaken');
      assert.deepEqual(await list(store), [ended]);
      assert.equal(await planOf(store), null);
      assert.deepEqual(await seenOf(store), { synced_at: NOW, sync_due_at: now });
      assert.equal(await store.setSubscriptionItems({ ...second, seen: await seenOf(store) }), 'stored');
      assert.deepEqual(await list(store), [subscription()]);
      assert.deepEqual(await seenOf(store), { synced_at: now, sync_due_at: null });
    },
  );

  check('what becomes due while subscriptions are read stays due', async (store) => {
    await link(store);
    for (const [due, planned, after] of [
      [NOW + 1, null, NOW + 1],
      [NOW + 2, NOW + DAY_MS, NOW + 2],
      [NOW + DAY_MS, NOW + HOUR_MS, NOW + HOUR_MS],
      [null, NOW + HOUR_MS, NOW + HOUR_MS],
    ] as const) {
      const seen = await seenOf(store);
      await store.setSyncDue({ account_id: ACCOUNT, sync_due_at: due });
      assert.equal(await store.setSubscriptionItems(read({ seen, sync_due_at: planned })), 'stored');
      assert.equal((await seenOf(store)).sync_due_at, after);
    }
    await store.setSubscriptionItems(read({ seen: await seenOf(store) }));
    assert.equal((await seenOf(store)).sync_due_at, null);
  });

  check('with its customer an account loses what is known of subscriptions', async (store) => {
    await link(store);
    await store.setSubscriptionItems(read({ subscriptions: [subscription()], plan: 'pro' }));
    await store.setAccount({ account_id: ACCOUNT, plan: 'pro', now: NOW });
    assert.equal((await list(store)).length, 1);
    await store.setAccount({ account_id: ACCOUNT, stripe_customer: null, now: NOW });
    assert.deepEqual(await list(store), []);
  });

  check('an account is linked once: later customers find it as it is', async (store) => {
    const linked = await link(store);
    assert.deepEqual([linked.stripe_customer, linked.sync_due_at], [CUSTOMER, NOW]);
    assert.equal((await link(store, { stripe_customer: 'cus_2' })).stripe_customer, CUSTOMER);
    assert.equal((await store.findAccount({ stripe_customer: CUSTOMER }))?.account_id, ACCOUNT);
    assert.equal(await store.findAccount({ stripe_customer: 'cus_2' }), null);
  });

  check('of many that link an account at once all get the same customer', async (store) => {
    const customers = Array.from({ length: 8 }, (_, index) => `cus_${index}`);
    const linked = await Promise.all(customers.map((stripe_customer) => link(store, { stripe_customer })));
    assert.equal(new Set(linked.map(({ stripe_customer }) => stripe_customer)).size, 1);
  });

  check('a customer of another account links nobody else', async (store) => {
    await link(store);
    await assert.rejects(link(store, { account_id: 'acct_2' }), { code: 'stripe_customer_taken' });
    const other = await store.getAccount({ account_id: 'acct_2' });
    assert.equal(other?.account.stripe_customer ?? null, null);
  });

  check(
    'an event that names an account without a customer is kept, of any other it is not',
    async (store) => {
      const receive = (event_id: string, account_id: string | null) =>
        store.receiveWebhookEvent({
          event_id,
          type: 'customer.subscription.created',
          stripe_customer: CUSTOMER,
          object_id: 'sub_1',
          account_id,
          created_at: NOW,
          received_at: NOW,
        });
      await store.setAccount({ account_id: ACCOUNT, now: NOW });
      await link(store, { account_id: 'acct_2', stripe_customer: 'cus_2' });
      assert.equal(await receive('evt_1', ACCOUNT), 'received');
      assert.equal(await receive('evt_2', 'acct_2'), 'unknown_customer');
      assert.equal(await receive('evt_3', 'acct_3'), 'unknown_customer');
      assert.equal(await receive('evt_4', null), 'unknown_customer');
      const [event] = await store.listDueWebhookEvents({ now: NOW, limit: 10 });
      assert.deepEqual([event?.event_id, event?.object_id], ['evt_1', 'sub_1']);
    },
  );
}
