import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { createUsage } from '../src/index.ts';
import { openSqliteDatabase } from './simulation/database/sqlite-database.ts';
import { runSchedule } from './simulation/run-schedule.ts';
import { drawSchedule } from './simulation/schedule/draw-schedule.ts';
import { temporaryDirectory } from './support/folders.ts';

const SEEDS = 30;
/** As SQLite's planner words that it reads through a table, or an index of it, from one end to the other. */
const READS_THROUGH =
  /^SCAN (account|decision|stripe_subscription|subscription|usage|usage_event|usage_key|webhook_event)\b/;
/** In the order of the table itself, to the limit of a page. */
const PAGE_OF_ACCOUNTS = /from "account" order by "account_id" limit \?$/;

/** What the product prepares meanwhile; the simulation's own statements read whole tables. */
async function statementsOf(run: () => Promise<void>): Promise<readonly string[]> {
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
  await run();
  const statements = prepare.mock.calls.map(([sql]) => sql);
  prepare.mockRestore();
  return [...new Set(statements)].filter(
    (sql) => /^\s*(select|insert|update|delete|with)/i.test(sql) && !/^SELECT \*/.test(sql),
  );
}

test('whatever the accounts and the years are, no call and no run of the worker reads through all of them', async () => {
  const statements = await statementsOf(async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const run = await runSchedule(drawSchedule(seed), await openSqliteDatabase(), {
        isTraced: false,
        contract: null,
      });
      expect(run.failure).toBeNull();
    }
  });
  expect(statements.length).toBeGreaterThan(100);
  const database = await openMigrated();
  const planOf = (sql: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => String(detail));
  const scans = statements
    .filter((sql) => !PAGE_OF_ACCOUNTS.test(sql))
    .flatMap((sql) =>
      planOf(sql)
        .filter((step) => READS_THROUGH.test(step))
        .map((step) => `${step}: ${sql}`),
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
