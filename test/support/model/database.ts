import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AppTransaction, DatabaseOptions } from '../../../src/index.ts';
import type { AppDatabase } from '../postgres/app-database.ts';

export type Row = Record<string, unknown>;
export type Ending = 'COMMIT' | 'ROLLBACK';

/** The database of one schedule, also read from outside of the product. */
export interface ModelDatabase {
  readonly options: DatabaseOptions;
  /** The rows of a table, as they are at the time of the call. */
  rows(table: 'usage' | 'usage_event'): Promise<Row[]>;
  /** Runs work in a transaction of the app; null = the engine cannot. */
  readonly transact: null | (<Result>(ending: Ending, work: Work<Result>) => Promise<Result>);
  close(): Promise<void>;
}

type Work<Result> = (transaction: AppTransaction) => Promise<Result>;

let files = 0;

/** The file exists once the product has been opened on it. */
export function sqliteModelDatabase(): ModelDatabase {
  files += 1;
  const path = join(tmpdir(), `tallybook-model-${process.pid}-${files}.db`);
  let reader: DatabaseSync | undefined;
  return {
    options: { path, thread: 'in_thread' },
    rows: async (table) => {
      reader ??= new DatabaseSync(path, { readOnly: true });
      return reader.prepare(`SELECT * FROM ${table}`).all();
    },
    transact: null,
    close: async () => {
      reader?.close();
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    },
  };
}

export function postgresModelDatabase(app: AppDatabase): ModelDatabase {
  const options = app.options();
  return {
    options,
    rows: (table) => app.rows(`SELECT * FROM ${options.schema}.${table}`),
    transact: async (ending, work) => {
      const client = await app.pool.connect();
      try {
        await client.query('BEGIN');
        return await work(client);
      } finally {
        await client.query(ending);
        client.release();
      }
    },
    close: async () => {
      await app.rows(`DROP SCHEMA ${options.schema} CASCADE`);
    },
  };
}
