import { Pool, types } from 'pg';
import type { Ending, Row, SimulationDatabase } from './simulation-database.ts';

const INT8 = 20;
const NUMERIC = 1700;
const ORDER = {
  usage: 'account_id, meter, report_id',
  usage_event: 'event_id',
  subscription_change: 'account_id, change_id',
};

const SCHEMA = 'simulation';
/** What tells of the schema itself, which stays. */
const KEPT = ['migration', 'usage_event_month'];
const TABLES = `SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE nspname = '${SCHEMA}' AND relkind IN ('r', 'p') AND NOT relispartition AND NOT relname = ANY ($1)`;

/** A database that schedules have one after the other. */
export class PostgresDatabases {
  readonly #pool: Pool;

  /** @param url of a database that is empty and stays so for others. */
  constructor(url: string) {
    this.#pool = new Pool({ connectionString: url, max: 20 });
    // A connection that is still closing when the database is dropped is told so, and tells its pool.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
    this.#pool.on('error', () => {});
  }

  open(): SimulationDatabase {
    const pool = this.#pool;
    return {
      options: { pool, schema: SCHEMA },
      openStore: null,
      rows: (table) => rows(pool, `SELECT * FROM ${SCHEMA}.${table} ORDER BY ${ORDER[table]}`),
      reportWith: async (identifier) => {
        const [row] = await rows(pool, `SELECT * FROM ${SCHEMA}.usage WHERE identifier = $1`, [identifier]);
        return row;
      },
      transact: async (ending, work) => {
        const client = await pool.connect();
        let end: Ending = 'ROLLBACK';
        try {
          await client.query('BEGIN');
          const result = await work(client);
          end = ending;
          return result;
        } finally {
          await client.query(end);
          client.release();
        }
      },
      backUp: null,
      restore: null,
      close: async () => {
        await empty(pool);
      },
    };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/**
 * Takes a fraction of the time of making the schema anew. The ledger's triggers refuse it, and only a superuser is let past
 * them.
 */
async function empty(pool: Pool): Promise<void> {
  const tables = await pool.query<{ relname: string }>(TABLES, [KEPT]);
  const deletions = tables.rows.map(({ relname }) => `DELETE FROM ${SCHEMA}.${relname};`);
  await pool.query(`BEGIN; SET LOCAL session_replication_role = replica; ${deletions.join(' ')} COMMIT`);
}

/** Whole numbers come as numbers. */
const parsers: typeof types = {
  ...types,
  getTypeParser: (oid, format) =>
    oid === INT8 || oid === NUMERIC ? Number : types.getTypeParser(oid, format),
};

async function rows(pool: Pool, text: string, values: string[] = []): Promise<Row[]> {
  const result = await pool.query<Row>({ text, values, types: parsers });
  return result.rows;
}
