import assert from 'node:assert/strict';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/instant.ts';
import type { Store } from '../core/store.ts';
import type { ReceiveWebhookEventParams } from '../core/webhook-event.ts';
import { ACCOUNT, agenda, type Check, CUSTOMER, NOW } from './store-scene.ts';

const IDENTIFIER = `tb_${'a'.repeat(64)}`;

const event = (fields: Partial<ReceiveWebhookEventParams> = {}): ReceiveWebhookEventParams => ({
  event_id: 'evt_1',
  type: 'invoice.created',
  stripe_customer: CUSTOMER,
  object_id: 'in_1',
  created_at: NOW - 1_000,
  received_at: NOW,
  ...fields,
});

/** What every store must do with Stripe's events. */
export function testWebhookEvents(check: Check): void {
  const link = (store: Store, stripe_customer = CUSTOMER, account_id = ACCOUNT, now = NOW - DAY_MS) =>
    store.setAccount({ account_id, stripe_customer, now });
  const account = async (store: Store, account_id = ACCOUNT) =>
    (await store.getAccount({ account_id }))?.account;
  const due = (store: Store, now = NOW, limit = 10) => store.listDueWebhookEvents({ now, limit });
  const all = (store: Store) => store.listWebhookEvents({ status: null, after: null, limit: 100 });

  check('an event is received once, and is due at once', async (store) => {
    await link(store);
    assert.equal((await agenda(store)).webhook_due_at, null);
    assert.equal(await store.receiveWebhookEvent(event()), 'received');
    assert.equal(await store.receiveWebhookEvent(event({ received_at: NOW + HOUR_MS })), 'duplicate');
    assert.equal((await agenda(store)).webhook_due_at, NOW);
    assert.deepEqual(await due(store, NOW - 1), []);
    const [received, ...others] = await due(store);
    assert.deepEqual(others, []);
    assert.deepEqual(
      { ...received },
      { ...event(), status: 'pending', attempts: 0, due_at: NOW, handled_at: null, last_error: null },
    );
  });

  check('an event that arrives many times at once is received once', async (store) => {
    await link(store);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => store.receiveWebhookEvent(event())));
    assert.deepEqual(outcomes.toSorted(), [...Array(7).fill('duplicate'), 'received']);
  });

  check('nothing is kept of a customer whom no account has; an event without customer is', async (store) => {
    assert.equal(await store.receiveWebhookEvent(event()), 'unknown_customer');
    assert.deepEqual(await all(store), []);
    assert.equal(await store.receiveWebhookEvent(event({ stripe_customer: null })), 'received');
  });

  check('handled events make the subscriptions of their customers due, and of nobody else', async (store) => {
    await link(store);
    await link(store, 'cus_2', 'acct_2');
    for (const account_id of [ACCOUNT, 'acct_2']) await store.setSyncDue({ account_id, sync_due_at: null });
    for (const event_id of ['evt_1', 'evt_2']) await store.receiveWebhookEvent(event({ event_id }));
    await store.syncWebhookCustomers({ events: await due(store), now: NOW + MINUTE_MS });
    assert.equal((await account(store))?.sync_due_at, NOW + MINUTE_MS);
    assert.equal((await account(store, 'acct_2'))?.sync_due_at, null);
    assert.deepEqual(await due(store, NOW + DAY_MS), []);
    assert.equal((await agenda(store)).webhook_due_at, null);
    for (const handled of await all(store)) {
      assert.deepEqual([handled.status, handled.handled_at], ['handled', NOW + MINUTE_MS]);
    }
    assert.equal(await store.receiveWebhookEvent(event()), 'duplicate');
  });

  check('what is due earlier or later is due since the event was handled', async (store) => {
    await link(store);
    await store.receiveWebhookEvent(event());
    const events = await due(store);
    for (const before of [NOW - HOUR_MS, NOW + HOUR_MS]) {
      await store.setSyncDue({ account_id: ACCOUNT, sync_due_at: before });
      await store.syncWebhookCustomers({ events, now: NOW });
      assert.equal((await account(store))?.sync_due_at, NOW);
    }
  });

  check(
    'subscriptions that were read after an event had arrived are not read again for it',
    async (store) => {
      await link(store);
      const items = { account_id: ACCOUNT, stripe_customer: CUSTOMER, items: [], sync_due_at: null };
      for (const [read, isDue] of [
        [NOW + 1, false],
        [NOW, true], // the reading may have begun before
        [NOW - 1, true],
      ] as const) {
        await store.setSubscriptionItems({ ...items, now: read });
        await store.receiveWebhookEvent(event({ event_id: `evt_${read}` }));
        await store.syncWebhookCustomers({ events: await due(store), now: NOW + 2 });
        assert.equal((await account(store))?.sync_due_at, isDue ? NOW + 2 : null);
      }
    },
  );

  check('an event whose customer was unlinked meanwhile is handled', async (store) => {
    await link(store);
    await store.receiveWebhookEvent(event());
    await store.setAccount({ account_id: ACCOUNT, stripe_customer: null, now: NOW });
    await store.syncWebhookCustomers({ events: await due(store), now: NOW });
    assert.equal((await account(store))?.sync_due_at, null);
    assert.equal((await all(store))[0]?.status, 'handled');
  });

  check(
    'due events come in their order, a batch at a time; one that waits lets others pass',
    async (store) => {
      for (const index of [3, 1, 2]) {
        const received_at = NOW - index;
        await store.receiveWebhookEvent(
          event({ event_id: `evt_${index}`, stripe_customer: null, received_at }),
        );
      }
      const changes = { attempts: 1, due_at: NOW + HOUR_MS, last_error: 'No.' };
      assert.equal(await store.changeWebhookEvent({ event_id: 'evt_3', attempts: 0, changes }), true);
      assert.equal(await store.changeWebhookEvent({ event_id: 'evt_3', attempts: 0, changes }), false);
      const ids = async (now: number, limit: number) =>
        (await due(store, now, limit)).map(({ event_id }) => event_id);
      assert.deepEqual(await ids(NOW, 10), ['evt_2', 'evt_1']);
      assert.deepEqual(await ids(NOW, 1), ['evt_2']);
      assert.deepEqual(await ids(NOW + HOUR_MS, 10), ['evt_2', 'evt_1', 'evt_3']);
    },
  );

  check('a parked event waits for a person, who can have it tried again', async (store) => {
    await store.receiveWebhookEvent(event({ stripe_customer: null }));
    assert.equal(await store.retryWebhookEvent({ event_id: 'evt_1', now: NOW }), false);
    const changes = { status: 'parked', attempts: 8, due_at: null, last_error: 'No.' } as const;
    assert.equal(await store.changeWebhookEvent({ event_id: 'evt_1', attempts: 0, changes }), true);
    assert.equal((await agenda(store)).webhook_due_at, null);
    const list = (status: 'parked' | 'pending') =>
      store.listWebhookEvents({ status, after: null, limit: 10 });
    assert.equal((await list('parked'))[0]?.last_error, 'No.');
    assert.deepEqual(await list('pending'), []);
    assert.equal(await store.retryWebhookEvent({ event_id: 'evt_1', now: NOW + 5 }), true);
    const [pending] = await list('pending');
    assert.deepEqual([pending?.attempts, pending?.due_at], [0, NOW + 5]);
    assert.equal(await store.retryWebhookEvent({ event_id: 'evt_2', now: NOW }), false);
  });

  check('events are listed in the order of their ids, a page at a time', async (store) => {
    for (const event_id of ['evt_b', 'evt_c', 'evt_a'])
      await store.receiveWebhookEvent(event({ event_id, stripe_customer: null }));
    const page = async (after: string | null) =>
      (await store.listWebhookEvents({ status: 'pending', after, limit: 2 })).map(({ event_id }) => event_id);
    assert.deepEqual(await page(null), ['evt_a', 'evt_b']);
    assert.deepEqual(await page('evt_b'), ['evt_c']);
  });

  check('events handled 35 days ago are forgotten; others stay', async (store) => {
    for (const event_id of ['evt_old', 'evt_new', 'evt_parked', 'evt_pending'])
      await store.receiveWebhookEvent(event({ event_id, stripe_customer: null }));
    const change = (event_id: string, changes: object) =>
      store.changeWebhookEvent({ event_id, attempts: 0, changes });
    await change('evt_old', { status: 'handled', due_at: null, handled_at: NOW });
    await change('evt_new', { status: 'handled', due_at: null, handled_at: NOW + 1 });
    await change('evt_parked', { status: 'parked', due_at: null });
    await store.maintain({ now: NOW + 35 * DAY_MS + 1, keys_before: 0, ledger_before: null });
    const ids = (await all(store)).map(({ event_id }) => event_id);
    assert.deepEqual(ids, ['evt_new', 'evt_parked', 'evt_pending']);
  });

  check(
    'asynchronous errors are kept with the reports that Stripe had accepted, and with no other',
    async (store) => {
      await link(store);
      const report = await reportedReport(store);
      const sample = (identifier: string | null) => ({
        code: 'meter_event_customer_not_found',
        message: 'No such customer.',
        identifier,
      });
      const errors = { error_count: 9, validated_from: null, validated_until: null };
      const unknown = { ...errors, samples: [sample(null), sample(`tb_${'b'.repeat(64)}`)] };
      assert.deepEqual(await store.noteMeterErrors({ errors: unknown, now: NOW }), { noted: [] });
      const known = { ...errors, samples: [sample(null), sample(IDENTIFIER), sample(IDENTIFIER)] };
      const { noted } = await store.noteMeterErrors({ errors: known, now: NOW });
      assert.deepEqual(
        noted.map((key) => ({ ...key })),
        [report],
      );
      const [first] = await store.listUnfinishedReports({ account_id: ACCOUNT });
      assert.deepEqual(
        [first?.status, first?.reason, first?.due_at, first?.last_error],
        ['reported', 'rejected', NOW, 'meter_event_customer_not_found: No such customer.'],
      );
      const proven = { verified_at: NOW + 1, reason: null, due_at: null, last_error: null };
      await store.changeReport({ report, from: 'reported', attempts: 1, changes: proven });
      assert.deepEqual(await store.noteMeterErrors({ errors: known, now: NOW + 2 }), { noted: [] });
    },
  );
}

