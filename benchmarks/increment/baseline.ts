import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** The table of the original, reduced to what an increment needs. */
export function createBaseline(path: string, accounts: readonly string[]): void {
  using database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec(`CREATE TABLE usage (
    account_id TEXT NOT NULL PRIMARY KEY, period_start INTEGER NOT NULL, period_end INTEGER,
    quantity INTEGER NOT NULL, reported INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  const insert = database.prepare('INSERT INTO usage VALUES (?, 0, NULL, 0, 0)');
  database.exec('BEGIN');
  for (const account of accounts) insert.run(account);
  database.exec('COMMIT');
}

/** As durable as ours: write-ahead log, synced to disk at each commit. */
export function openBaseline(path: string): { database: DatabaseSync; update: StatementSync } {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  database.exec('PRAGMA synchronous = FULL');
  const update = database.prepare('UPDATE usage SET quantity = quantity + ? WHERE account_id = ?');
  return { database, update };
}

/** What a file of any contender says, over all accounts. */
export function totalOf(path: string): number {
  using database = new DatabaseSync(path, { readOnly: true });
  return Number(database.prepare('SELECT sum(quantity) AS total FROM usage').get()?.['total']);
}
