import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkLedger } from '../../../test/processes/ledger-check.ts';
import { temporaryDirectory } from '../../../test/support/folders.ts';
import { uuidVersion7 } from '../../system-environment.ts';
import { decodeOutcomes } from '../outcomes.ts';
import type { RoutedEntry } from '../write-path.ts';
import { SqliteDatabase } from './database.ts';
import { SQLITE_MIGRATIONS } from './migrations.ts';
import { BatchWriter } from './write-batch.ts';

const NOW = Date.UTC(2026, 0, 20);
const FEBRUARY = Date.UTC(2026, 1, 1);

/** A writer on a file that has one account with an open report of January. */
function openJanuary() {
  const path = join(temporaryDirectory(), 'usage.db');
  const first = new SqliteDatabase(path, { readonly: false });
  for (const script of SQLITE_MIGRATIONS) first.executeScript(script);
  first.execute("INSERT INTO account (account_id, created_at) VALUES ('a', 0)", []);
  openReport(first, { report_id: 1, start: Date.UTC(2026, 0, 1), end: FEBRUARY, late: 0 });
  return { path, ...connect(first) };
}

function connect(database: SqliteDatabase) {
  const writer = new BatchWriter(database);
  const write = (...entries: Partial<RoutedEntry>[]) => {
    const params = { flush_id: uuidVersion7(NOW), recorded_at: NOW, entries: entries.map(toEntry) };
    return decodeOutcomes(writer.write(params), entries.length);
  };
  return { database, write };
}

function openReport(
  database: SqliteDatabase,
  { report_id, start, end, late }: { report_id: number; start: number; end: number; late: 0 | 1 },
): void {
  database.execute(
    `INSERT INTO usage (account_id, meter, report_id, status, late, period_start, billing_period_start,
       billing_period_end, quantity, slot_shared, generation, attempts)
     VALUES ('a', 'credits', ?, 'open', ?, ?, ?, ?, 0, 0, 1, 0)`,
    [report_id, late, start, start, end],
  );
}

function toEntry(entry: Partial<RoutedEntry>): RoutedEntry {
  const none = { occurred_at: null, idempotency_key: null, content: null, properties: null, report_id: null };
  return { account_id: 'a', meter: 'credits', quantity: 1, ...none, ...entry };
}

function quantities(path: string): Record<number, number> {
  const { reports, problems } = checkLedger(path);
  expect(problems).toEqual([]);
  return Object.fromEntries(reports.map(({ report_id, quantity }) => [report_id, quantity]));
}

test('two connections that write in turns see what the other wrote', () => {
  const { path, write } = openJanuary();
  const other = connect(new SqliteDatabase(path, { readonly: false }));
  for (let turn = 0; turn < 5; turn += 1) {
    expect(write({ quantity: 10 })).toEqual(['recorded']);
    expect(other.write({ quantity: 3 })).toEqual(['recorded']);
  }
  expect(quantities(path)).toEqual({ 1: 65 });
});

test('a report that was closed on the same connection takes no more', () => {
  const { path, write, database } = openJanuary();
  write({ quantity: 10 });
  database.execute("UPDATE usage SET status = 'closed', period_end = ?, due_at = ?", [NOW, NOW]);
  expect(write({ quantity: 10 })).toEqual(['no_report']);
  openReport(database, { report_id: 2, start: NOW, end: FEBRUARY, late: 0 });
  expect(write({ quantity: 5 })).toEqual(['recorded']);
  expect(quantities(path)).toEqual({ 1: 10, 2: 5 });
});

test('of two open reports whose billing periods overlap, the one that began last takes usage', () => {
  const { path, write, database } = openJanuary();
  openReport(database, { report_id: 2, start: Date.UTC(2026, 0, 15), end: Date.UTC(2026, 1, 15), late: 1 });
  const before = { occurred_at: Date.UTC(2026, 0, 10), quantity: 100 };
  write(before, {}, before);
  write({}, before, {});
  write({ report_id: 1, quantity: 1_000 }, {}, { report_id: 2, quantity: 1_000 }, before);
  expect(quantities(path)).toEqual({ 1: 1_400, 2: 1_004 });
});

test('after a batch that failed as a whole, the next one continues from what is committed', () => {
  const { path, write } = openJanuary();
  write({ quantity: 10 });
  expect(() => write({ quantity: 5 }, { report_id: 1, quantity: 0 })).toThrow('CHECK constraint failed');
  expect(write({ quantity: 1 })).toEqual(['recorded']);
  expect(quantities(path)).toEqual({ 1: 11 });
});
