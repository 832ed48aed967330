import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { createUsage } from '../../../src/index.ts';
import { createSqliteStore } from '../../../src/storage/sqlite/sqlite-store.ts';
import { FAST_FOLDER } from '../../support/fast-folder.ts';
import { IdleConnections } from './idle-connections.ts';
import type { SimulationDatabase } from './simulation-database.ts';

/** What the product writes. */
const WRITTEN = ['', '-wal', '-shm'];
const SUFFIXES = [...WRITTEN, '.backup'];
const ORDER = {
  usage: 'account_id, meter, report_id',
  usage_event: 'event_id',
  subscription_change: 'account_id, change_id',
};

let files = 0;
let template: Promise<string> | null = null;
/** Removed when the process ends, in whatever way it can notice. */
const left = new Set<string>();
process.once('exit', () => {
  for (const path of left) remove(path);
});

/** A copy of a database whose schema is in place, which takes a fraction of the time of making one. */
export async function openSqliteDatabase(): Promise<SimulationDatabase> {
  template ??= createTemplate();
  const path = newPath();
  copyFileSync(await template, path);
  const copy = `${path}.backup`;
  let reader = openReader(path);
  let connections = new IdleConnections(path);
  return {
    options: { path, thread: 'in_thread' },
    openStore: (environment) =>
      createSqliteStore({ path, environment, connect: (options) => connections.connect(options) }),
    rows: async (table) => reader[table].all(),
    reportWith: async (identifier) => reader.identifier.get(identifier),
    transact: null,
    backUp: () => {
      const database = new DatabaseSync(path);
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
      copyFileSync(path, copy);
    },
    restore: () => {
      reader.database.close();
      connections.close();
      connections = new IdleConnections(path);
      for (const suffix of WRITTEN) rmSync(`${path}${suffix}`, { force: true });
      copyFileSync(copy, path);
      reader = openReader(path);
    },
    close: async () => {
      reader.database.close();
      connections.close();
      remove(path);
      left.delete(path);
    },
  };
}

interface Reader {
  readonly database: DatabaseSync;
  readonly usage: StatementSync;
  readonly usage_event: StatementSync;
  readonly subscription_change: StatementSync;
  readonly identifier: StatementSync;
}

function openReader(path: string): Reader {
  const database = new DatabaseSync(path, { readOnly: true });
  const all = (table: keyof typeof ORDER) =>
    database.prepare(`SELECT * FROM ${table} ORDER BY ${ORDER[table]}`);
  return {
    database,
    usage: all('usage'),
    usage_event: all('usage_event'),
    subscription_change: all('subscription_change'),
    identifier: database.prepare('SELECT * FROM usage WHERE identifier = ?'),
  };
}

async function createTemplate(): Promise<string> {
  const path = newPath();
  const usage = createUsage({ database: { path, thread: 'in_thread' }, meters: { credits: {} } });
  await usage.accounts.list();
  await usage.close();
  return path;
}

function newPath(): string {
  files += 1;
  const path = join(FAST_FOLDER, `tallybook-simulation-${process.pid}-${files}.db`);
  left.add(path);
  return path;
}

function remove(path: string): void {
  for (const suffix of SUFFIXES) rmSync(`${path}${suffix}`, { force: true });
}
