import { Pool, types } from 'pg';
import type { Row, SimulationDatabase } from './simulation-database.ts';

const INT8 = 20;
const NUMERIC = 1700;
const ORDER = {
  usage: 'account_id, meter, report_id',
  usage_event: 'event_id',
  subscription_change: 'account_id, change_id',
};

/** A database on which schedules have a schema each, one after the other. */
export class PostgresDatabases {
  readonly #pool: Pool;
  #schemas = 0;

  /** @param url of a database that is empty and stays so for others. */
  constructor(url: string) {
    this.#pool = new Pool({ connectionString: url, max: 20 });
    // A connection that is still closing when the database is dropped is told so.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  open(): SimulationDatabase {
    this.#schemas += 1;
    const schema = `simulation_${this.#schemas}`;
    const pool = this.#pool;
    return {
      options: { pool, schema },
      openStore: null,
      rows: (table) => rows(pool, `SELECT * FROM ${schema}.${table} ORDER BY ${ORDER[table]}`),
      reportWith: async (identifier) => {
        const [row] = await rows(pool, `SELECT * FROM ${schema}.usage WHERE identifier = $1`, [identifier]);
        return row;
      },
      transact: async (ending, work) => {
        const client = await pool.connect();
        try {
          await client.query('BEGIN');
          return await work(client);
        } finally {
          await client.query(ending);
          client.release();
        }
      },
      backUp: null,
      restore: null,
      close: async () => {
        await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      },
    };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
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
