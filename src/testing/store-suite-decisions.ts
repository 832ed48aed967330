import assert from 'node:assert/strict';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/instant.ts';
import type { DecideReportParams, ReportChanges, Store } from '../core/store.ts';
import type { ReportKey, UsageReport } from '../core/usage-report.ts';
import { ALL_TIME, type Check, END, itemFrom, NOW } from './store-scene.ts';

const CLOSED_AT = NOW + HOUR_MS;
const REPORT = { account_id: 'acct_1', meter: 'credits', report_id: 1 };
const PERSON = { actor: 'ada', reason: 'Seen at Stripe.' };
const HELD = { status: 'held', reason: 'not_counted', due_at: NOW + DAY_MS } as const;
const FAILED = { status: 'failed', reason: null, due_at: null, last_error: 'No such meter.' } as const;
const NEW_GENERATION = {
  status: 'closed',
  reason: null,
  generation: 2,
  stripe_customer: null,
  identifier: null,
  slot: null,
  slot_shared: false,
  first_attempt_at: null,
  due_at: CLOSED_AT,
} as const;
const WRITTEN_OFF = { status: 'not_billable', reason: 'written_off', due_at: null } as const;

/** What every store must do with what persons decide of reports. */
export function testDecisions(check: Check, uuid: () => string): void {
  const record = async (store: Store, key: Omit<ReportKey, 'report_id'>, recorded_at = NOW) => {
    const rest = { quantity: 5, occurred_at: null, idempotency_key: null, content: null, properties: null };
    const { account_id, meter } = key;
    await store.recordUsage({ flush_id: uuid(), recorded_at, entries: [{ account_id, meter, ...rest }] });
  };
  /** One sealed report with usage. */
  const seal = async (store: Store, key: ReportKey = REPORT) => {
    await record(store, key);
    await closeAll(store, CLOSED_AT);
  };
  /** One that was sent, and is in some status since then. */
  const sendAnd = async (store: Store, changes: ReportChanges, key: ReportKey = REPORT) => {
    await seal(store, key);
    assert.ok(await change(store, 'closed', 0, intentOf('tb_1', NOW + MINUTE_MS), key));
    assert.ok(await change(store, 'sending', 1, changes, key));
  };

  check('a decision changes the report and is kept with who and why', async (store) => {
    await sendAnd(store, HELD);
    assert.equal(await store.decideReport(decision({ changes: WRITTEN_OFF })), true);
    const report = await existing(store, REPORT);
    assert.deepEqual([report.status, report.reason, report.quantity], ['not_billable', 'written_off', 5]);
    const [kept, ...others] = await decisions(store, REPORT);
    assert.deepEqual({ ...kept }, { at: CLOSED_AT, action: 'written_off', ...PERSON, acknowledged: 0 });
    assert.deepEqual(others, []);
  });

  check('a report that is no longer as it was seen is not decided, and nothing is kept', async (store) => {
    await sendAnd(store, HELD);
    for (const seen of [{ from: 'failed' }, { attempts: 0 }] as const) {
      assert.equal(await store.decideReport(decision({ changes: WRITTEN_OFF, ...seen })), false);
    }
    const unknown = { ...REPORT, report_id: 9 };
    assert.equal(await store.decideReport(decision({ report: unknown })), false);
    assert.equal((await existing(store, REPORT)).status, 'held');
    assert.deepEqual(await decisions(store, REPORT), []);
  });

  check('a decision that would be an illegal transition is refused as a whole', async (store) => {
    await seal(store);
    const illegal = decision({ from: 'closed', attempts: 0, changes: { status: 'reported' } });
    await assert.rejects(store.decideReport(illegal));
    assert.equal((await existing(store, REPORT)).status, 'closed');
    assert.deepEqual(await decisions(store, REPORT), []);
  });

  check('of several persons who decide at once, one wins', async (store) => {
    await sendAnd(store, FAILED);
    const actors = ['ada', 'bea', 'cyd', 'dan'];
    const decide = (actor: string) =>
      store.decideReport(decision({ from: 'failed', changes: WRITTEN_OFF, actor }));
    const won = await Promise.all(actors.map(decide));
    assert.equal(won.filter(Boolean).length, 1);
    const kept = await decisions(store, REPORT);
    assert.deepEqual(
      kept.map(({ actor }) => actor),
      actors.filter((_, index) => won[index]),
    );
  });

  check('decisions of one moment are told in their order, the newest where not all are', async (store) => {
    await sendAnd(store, HELD);
    for (const reason of ['one', 'two', 'three']) {
      const changes = { due_at: CLOSED_AT };
      assert.ok(await store.decideReport(decision({ action: 'retry', changes, reason })));
    }
    const reasonsOf = async (limit: number) =>
      (await store.listDecisions({ report: REPORT, limit })).map(({ reason }) => reason);
    assert.deepEqual(await reasonsOf(10), ['one', 'two', 'three']);
    assert.deepEqual(await reasonsOf(2), ['two', 'three']);
    for (const other of [{ account_id: 'acct_2' }, { meter: 'tokens' }, { report_id: 2 }]) {
      assert.deepEqual(await decisions(store, { ...REPORT, ...other }), []);
    }
  });

  check('a new generation takes another customer, slot and identifier, once', async (store) => {
    await sendAnd(store, FAILED);
    await assert.rejects(store.decideReport(decision({ from: 'failed', changes: { identifier: 'tb_2' } })));
    const retry = decision({ from: 'failed', action: 'retry', changes: NEW_GENERATION });
    assert.ok(await store.decideReport(retry));
    const identity = {
      ...intentOf('tb_2', NOW + 3 * MINUTE_MS),
      stripe_customer: 'cus_2',
      attempts: 2,
    } as const;
    assert.ok(await change(store, 'closed', 1, identity));
    const { stripe_customer, identifier, slot, generation, attempts } = await existing(store, REPORT);
    assert.deepEqual(
      [stripe_customer, identifier, slot, generation, attempts],
      ['cus_2', 'tb_2', NOW + 3 * MINUTE_MS, 2, 2],
    );
    await assert.rejects(change(store, 'sending', 2, { identifier: 'tb_3' }));
    await assert.rejects(change(store, 'sending', 2, { stripe_customer: 'cus_1' }));
    await assert.rejects(change(store, 'sending', 2, { slot: NOW + MINUTE_MS }));
  });

  check(
    'what persons vouched for adds up by account and meter, over the billing periods that end later',
    async (store) => {
      const vouch = async (key: ReportKey, acknowledged: number) => {
        const held = { status: 'held', reason: 'unknown_usage' } as const;
        const { attempts, status } = await existing(store, key);
        if (status === 'closed') assert.ok(await change(store, 'closed', attempts, held, key));
        const params = { report: key, attempts, action: 'retry', changes: { due_at: NOW }, acknowledged };
        assert.ok(await store.decideReport(decision({ ...params, action: 'retry' })));
      };
      const others = [{ account_id: 'acct_2' }, { meter: 'tokens' }].map((other) => ({
        ...REPORT,
        ...other,
      }));
      for (const key of [REPORT, ...others]) await seal(store, key);
      await vouch(REPORT, 70);
      await vouch(REPORT, 5);
      for (const key of others) await vouch(key, 1_000);
      const since = (instant: number) =>
        store.acknowledgedUsage({ account_id: 'acct_1', meter: 'credits', since: instant });
      assert.equal(await since(END - 1), 75);
      assert.equal(await since(END), 0);
      await record(store, REPORT, NOW + 40 * DAY_MS);
      await closeAll(store, NOW + 41 * DAY_MS);
      const next = (await reports(store)).find(({ billing_period_start: start }) => start === END);
      assert.ok(next);
      await vouch(next, 9);
      assert.deepEqual([await since(NOW), await since(END)], [84, 9]);
    },
  );

  check('usage that is written off stays so, whatever is learned of subscriptions', async (store) => {
    await seal(store);
    const before = { status: 'held', reason: 'too_old', due_at: null } as const;
    assert.ok(await change(store, 'closed', 0, before));
    assert.ok(await store.decideReport(decision({ attempts: 0, changes: WRITTEN_OFF })));
    await subscribe(store, NOW + MINUTE_MS);
    const report = await existing(store, REPORT);
    assert.deepEqual([report.status, report.reason], ['not_billable', 'written_off']);
    assert.equal(report.billing_period_start, NOW);
  });

  check('a report that is tried again moves, and is woken, like one that was never sent', async (store) => {
    const retry = decision({ from: 'failed', action: 'retry', changes: NEW_GENERATION });
    await sendAnd(store, FAILED);
    assert.ok(await store.decideReport(retry));
    const later = NOW + 2 * DAY_MS;
    assert.ok(await change(store, 'closed', 1, { reason: 'unlinked', due_at: later }));
    await store.setAccount({ account_id: 'acct_1', stripe_customer: 'cus_2', now: CLOSED_AT });
    assert.equal((await existing(store, REPORT)).due_at, CLOSED_AT);
    assert.ok(await change(store, 'closed', 1, { status: 'held', reason: 'ambiguous_price' }));
    await subscribe(store, NOW - DAY_MS, 'cus_2');
    assert.equal((await existing(store, REPORT)).status, 'voided');
    const moved = (await reports(store)).find(({ quantity }) => quantity === 5);
    assert.deepEqual([moved?.billing_period_start, moved?.attempts], [NOW - DAY_MS, 0]);
  });

  check('usage whose invoice is final moves to the current period where that is paid for', async (store) => {
    await store.setAccount({ account_id: 'acct_1', now: NOW });
    await subscribe(store, NOW);
    await seal(store);
    const now = END + 3 * HOUR_MS;
    assert.ok(await change(store, 'closed', 0, { status: 'held', reason: 'missed_invoice', due_at: null }));
    assert.equal(await store.moveToCurrentPeriod({ report: REPORT, now }), true);
    assert.equal((await existing(store, REPORT)).status, 'voided');
    const moved = (await reports(store)).find(({ quantity }) => quantity === 5);
    assert.deepEqual([moved?.status, moved?.billing_period_start], ['open', END]);
    assert.equal(await store.moveToCurrentPeriod({ report: REPORT, now }), false);
  });

  check('usage does not move where nothing bills the current period, or once it was sent', async (store) => {
    await sendAnd(store, HELD);
    const now = END + 3 * HOUR_MS;
    const other = { ...REPORT, meter: 'tokens' };
    await seal(store, other);
    assert.equal(await store.moveToCurrentPeriod({ report: other, now }), false);
    await subscribe(store, NOW);
    assert.equal(await store.moveToCurrentPeriod({ report: REPORT, now }), false);
    const unknown = { ...REPORT, account_id: 'nobody' };
    assert.equal(await store.moveToCurrentPeriod({ report: unknown, now }), false);
    assert.deepEqual(
      [(await existing(store, REPORT)).status, (await existing(store, other)).status],
      ['held', 'closed'],
    );
  });
}

