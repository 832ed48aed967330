import { Client } from 'pg';
import { expect, test, vi } from 'vitest';
import { createUsage } from '../src/index.ts';
import { PostgresDatabases } from './simulation/database/postgres-database.ts';
import { GROWING, isToBeExplained, runSeeds } from './support/growing-tables.ts';
import { adminQuery, createDatabase } from './support/postgres/databases.ts';

/** Also a part of the ledger, which has a table for each month. */
const READS_THROUGH = new RegExp(`Seq Scan on ${GROWING}(_\\d+|\\b)`);

/** Where the planner walks an index of other columns instead (PostgreSQL 18 skips through them), this does not tell. */
test('no call and no run of the worker reads through a table that grows for want of any index', async () => {
  const { url, drop } = await createDatabase();
  const databases = new PostgresDatabases(url);
  const query = vi.spyOn(Client.prototype, 'query');
  await runSeeds(8, async () => databases.open());
  const statements = new Map(query.mock.calls.map(([asked, values]) => statementOf(asked, values)));
  query.mockRestore();
  await databases.close();
  const client = new Client({ connectionString: url });
  await client.connect();
  // Where the planner must not, it reads a table through only for want of an index.
  await client.query('SET enable_seqscan = off');
  const scans: string[] = [];
  let explained = 0;
  for (const [sql, values] of statements) {
    if (!isToBeExplained(sql)) continue;
    explained += 1;
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, values);
    const steps = rows.map((row) => row['QUERY PLAN']).filter((step) => READS_THROUGH.test(step));
    scans.push(...steps.map((step) => `${step}: ${sql}`));
  }
  await client.end();
  await drop();
  expect(explained).toBeGreaterThan(100);
  expect(scans).toEqual([]);
});

/** Its text and its parameters, however they were passed. */
function statementOf(asked: unknown, given: unknown): [string, unknown[]] {
  const { text, values } = Object(asked) as { text?: string; values?: unknown[] };
  const parameters = values ?? given;
  return [text ?? String(asked), Array.isArray(parameters) ? parameters : []];
}

test('what is stamped near a report is found by its customer, meter and time', async () => {
  const { url, drop } = await createDatabase();
  const usage = createUsage({ database: url, meters: { credits: {} } });
  await usage.accounts.list();
  await usage.close();
  const [plan] = await adminQuery(
    url,
    `EXPLAIN (FORMAT JSON) SELECT quantity FROM tallybook.usage
     WHERE stripe_customer = 'cus_1' AND meter = 'credits' AND slot >= 60000 AND slot < 120000`,
  );
  await drop();
  expect(JSON.stringify(plan)).toContain('usage_stamped');
});
