import { expect, onTestFinished, test } from 'vitest';
import type { CloseReportsParams } from '../../src/core/store.ts';
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.ts';
import { systemEnvironment } from '../../src/system-environment.ts';
import { createDatabase } from '../support/postgres/databases.ts';
import { checkPostgresLedger, readTotals } from './postgres-ledger-check.ts';
import { postgresTakeover } from './postgres-takeover.ts';

const SPEED = 20;

test('a worker that is killed in the middle of the job is replaced within a minute', async () => {
  const { url, drop } = await createDatabase();
  onTestFinished(drop);
  const { takeover_ms, closed_reports, problems } = await postgresTakeover({ url, speed: SPEED });
  expect(problems).toEqual([]);
  expect(closed_reports).toBe(3);
  expect(takeover_ms).toBeGreaterThan(0);
  expect(takeover_ms).toBeLessThanOrEqual(60_000);
}, 90_000);

test('several closers at once seal every report once', async () => {
  const { url, drop } = await createDatabase();
  onTestFinished(drop);
  const environment = systemEnvironment();
  const stores = Array.from({ length: 4 }, () => createPostgresStore({ server: { url }, environment }));
  onTestFinished(async () => {
    for (const store of stores) await store.close();
  });
  const accounts = Array.from({ length: 500 }, (_, index) => `a${String(index).padStart(3, '0')}`);
  const recorded_at = Date.UTC(2026, 0, 10);
  await stores[0]?.recordUsage({
    flush_id: environment.uuid(),
    recorded_at,
    entries: accounts.map((account_id) => ({
      account_id,
      meter: 'credits',
      quantity: 3,
      occurred_at: null,
      idempotency_key: null,
      content: null,
      properties: null,
    })),
  });

  const now = recorded_at + 60_000;
  const closeAll = async (store: (typeof stores)[number]) => {
    let closed = 0;
    for (const locked of ['skip', 'wait'] as const) {
      let after: string | null = null;
      for (let more = true; more; ) {
        const params: CloseReportsParams = { now, which: 'all', account_id: null, after, locked, limit: 20 };
        const batch = await store.closeReports(params);
        ({ after, more } = batch);
        closed += batch.closed;
      }
    }
    return closed;
  };
  const closed = await Promise.all(stores.map(closeAll));
  expect(closed.reduce((total, count) => total + count)).toBe(accounts.length);
  const totals = await readTotals(url);
  expect(totals).toMatchObject({
    reports: 2 * accounts.length,
    closed_reports: accounts.length,
    deadlocks: 0,
  });
  expect(await checkPostgresLedger(url)).toEqual([]);
});
