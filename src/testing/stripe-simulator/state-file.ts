import { DatabaseSync } from 'node:sqlite';
import type { Change, SimulatorState } from './state.ts';

/** Where the simulator's state survives the process. */
export interface StateFile {
  /** Durable when it returns. */
  save(changes: readonly Change[]): void;
  close(): void;
}

/**
 * Opens a state file, or creates it, and takes its records back. It belongs to one simulator at a time: a second
 * one is refused instead of diverging.
 */
export function openStateFile(path: string, state: SimulatorState): StateFile {
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS record (
      position INTEGER PRIMARY KEY,
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      json TEXT NOT NULL,
      UNIQUE (kind, id)
    ) STRICT;
  `);
  for (const { kind, json } of database.prepare('SELECT kind, json FROM record ORDER BY position').all()) {
    state.restore(String(kind), JSON.parse(String(json)));
  }
  const upsert = database.prepare(
    'INSERT INTO record (kind, id, json) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json',
  );
  const remove = database.prepare('DELETE FROM record WHERE kind = ? AND id = ?');

  return {
    save(changes) {
      if (changes.length === 0) return;
      database.exec('BEGIN IMMEDIATE');
      for (const { kind, id, record } of changes) {
        if (record === null) remove.run(kind, id);
        else upsert.run(kind, id, JSON.stringify(record));
      }
      database.exec('COMMIT');
    },
    close() {
      database.close();
    },
  };
}
