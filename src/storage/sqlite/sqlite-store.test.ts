import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { FAST_FOLDER } from '../../../test/support/fast-folder.ts';
import { isLegalTransition } from '../../core/usage-report.ts';
import { uuidVersion7 } from '../../system-environment.ts';
import { testStore } from '../../testing/store-suite.ts';
import { SqliteDatabase } from './database.ts';
import { SQLITE_MIGRATIONS } from './migrations.ts';
import { createSqliteStore } from './sqlite-store.ts';

const directory = mkdtempSync(join(FAST_FOLDER, 'tallybook-store-'));
afterAll(() => rm(directory, { recursive: true, force: true }));
let files = 0;
const newPath = () => {
  files += 1;
  return join(directory, `${files}.db`);
};
const uuid = () => uuidVersion7(Date.now());
const NOW = Date.UTC(2026, 0, 10, 12);

for (const thread of ['worker', 'in_thread'] as const) {
  describe(`SQLite, ${thread}`, () => {
    testStore({
      test,
      uuid,
      open: async () => createSqliteStore({ path: newPath(), thread, environment: { uuid } }),
    });
  });
}

const entry = {
  account_id: 'acct_1',
  meter: 'credits',
  quantity: 5,
  occurred_at: null,
  idempotency_key: null,
  content: null,
  properties: null,
};
const write = () => ({ flush_id: uuid(), recorded_at: NOW, entries: [entry] });

describe('the database file', () => {
  test('commits are synced to disk, and readers do not wait for writers', async () => {
    const path = newPath();
    const store = createSqliteStore({ path, environment: { uuid } });
    await store.recordUsage(write());
    const database = new DatabaseSync(path);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
    const writing = new SqliteDatabase(path, { readonly: false });
    expect(writing.execute('PRAGMA synchronous', []).rows).toEqual([{ synchronous: 2 }]); // FULL
    writing.close();
    await store.close();
  });

  test('several processes may open a new file at once', async () => {
    const path = newPath();
    const stores = Array.from({ length: 6 }, () => createSqliteStore({ path, environment: { uuid } }));
    await Promise.all(stores.map((store) => store.recordUsage(write())));
    await Promise.all(stores.map((store) => store.close()));
    const database = new DatabaseSync(path);
    expect(database.prepare('SELECT quantity FROM usage').all()).toEqual([{ quantity: 30 }]);
    expect(database.prepare('SELECT version FROM migration').all()).toEqual([{ version: 1 }]);
    database.close();
  });

  test('a schema that is newer than the code is refused and left alone', async () => {
    const path = newPath();
    const store = createSqliteStore({ path, environment: { uuid } });
    await store.recordUsage(write());
    await store.close();
    const database = new DatabaseSync(path);
    database.exec("INSERT INTO migration VALUES (99, '2030-01-01')");
    const older = createSqliteStore({ path, environment: { uuid } });
    await expect(older.recordUsage(write())).rejects.toMatchObject({ code: 'schema_too_new', status: 500 });
    expect(database.prepare('SELECT quantity FROM usage').all()).toEqual([{ quantity: 5 }]);
    database.close();
    await older.close();
  });

  test('a path that cannot be opened is a typed error, and the next call tries again', async () => {
    const folder = newPath();
    const store = createSqliteStore({ path: join(folder, 'usage.db'), environment: { uuid } });
    await expect(store.recordUsage(write())).rejects.toMatchObject({ code: 'storage_failed' });
    mkdirSync(folder);
    await expect(store.recordUsage(write())).resolves.toEqual({ outcomes: ['recorded'], failure: null });
    await store.close();
  });

  test('a file that is not a database is a typed error and is not overwritten', async () => {
    const path = newPath();
    writeFileSync(path, 'these are the minutes of the annual meeting, not a database at all');
    const store = createSqliteStore({ path, environment: { uuid } });
    await expect(store.recordUsage(write())).rejects.toMatchObject({ code: 'storage_failed' });
    expect(readFileSync(path, 'utf8')).toContain('annual meeting');
    await store.close();
  });
});

describe('the schema refuses what must not be', () => {
  async function withReport(): Promise<DatabaseSync> {
    const path = newPath();
    const store = createSqliteStore({ path, environment: { uuid } });
    await store.recordUsage(write());
    await store.closeReports({
      now: NOW + 3_600_000,
      which: 'all',
      account_id: null,
      after: null,
      locked: 'skip',
      limit: 10,
    });
    await store.recordUsage({ ...write(), recorded_at: NOW + 3_600_001 });
    await store.close();
    const database = new DatabaseSync(path);
    onTestFinished(() => database.close());
    return database;
  }

  test.each([
    ['a sealed quantity that changes', 'UPDATE usage SET quantity = 6 WHERE report_id = 1'],
    ['a sealed period that changes', 'UPDATE usage SET period_end = period_end + 1000 WHERE report_id = 1'],
    [
      'a sealed report that is opened again',
      "UPDATE usage SET status = 'open', period_end = NULL WHERE report_id = 1",
    ],
    ['a report that is deleted', 'DELETE FROM usage'],
    ['an event that changes', 'UPDATE usage_event SET quantity = 1'],
    ['an event that leaves a sealed report', 'UPDATE usage_event SET report_id = 2 WHERE report_id = 1'],
    ['an event that is deleted', 'DELETE FROM usage_event'],
    ['a report that is sent without an intent', "UPDATE usage SET status = 'sending' WHERE report_id = 1"],
    [
      'a report that is reported without being sent',
      "UPDATE usage SET status = 'reported' WHERE report_id = 1",
    ],
    ['a quantity past 15 digits', 'UPDATE usage SET quantity = 1000000000000000 WHERE report_id = 2'],
    [
      'a regular report that reaches into another',
      'UPDATE usage SET period_start = period_start - 1000 WHERE report_id = 2',
    ],
  ])('%s', async (_, statement) => {
    const database = await withReport();
    expect(() => database.exec(statement)).toThrow(/tallybook|CHECK/);
  });

  test('a second open report of a billing period', async () => {
    const database = await withReport();
    const columns = database
      .prepare("SELECT name FROM pragma_table_info('usage')")
      .all()
      .map(({ name }) => String(name));
    const copied = columns
      .map((name) => (name === 'report_id' ? '3' : name === 'late' ? '1' : `"${name}"`))
      .join(', ');
    const names = columns.map((name) => `"${name}"`).join(', ');
    const copy = `INSERT INTO usage (${names}) SELECT ${copied} FROM usage WHERE report_id = 2`;
    expect(() => database.exec(copy)).toThrow(
      /UNIQUE constraint failed: usage.account_id, usage.meter, usage.billing_period_start/,
    );
  });

  test('the same transitions as the core', async () => {
    const [initial = ''] = SQLITE_MIGRATIONS;
    const trigger = initial.slice(
      initial.indexOf('TRIGGER usage_transition'),
      initial.indexOf('illegal transition'),
    );
    const allowed = new Set(
      [...trigger.matchAll(/\('(\w+)', '(\w+)'\)/g)].map(([, from, to]) => `${from} → ${to}`),
    );
    const statuses = [
      'open',
      'closed',
      'sending',
      'reported',
      'failed',
      'held',
      'voided',
      'not_billable',
    ] as const;
    for (const from of statuses) {
      for (const to of statuses.filter((status) => status !== from)) {
        expect({ from, to, allowed: allowed.has(`${from} → ${to}`) }).toEqual({
          from,
          to,
          allowed: isLegalTransition(from, to),
        });
      }
    }
  });
});
