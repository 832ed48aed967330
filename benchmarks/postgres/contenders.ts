import knex from 'knex';
import { createUsage } from '../../src/index.ts';
import { uuidVersion7 } from '../../src/system-environment.ts';
import { verifyTotals } from './accounts.ts';
import type { BenchmarkDatabase } from './server.ts';

/** One way to count usage, on a database of its own in which every account has one unit already. */
export interface Contender {
  /** Adds one to the account's quantity; durable when it resolves. */
  increment(account: string): Promise<unknown>;
  /** @throws unless the database has counted exactly so many increments. */
  verify(increments: number): Promise<void>;
  close(): Promise<void>;
}

export const CONTENDERS = {
  /** What the original does. */
  baseline: createBaseline,
  unkeyed: (database: BenchmarkDatabase, opened: number) => createOurs(database, opened, { keyed: false }),
  keyed: (database: BenchmarkDatabase, opened: number) => createOurs(database, opened, { keyed: true }),
} as const;

export type ContenderName = keyof typeof CONTENDERS;

/** The table of the original, reduced to what an increment needs, in a database that is then copied. */
export async function createBaselineTable(database: BenchmarkDatabase): Promise<void> {
  await database.query(`CREATE TABLE usage_baseline (account_id text PRIMARY KEY, period_start bigint NOT NULL,
    period_end bigint, quantity bigint NOT NULL, reported boolean NOT NULL)`);
  await database.query(`INSERT INTO usage_baseline
    SELECT account_id, 0, NULL, 1, false FROM tallybook.account ORDER BY account_id`);
  await database.settle();
}

function createBaseline(database: BenchmarkDatabase, opened: number): Contender {
  const db = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 10 } });
  return {
    increment: (account) =>
      db.raw('UPDATE usage_baseline SET quantity = quantity + ? WHERE account_id = ?', [1, account]),
    verify: async (increments) => {
      const [row] = await database.query('SELECT sum(quantity)::float8 AS total FROM usage_baseline');
      const total = Number(row?.['total']) - opened;
      if (total !== increments) throw new Error(`The baseline counted ${total} of ${increments} increments.`);
    },
    close: () => db.destroy(),
  };
}

function createOurs(
  database: BenchmarkDatabase,
  opened: number,
  { keyed }: { readonly keyed: boolean },
): Contender {
  const usage = createUsage({ database: database.url, meters: { credits: {} } });
  return {
    increment: keyed
      ? (account) => usage.increment({ account, idempotency_key: uuidVersion7(Date.now()) })
      : (account) => usage.increment({ account }),
    verify: (increments) =>
      verifyTotals(database, { quantity: opened + increments, keys: keyed ? increments : 0 }),
    close: () => usage.close(),
  };
}
