import assert from 'node:assert/strict';
import type { SubscriptionItem } from '../core/billing-period.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/instant.ts';
import type { RequestChangeParams, Store, UsageEntry } from '../core/store.ts';
import {
  ACCOUNT,
  ALL_TIME,
  agenda,
  assertQuantitiesAreSums,
  type Check,
  CUSTOMER,
  END,
  entry,
  itemFrom,
  NOW,
} from './store-scene.ts';

/** When the change is asked for; it counts from the next whole second. */
const ASKED = NOW + HOUR_MS + 123;
const REQUESTED = NOW + HOUR_MS + SECOND_MS;
const CHANGED = REQUESTED + 4 * MINUTE_MS;
const CHANGE = { account_id: ACCOUNT, change_id: 1 };
/** The report that has the first usage. */
const FIRST = { account_id: ACCOUNT, meter: 'credits', report_id: 1 };
const EACH = { which: 'all', account_id: ACCOUNT, after: null, locked: 'wait', limit: 1 } as const;
const REQUEST: RequestChangeParams = {
  account_id: ACCOUNT,
  kind: 'plan',
  stripe_subscription: 'sub_1',
  plan: 'business',
  interval: 'month',
  seats: null,
  now: ASKED,
};
/** What Stripe bills by once it has changed the subscription. */
const NEW_ITEM = itemFrom(CHANGED, {
  stripe_subscription_item: 'si_2',
  anchor: NOW,
  current_period_end: END,
});