/** A report that Stripe has accepted. */
async function reportedReport(store: Store) {
  const entry = { account_id: ACCOUNT, meter: 'credits', quantity: 5, occurred_at: null };
  await store.recordUsage({
    flush_id: '01890000-0000-7000-8000-000000000001',
    recorded_at: NOW - HOUR_MS,
    entries: [{ ...entry, idempotency_key: null, content: null, properties: null }],
  });
  await store.closeReports({
    now: NOW,
    which: 'all',
    account_id: null,
    after: null,
    locked: 'skip',
    limit: 1,
  });
  const report = { account_id: ACCOUNT, meter: 'credits', report_id: 1 };
  const { reports } = await store.listReportsWithUsage({
    account_id: ACCOUNT,
    meter: 'credits',
    range: { start: 0, end: Date.UTC(2100, 0, 1) },
  });
  const slot = (reports[0]?.period_end ?? 0) - 30_000;
  const sent = { stripe_customer: CUSTOMER, identifier: IDENTIFIER, slot, first_attempt_at: NOW };
  await store.changeReport({
    report,
    from: 'closed',
    attempts: 0,
    changes: { ...sent, status: 'sending', attempts: 1 },
  });
  const reported = { status: 'reported', reported_at: NOW, due_at: null } as const;
  assert.equal(await store.changeReport({ report, from: 'sending', attempts: 1, changes: reported }), true);
  return report;
}
