import { createUsage } from '../../src/index.ts';
import type { BenchmarkDatabase, BenchmarkServer } from './server.ts';

export function accountIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `acct_${String(index).padStart(6, '0')}`);
}

/** Accounts that are opened between two looks of the server at its tables, by which it plans: rare while they are small. */
const STEPS = [500, 5_000, 50_000, Number.POSITIVE_INFINITY];

/** A database to copy, in which each account has an open report with one unit of usage. */
export async function createTemplate(
  server: BenchmarkServer,
  accounts: readonly string[],
): Promise<BenchmarkDatabase> {
  const template = await server.createDatabase();
  const usage = createUsage({ database: template.url, meters: { credits: {} } });
  let opened = 0;
  for (const end of STEPS) {
    await Promise.all(accounts.slice(opened, end).map((account) => usage.increment({ account })));
    opened = Math.min(end, accounts.length);
    await template.settle();
  }
  await usage.close();
  return template;
}

/**
 * A fast count that is wrong is worth nothing.
 *
 * @param expected - units that all of usage was, and so many idempotency keys.
 * @throws unless reports and ledger both say so.
 */
export async function verifyTotals(
  database: BenchmarkDatabase,
  expected: { readonly quantity: number; readonly keys?: number },
): Promise<void> {
  const [row] = await database.query(`SELECT
    (SELECT sum(quantity) FROM tallybook.usage)::float8 AS reports,
    (SELECT sum(quantity) FROM tallybook.usage_event)::float8 AS ledger,
    (SELECT count(*) FROM tallybook.usage_key)::float8 AS keys`);
  const { reports, ledger, keys } = row ?? {};
  const { quantity, keys: expectedKeys = keys } = expected;
  if (reports === quantity && ledger === quantity && keys === expectedKeys) return;
  throw new Error(
    `${quantity} units were used, the reports say ${reports} and the ledger ${ledger}; ${keys} of ${expectedKeys} keys are there.`,
  );
}

/** @throws unless every report says what its events say. */
export async function verifyReports(database: BenchmarkDatabase): Promise<void> {
  const [row] = await database.query(`SELECT count(*)::integer AS wrong FROM tallybook.usage
    FULL JOIN (
      SELECT account_id, meter, report_id, sum(quantity) AS counted FROM tallybook.usage_event
      GROUP BY account_id, meter, report_id
    ) AS ledger USING (account_id, meter, report_id)
    WHERE coalesce(quantity, 0) <> coalesce(counted, 0)`);
  if (row?.['wrong'] !== 0) throw new Error(`${row?.['wrong']} reports do not say what their events say.`);
}