/** What every store must do with changes of subscriptions. */
export function testChanges(check: Check, uuid: () => string): void {
  const record = async (store: Store, recorded_at: number, entries: readonly UsageEntry[]) => {
    const { failure } = await store.recordUsage({ flush_id: uuid(), recorded_at, entries });
    assert.equal(failure, null);
  };
  const setItems = (store: Store, items: readonly SubscriptionItem[], now: number) =>
    store.setSubscriptionItems({
      account_id: ACCOUNT,
      stripe_customer: CUSTOMER,
      items,
      sync_due_at: null,
      now,
    });
  /** 70 units at the old price, an hour later. */
  const subscribe = async (store: Store, fields: Partial<SubscriptionItem> = {}) => {
    await store.setAccount({ account_id: ACCOUNT, plan: 'pro', stripe_customer: CUSTOMER, now: NOW });
    await setItems(store, [itemFrom(NOW, fields)], NOW);
    await record(store, NOW + MINUTE_MS, [entry({ quantity: 70 })]);
  };
  /** The worker has sent what was sealed. */
  const send = async (store: Store, report = FIRST, slot = NOW + 30 * SECOND_MS) => {
    const identifier = `tb_${report.report_id}`;
    const intent = { stripe_customer: CUSTOMER, identifier, slot, first_attempt_at: ASKED } as const;
    const sending = { status: 'sending', attempts: 1, due_at: ASKED, ...intent } as const;
    await store.changeReport({ report, from: 'closed', attempts: 0, changes: sending });
    const accepted = { status: 'reported', reported_at: ASKED, due_at: null } as const;
    await store.changeReport({ report, from: 'sending', attempts: 1, changes: accepted });
  };
  const complete = (store: Store, items: readonly SubscriptionItem[], now = CHANGED) =>
    store.completeChange({
      change: CHANGE,
      stripe_customer: CUSTOMER,
      items,
      changed_at: CHANGED,
      sync_due_at: null,
      now,
    });
  const reports = async (store: Store) => {
    const all = await store.listReportsWithUsage({ account_id: ACCOUNT, meter: 'credits', range: ALL_TIME });
    await assertQuantitiesAreSums(store, all.reports);
    return all.reports;
  };
  const places = async (store: Store) =>
    (await reports(store)).map(({ quantity, status, billing_period_start }) => [
      quantity,
      status,
      billing_period_start,
    ]);
  const account = async (store: Store) => (await store.getAccount({ account_id: ACCOUNT }))?.account;

  check('a change seals what was used until it was asked for, up to the next whole second', async (store) => {
    await subscribe(store);
    const change = await store.requestChange(REQUEST);
    assert.deepEqual(change, { ...(await store.getLastChange({ account_id: ACCOUNT })) });
    assert.equal(change.requested_at, REQUESTED);
    assert.equal((await account(store))?.change_requested_at, REQUESTED);
    assert.equal((await agenda(store)).change_due_at, ASKED);
    await record(store, ASKED + 1, [entry({ quantity: 5 })]);
    const [sealed, open] = await reports(store);
    assert.deepEqual([sealed?.quantity, sealed?.status, sealed?.period_end], [70, 'closed', REQUESTED]);
    assert.deepEqual([open?.quantity, open?.status, open?.period_start], [5, 'open', REQUESTED]);
  });

  check(
    'what was used in the second of a request, after reports were sealed in it, is sealed as well',
    async (store) => {
      await subscribe(store);
      await record(store, ASKED - 2, [entry({ quantity: 5 })]);
      await store.closeReports({ now: ASKED - 2, ...EACH });
      await record(store, ASKED - 1, [entry({ quantity: 7 })]);
      const change = await store.requestChange(REQUEST);
      assert.equal(change.requested_at, REQUESTED + SECOND_MS);
      await record(store, ASKED, [entry({ quantity: 9 })]);
      const times = (await reports(store)).map(({ quantity, status, period_start, period_end }) => [
        quantity,
        status,
        period_start,
        period_end,
      ]);
      assert.deepEqual(times.slice(-3), [
        [75, 'closed', NOW, REQUESTED],
        [7, 'closed', REQUESTED, REQUESTED + SECOND_MS],
        [9, 'open', REQUESTED + SECOND_MS, null],
      ]);
    },
  );

  check('what was used right after such a request belongs to the change as well', async (store) => {
    await subscribe(store);
    await record(store, ASKED - 2, [entry({ quantity: 5 })]);
    await store.closeReports({ now: ASKED - 2, ...EACH });
    await record(store, ASKED - 1, [entry({ quantity: 7 })]);
    const { requested_at } = await store.requestChange(REQUEST);
    await record(store, ASKED + 1, [entry({ quantity: 9 })]);
    await record(store, requested_at + 1, [entry({ quantity: 11 })]);
    await complete(store, [NEW_ITEM]);
    const since = (await places(store)).filter(([, , start]) => start === requested_at);
    assert.deepEqual(since, [[20, 'open', requested_at]]);
  });

  check(
    'what was sealed for a change and is billed next stays open where the request is in the period before',
    async (store) => {
      await subscribe(store);
      await store.requestChange({ ...REQUEST, now: END - 10 * MINUTE_MS });
      await record(store, END - 5 * MINUTE_MS, [entry({ quantity: 5 })]);
      await store.closeReports({ now: END + SECOND_MS, ...EACH });
      await record(store, END + MINUTE_MS, [entry({ quantity: 9 })]);
      assert.equal(await store.moveToCurrentPeriod({ report: FIRST, now: END + 2 * HOUR_MS }), true);
      const [moved] = (await places(store)).filter(([, , start]) => start === END);
      assert.deepEqual(moved, [79, 'open', END]);
    },
  );

  for (const before of [[], [20]]) {
    check(
      `what is billed next is not sealed with what was used since a request (${before.length})`,
      async (store) => {
        await subscribe(store);
        for (const quantity of before) await record(store, END + HOUR_MS, [entry({ quantity })]);
        const { requested_at } = await store.requestChange({ ...REQUEST, now: END + 3 * HOUR_MS + 123 });
        await record(store, requested_at + 10 * MINUTE_MS, [entry({ quantity: 3 })]);
        const now = requested_at + 11 * MINUTE_MS;
        assert.equal(await store.moveToCurrentPeriod({ report: FIRST, now }), true);
        await store.closeReports({ now: now + MINUTE_MS, ...EACH });
        const found = (await reports(store)).filter(
          ({ status, quantity }) => status !== 'voided' && quantity > 0,
        );
        const places = found.map(({ quantity, period_start }) => [quantity, period_start >= requested_at]);
        assert.deepEqual(
          new Set(places.map(String)),
          new Set([...before, 70].map((used) => `${used},false`).concat('3,true')),
        );
      },
    );
  }

  const adjust = (store: Store, recorded_at: number, quantity: number) =>
    record(store, recorded_at, [
      entry({ quantity, properties: '{"adjustment":{"actor":null,"reason":"test"}}' }),
    ]);
  const fail = async (store: Store, change_id = 1) => {
    const change = { account_id: ACCOUNT, change_id };
    const ended = {
      status: 'failed',
      due_at: null,
      error_code: 'price_not_found',
      last_error: 'No.',
    } as const;
    assert.equal(await store.changeChange({ change, from: 'flushing', attempts: 0, changes: ended }), true);
  };

  check(
    'what the period is short of when a plan change is asked for is taken out of what is used afterwards',
    async (store) => {
      await subscribe(store);
      await store.closeReports({ now: NOW + 30 * MINUTE_MS, ...EACH });
      await send(store);
      await adjust(store, NOW + 40 * MINUTE_MS, -100);
      await store.requestChange(REQUEST);
      await record(store, ASKED + MINUTE_MS, [entry({ quantity: 9 })]);
      assert.deepEqual(await places(store), [
        [70, 'reported', NOW],
        [-70, 'closed', NOW],
        [-21, 'open', NOW],
      ]);
      await send(store, { ...FIRST, report_id: 2 }, NOW + 45 * MINUTE_MS);
      await complete(store, [NEW_ITEM]);
      assert.deepEqual(await places(store), [
        [70, 'reported', NOW],
        [-70, 'reported', NOW],
        [-21, 'open', REQUESTED],
      ]);
    },
  );

  check(
    'it is taken out also where everything was sealed before, in the second of the request',
    async (store) => {
      await subscribe(store);
      await adjust(store, ASKED - 2, -100);
      await store.closeReports({ now: ASKED - 1, ...EACH });
      const { requested_at } = await store.requestChange(REQUEST);
      assert.equal(requested_at, REQUESTED + SECOND_MS);
      const times = (await reports(store)).map(({ quantity, status, period_start, period_end }) => [
        quantity,
        status,
        period_start,
        period_end,
      ]);
      assert.deepEqual(times, [
        [-30, 'closed', NOW, REQUESTED],
        [30, 'closed', REQUESTED, requested_at],
        [-30, 'open', requested_at, null],
      ]);
      const [, from, to] = await reports(store);
      const page = async (report: typeof from) =>
        report ? (await store.listEvents({ report, after: null, limit: 10 })).events : [];
      for (const report of [from, to]) {
        const [event, ...others] = await page(report);
        assert.deepEqual(others, []);
        assert.equal(event?.properties, '{"carried_forward":{"from_report":2,"to_report":3}}');
      }
    },
  );

  check(
    'where the change fails, or another one is made then, the period is as short as it was',
    async (store) => {
      await subscribe(store);
      await adjust(store, NOW + 40 * MINUTE_MS, -100);
      await store.requestChange(REQUEST);
      await fail(store);
      const net = async (start: number) =>
        (await reports(store))
          .filter(({ status, billing_period_start }) => status !== 'voided' && billing_period_start === start)
          .reduce((sum, { quantity }) => sum + quantity, 0);
      assert.equal(await net(NOW), -30);
      await store.requestChange({ ...REQUEST, now: ASKED + MINUTE_MS });
      await fail(store, 2);
      assert.equal(await net(NOW), -30);
      await store.closeReports({ now: END, ...EACH });
      assert.deepEqual([await net(NOW), await net(END)], [0, -30]);
    },
  );

  for (const [what, fields, request] of [
    ['before a cancellation', {}, { kind: 'cancel', plan: 'free', interval: null }],
    ['in a trial', { trial_end: NOW + 10 * DAY_MS }, {}],
    ['in the last seconds of a period', { current_period_end: REQUESTED + SECOND_MS, anchor: REQUESTED }, {}],
  ] as const) {
    check(`nothing is taken out ${what}`, async (store) => {
      await subscribe(store, fields);
      await adjust(store, NOW + 40 * MINUTE_MS, -100);
      await store.requestChange({ ...REQUEST, ...request });
      const quantities = (await reports(store)).map(({ quantity }) => quantity);
      assert.deepEqual(quantities, [-30]);
    });
  }

  check('one change of an account is under way at a time, whoever asks', async (store) => {
    await subscribe(store);
    const both = await Promise.allSettled([store.requestChange(REQUEST), store.requestChange(REQUEST)]);
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    await assert.rejects(store.requestChange({ ...REQUEST, kind: 'seats', seats: 3 }), {
      code: 'change_pending',
    });
    assert.deepEqual(
      (await store.listDueChanges({ now: ASKED, limit: 10 })).map(({ change_id }) => change_id),
      [1],
    );
    assert.deepEqual(await store.listDueChanges({ now: ASKED - 1, limit: 10 }), []);
  });

  check(
    'what was used since the request has the new price, however late Stripe changed it',
    async (store) => {
      await subscribe(store);
      await store.requestChange(REQUEST);
      await send(store);
      await record(store, ASKED + 2 * MINUTE_MS, [entry({ quantity: 30 })]);
      assert.equal(await complete(store, [NEW_ITEM]), true);
      await record(store, CHANGED + MINUTE_MS, [entry({ quantity: 4 })]);
      const found = await places(store);
      assert.deepEqual(found, [
        [70, 'reported', NOW],
        [34, 'open', REQUESTED],
      ]);
      assert.equal((await account(store))?.plan, 'business');
      assert.equal((await account(store))?.change_requested_at, null);
      assert.equal((await store.getLastChange({ account_id: ACCOUNT }))?.changed_at, CHANGED);
      assert.equal((await agenda(store)).change_due_at, null);
    },
  );

  check('a later reading of the subscription keeps the moment of the request', async (store) => {
    await subscribe(store);
    await store.requestChange(REQUEST);
    await send(store);
    await record(store, ASKED + 2 * MINUTE_MS, [entry({ quantity: 30 })]);
    await complete(store, [NEW_ITEM]);
    await setItems(store, [NEW_ITEM], CHANGED + DAY_MS);
    const items = (await store.getAccount({ account_id: ACCOUNT }))?.items ?? [];
    const times = items.map((item) => [item.stripe_subscription_item, item.started_at, item.ended_at]);
    assert.deepEqual(times.toSorted(), [
      ['si_1', NOW, REQUESTED],
      ['si_2', REQUESTED, null],
    ]);
    assert.deepEqual(await places(store), [
      [70, 'reported', NOW],
      [30, 'open', REQUESTED],
    ]);
  });

  check('a change that was read from Stripe before it is completed comes to the same', async (store) => {
    await subscribe(store);
    await store.requestChange(REQUEST);
    await send(store);
    await record(store, ASKED + 2 * MINUTE_MS, [entry({ quantity: 30 })]);
    await setItems(store, [NEW_ITEM], CHANGED + SECOND_MS);
    await complete(store, [NEW_ITEM], CHANGED + MINUTE_MS);
    assert.deepEqual(await places(store), [
      [70, 'reported', NOW],
      [30, 'open', REQUESTED],
    ]);
  });

  check(
    'what was used before the request is sealed for it again when a trial turns out to have ended by then',
    async (store) => {
      await subscribe(store, { trial_end: NOW + 10 * DAY_MS, current_period_end: NOW + 10 * DAY_MS });
      await store.requestChange(REQUEST);
      // In the second of the request, after it: the new price bills it.
      await record(store, ASKED + 1, [entry({ quantity: 5 })]);
      await setItems(store, [itemFrom(NOW, { trial_end: REQUESTED - HOUR_MS })], ASKED + MINUTE_MS);
      const [sealed, open, ...others] = await reports(store);
      const { status, due_at, quantity, billing_period_start, period_end } = sealed ?? {};
      assert.deepEqual(
        { status, due_at, quantity, billing_period_start, period_end },
        {
          status: 'closed',
          due_at: ASKED + MINUTE_MS,
          quantity: 70,
          billing_period_start: REQUESTED - HOUR_MS,
          period_end: REQUESTED,
        },
      );
      assert.deepEqual([open?.quantity, open?.status, open?.period_start], [5, 'open', REQUESTED]);
      assert.deepEqual(others, []);
      await complete(store, [NEW_ITEM]);
      const [, after] = await reports(store);
      assert.deepEqual([after?.quantity, after?.billing_period_start], [5, REQUESTED]);
    },
  );

  check('several reports that were sealed before the request are sealed again as one', async (store) => {
    const trial = { trial_end: NOW + 10 * DAY_MS, current_period_end: NOW + 10 * DAY_MS };
    await subscribe(store, trial);
    const all = { which: 'all', account_id: ACCOUNT, after: null, locked: 'wait', limit: 1 } as const;
    await store.closeReports({ now: NOW + 30 * MINUTE_MS, ...all });
    await record(store, ASKED - MINUTE_MS, [entry({ quantity: 8 })]);
    await store.requestChange(REQUEST);
    await record(store, ASKED + 1, [entry({ quantity: 5 })]);
    await setItems(store, [itemFrom(NOW, { trial_end: NOW + 1_000 })], ASKED + MINUTE_MS);
    assert.deepEqual(await places(store), [
      [78, 'closed', NOW + 1_000],
      [5, 'open', NOW + 1_000],
    ]);
  });

  check(
    'what is paid for only now is late where everything until the request has been sent',
    async (store) => {
      const trial_end = REQUESTED - 10 * MINUTE_MS;
      await subscribe(store, { trial_end, current_period_end: trial_end });
      await record(store, trial_end + MINUTE_MS, [entry({ quantity: 8 })]);
      await store.requestChange(REQUEST);
      const rows = await reports(store);
      const paid = rows.find(({ quantity }) => quantity === 8);
      const report = { account_id: ACCOUNT, meter: 'credits', report_id: paid?.report_id ?? 0 };
      const slot = trial_end + 30 * SECOND_MS;
      const intent = {
        stripe_customer: CUSTOMER,
        identifier: 'tb_8',
        slot,
        first_attempt_at: ASKED,
      } as const;
      const sending = { status: 'sending', attempts: 1, due_at: ASKED, ...intent } as const;
      assert.equal(await store.changeReport({ report, from: 'closed', attempts: 0, changes: sending }), true);
      await setItems(store, [itemFrom(NOW, { trial_end: NOW + 1_000 })], ASKED + MINUTE_MS);
      const moved = (await reports(store)).find(({ quantity }) => quantity === 70);
      assert.deepEqual([moved?.status, moved?.late, moved?.period_end], ['closed', true, REQUESTED]);
    },
  );

  check('a cancellation leaves what is used afterwards to nobody', async (store) => {
    await subscribe(store);
    await store.requestChange({ ...REQUEST, kind: 'cancel', plan: 'free', interval: null });
    await send(store);
    await record(store, ASKED + MINUTE_MS, [entry({ quantity: 30 })]);
    await complete(store, [itemFrom(NOW, { ended_at: CHANGED })]);
    assert.deepEqual(await places(store), [
      [70, 'reported', NOW],
      [30, 'open', REQUESTED],
    ]);
    const items = (await store.getAccount({ account_id: ACCOUNT }))?.items ?? [];
    assert.deepEqual(
      items.map(({ ended_at }) => ended_at),
      [REQUESTED],
    );
    assert.equal((await account(store))?.plan, 'free');
  });

  check('a change that failed changes nothing, and makes room for the next', async (store) => {
    await subscribe(store);
    await store.requestChange(REQUEST);
    await record(store, ASKED + MINUTE_MS, [entry({ quantity: 30 })]);
    const failing = { change: CHANGE, from: 'flushing', attempts: 0 } as const;
    const changes = {
      status: 'failed',
      due_at: null,
      error_code: 'price_not_found',
      last_error: 'None.',
    } as const;
    assert.equal(await store.changeChange({ ...failing, changes }), true);
    assert.equal((await account(store))?.change_requested_at, null);
    assert.equal((await account(store))?.plan, 'pro');
    assert.deepEqual(await places(store), [
      [70, 'closed', NOW],
      [30, 'open', NOW],
    ]);
    assert.equal((await store.requestChange({ ...REQUEST, now: CHANGED })).change_id, 2);
  });

  check('of two workers at one attempt, one makes it; what has ended stays as it is', async (store) => {
    await subscribe(store);
    await store.requestChange(REQUEST);
    const attempt = { change: CHANGE, from: 'flushing', attempts: 0 } as const;
    const changes = { status: 'applying', attempts: 1 } as const;
    const both = await Promise.all([
      store.changeChange({ ...attempt, changes }),
      store.changeChange({ ...attempt, changes }),
    ]);
    assert.deepEqual(both.toSorted(), [false, true]);
    const twice = await Promise.all([complete(store, [NEW_ITEM]), complete(store, [NEW_ITEM])]);
    assert.deepEqual(twice.toSorted(), [false, true]);
    const again = { ...attempt, from: 'applying', attempts: 1, changes: { due_at: NOW } } as const;
    assert.equal(await store.changeChange(again), false);
    assert.equal((await store.getLastChange({ account_id: ACCOUNT }))?.status, 'done');
  });

  check('a change of seats seals nothing and holds nothing up', async (store) => {
    await subscribe(store);
    const change = await store.requestChange({
      ...REQUEST,
      kind: 'seats',
      plan: 'pro',
      interval: null,
      seats: 3,
    });
    assert.equal(change.status, 'applying');
    assert.equal((await account(store))?.change_requested_at, null);
    assert.deepEqual(await places(store), [[70, 'open', NOW]]);
  });

  check('an account that nobody has heard of has no change', async (store) => {
    assert.equal(await store.getLastChange({ account_id: 'nobody' }), null);
  });
}
