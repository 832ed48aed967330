import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { createUsage } from '../src/index.ts';
import { openSqliteDatabase } from './simulation/database/sqlite-database.ts';
import { temporaryDirectory } from './support/folders.ts';
import { GROWING, isToBeExplained, runSeeds } from './support/growing-tables.ts';

/** As SQLite's planner words that it reads through a table, or an index of it, from one end to the other. */
const READS_THROUGH = new RegExp(`^SCAN ${GROWING}\\b`);

test('whatever the accounts and the years are, no call and no run of the worker reads through all of them', async () => {
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
  await runSeeds(30, openSqliteDatabase);
  const statements = [...new Set(prepare.mock.calls.map(([sql]) => sql))].filter(isToBeExplained);
  prepare.mockRestore();
  expect(statements.length).toBeGreaterThan(100);
  const database = await openMigrated();
  const scans = statements.flatMap((sql) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .filter(({ detail }) => READS_THROUGH.test(String(detail)))
      .map(({ detail }) => `${detail}: ${sql}`),
  );
  expect(scans).toEqual([]);
});

async function openMigrated(): Promise<DatabaseSync> {
  const path = join(temporaryDirectory(), 'usage.db');
  const usage = createUsage({ database: path, meters: { credits: {} } });
  await usage.accounts.list();
  await usage.close();
  return new DatabaseSync(path);
}