function decision(fields: Partial<DecideReportParams>): DecideReportParams {
  return {
    report: REPORT,
    from: 'held',
    attempts: 1,
    changes: WRITTEN_OFF,
    action: 'written_off',
    ...PERSON,
    at: CLOSED_AT,
    acknowledged: 0,
    ...fields,
  };
}

function intentOf(identifier: string, slot: number) {
  return {
    status: 'sending',
    stripe_customer: 'cus_1',
    identifier,
    slot,
    slot_shared: false,
    attempts: 1,
    first_attempt_at: CLOSED_AT,
  } as const;
}

async function change(
  store: Store,
  from: UsageReport['status'],
  attempts: number,
  changes: ReportChanges,
  report: ReportKey = REPORT,
): Promise<boolean> {
  return await store.changeReport({ report, from, attempts, changes });
}

async function closeAll(store: Store, now: number): Promise<void> {
  await store.closeReports({ now, which: 'all', account_id: null, after: null, locked: 'skip', limit: 100 });
}

async function existing(store: Store, key: ReportKey): Promise<UsageReport> {
  const { account_id, meter, report_id } = key;
  const report = await store.getReport({ account_id, meter, report_id });
  assert.ok(report);
  return report;
}

async function decisions(store: Store, report: ReportKey) {
  return await store.listDecisions({ report, limit: 100 });
}

async function reports(store: Store): Promise<readonly UsageReport[]> {
  const { account_id, meter } = REPORT;
  return (await store.listReportsWithUsage({ account_id, meter, range: ALL_TIME })).reports;
}

/** From an instant on, a subscription bills the first account. */
async function subscribe(store: Store, started_at: number, stripe_customer = 'cus_1'): Promise<void> {
  await store.setAccount({ account_id: 'acct_1', stripe_customer, now: CLOSED_AT });
  const read = {
    account_id: 'acct_1',
    stripe_customer,
    items: [itemFrom(started_at)],
    sync_due_at: null,
    now: CLOSED_AT,
  };
  await store.setSubscriptionItems(read);
}
