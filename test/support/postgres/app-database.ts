import { Pool, types } from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { createDatabase, type TestDatabase } from './databases.ts';

/** The database of an app, with the pool that the app has on it. */
export interface AppDatabase {
  readonly url: string;
  readonly pool: Pool;
  /** The option `database`, on the app's pool, with a schema that nobody has used yet. */
  options(): { readonly pool: Pool; readonly schema: string };
  /** Rows of a statement, with whole numbers as numbers. */
  rows(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
}

const INT8 = 20;
const NUMERIC = 1700;

/** One database for all tests of a file: schemas keep them apart. */
export function useAppDatabase(): AppDatabase {
  let database: TestDatabase;
  let pool: Pool;
  let schemas = 0;
  beforeAll(async () => {
    database = await createDatabase();
    pool = new Pool({ connectionString: database.url, max: 20 });
    // A connection that is still closing when the database is dropped is told so, and tells its pool.
    pool.on('connect', (client) => client.on('error', () => {}));
    pool.on('error', () => {});
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  const parsers: typeof types = {
    ...types,
    getTypeParser: (oid, format) =>
      oid === INT8 || oid === NUMERIC ? Number : types.getTypeParser(oid, format),
  };
  return {
    get url() {
      return database.url;
    },
    get pool() {
      return pool;
    },
    options: () => {
      schemas += 1;
      return { pool, schema: `tallybook_${schemas}` };
    },
    rows: async (sql, values = []) => {
      const { rows } = await pool.query({ text: sql, values, types: parsers });
      return rows;
    },
  };
}
