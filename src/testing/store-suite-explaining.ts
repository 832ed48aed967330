import assert from 'node:assert/strict';
import { HOUR_MS } from '../core/instant.ts';
import type { EventPosition, UsageEvent } from '../core/report-listing.ts';
import type { Store, UsageEntry } from '../core/store.ts';
import type { ReportStatus, UsageReport } from '../core/usage-report.ts';
import { type Check, entry, NOW } from './store-scene.ts';

const PAGE = 3;

/** What every store must do to explain numbers. */
export function testExplaining(check: Check, uuid: () => string): void {
  const record = (store: Store, entries: readonly UsageEntry[], recorded_at = NOW) =>
    store.recordUsage({ flush_id: uuid(), recorded_at, entries });
  const seal = (store: Store, now: number) =>
    store.closeReports({ now, which: 'all', account_id: null, after: null, locked: 'skip', limit: 100 });

  check('the events of a report are paged in the order of recording, with the sums of all', async (store) => {
    await store.setAccount({ account_id: 'acct_1', now: NOW - HOUR_MS });
    for (let index = 0; index < 8; index += 1) {
      const key = { idempotency_key: `k${index}`, properties: `{"index":${index}}` };
      await record(store, [entry({ quantity: 10 ** index, occurred_at: NOW - index, ...key })], NOW + index);
      await record(store, [entry({ account_id: 'acct_2' }), entry({ meter: 'tokens' })], NOW + index);
    }
    const report = await existing(store, 1);
    const events = await allEvents(store, report);
    assert.deepEqual(
      events.map(({ event_id: _, ...event }) => ({ ...event })),
      Array.from({ length: 8 }, (_, index) => ({
        quantity: 10 ** index,
        occurred_at: NOW - index,
        recorded_at: NOW + index,
        idempotency_key: `k${index}`,
        properties: `{"index":${index}}`,
      })),
    );
    const { total, is_archived } = await store.listEvents({ report, after: null, limit: 1 });
    assert.deepEqual({ ...total }, { events: 8, quantity: 11_111_111 });
    assert.equal(is_archived, false);
  });

  check('events of the same instant are each on one page', async (store) => {
    const entries = Array.from({ length: 10 }, (_, index) => entry({ idempotency_key: `k${index}` }));
    await record(store, entries);
    const events = await allEvents(store, await existing(store, 1));
    assert.equal(new Set(events.map(({ idempotency_key }) => idempotency_key)).size, 10);
    assert.equal(events.length, 10);
  });

  check('a report without events has none, and a number that nobody has is no report', async (store) => {
    await record(store, [entry()]);
    await seal(store, NOW + HOUR_MS);
    const empty = await existing(store, 2);
    const found = await store.listEvents({ report: empty, after: null, limit: PAGE });
    assert.deepEqual({ ...found.total }, { events: 0, quantity: 0 });
    assert.deepEqual(found.events, []);
    for (const key of [{ report_id: 3 }, { account_id: 'acct_2' }, { meter: 'tokens' }]) {
      const missing = { account_id: 'acct_1', meter: 'credits', report_id: 1, ...key };
      assert.equal(await store.getReport(missing), null);
    }
  });

  check('a report and its events can be read as of one moment', async (store) => {
    await record(store, [entry({ quantity: 5 })]);
    await store.readAtOnce(async (reader) => {
      const report = await reader.getReport({ account_id: 'acct_1', meter: 'credits', report_id: 1 });
      assert.ok(report);
      await record(store, [entry({ quantity: 7 })]);
      const { total } = await reader.listEvents({ report, after: null, limit: PAGE });
      assert.equal(total.quantity, report.quantity);
    });
  });

  check('reports are listed by status, of all accounts or of one, page by page', async (store) => {
    const accounts = ['acct_1', 'acct_2', 'Acct_3', 'acct_10'];
    for (const account_id of accounts) {
      await record(store, [entry({ account_id }), entry({ account_id, meter: 'tokens' })]);
    }
    await seal(store, NOW + HOUR_MS);
    const closed = await namesOf(store, 'closed', null);
    const expected = accounts.toSorted().flatMap((id) => [`${id} credits 1`, `${id} tokens 1`]);
    assert.deepEqual(closed, expected);
    assert.deepEqual(await namesOf(store, 'closed', 'acct_10'), ['acct_10 credits 1', 'acct_10 tokens 1']);
    assert.deepEqual(await namesOf(store, 'held', null), []);
    assert.deepEqual(await store.countReportsToDecide(), { held: 0, failed: 0 });
    for (const meter of ['credits', 'tokens']) {
      const report = { account_id: 'acct_2', meter, report_id: 1 };
      await store.changeReport({
        report,
        from: 'closed',
        attempts: 0,
        changes: { status: 'held', reason: 'too_old', due_at: null },
      });
    }
    assert.deepEqual(await namesOf(store, 'held', null), ['acct_2 credits 1', 'acct_2 tokens 1']);
    assert.deepEqual(await namesOf(store, 'held', 'acct_1'), []);
    assert.deepEqual(await store.countReportsToDecide(), { held: 2, failed: 0 });
    assert.equal((await namesOf(store, 'closed', null)).length, 6);
    assert.equal((await namesOf(store, 'open', null)).length, 8);
  });
}

async function existing(store: Store, report_id: number): Promise<UsageReport> {
  const report = await store.getReport({ account_id: 'acct_1', meter: 'credits', report_id });
  assert.ok(report);
  assert.equal(report.report_id, report_id);
  return report;
}

async function allEvents(store: Store, report: UsageReport): Promise<UsageEvent[]> {
  const events: UsageEvent[] = [];
  for (let after: EventPosition | null = null; ; after = events.at(-1) ?? null) {
    const page = await store.listEvents({ report, after, limit: PAGE });
    events.push(...page.events);
    if (page.events.length < PAGE) return events;
  }
}

async function namesOf(store: Store, status: ReportStatus, account_id: string | null): Promise<string[]> {
  const reports: UsageReport[] = [];
  for (;;) {
    const after = reports.at(-1) ?? null;
    const page = await store.listReportsByStatus({ account_id, status, after, limit: PAGE });
    reports.push(...page);
    if (page.length < PAGE) break;
  }
  return reports.map((report) => `${report.account_id} ${report.meter} ${report.report_id}`);
}
