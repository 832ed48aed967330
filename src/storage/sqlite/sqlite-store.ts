import { Kysely } from 'kysely';
import { UsageError } from '../../core/errors.ts';
import { type Batching, CommitUnknownError, type Store } from '../../core/store.ts';
import { type Connected, createKyselyStore } from '../kysely-store.ts';
import type { Database } from '../schema.ts';
import {
  type ConnectionOptions,
  connectInThread,
  connectInWorker,
  type SqliteConnection,
} from './connection.ts';
import { isBusy, sqliteCode } from './database.ts';
import { sqliteDialect } from './dialect.ts';
import { Gate } from './gate.ts';
import { SQLITE_LEDGER } from './ledger.ts';
import { SQLITE_MIGRATIONS } from './migrations.ts';
import { pruneKeys } from './pruning.ts';

export interface SqliteStoreOptions {
  /** Path of the database file; it is created where it does not exist. */
  readonly path: string;
  /** `worker` (default): an fsync never stalls the app. `in_thread`: deterministic, for tests. */
  readonly thread?: 'worker' | 'in_thread';
  /** Default: opens the file in the `thread`. */
  readonly connect?: Connect;
  readonly environment: { uuid(): string };
}

type Connect = (options: ConnectionOptions) => SqliteConnection;

/**
 * Opens the embedded database, on first use, and brings its schema up to date.
 *
 * @throws UsageError from every method: `storage_failed`, `storage_busy`, `schema_too_new`.
 */
export function createSqliteStore(options: SqliteStoreOptions): Store {
  const { path, thread = 'worker', environment } = options;
  const connectTo = options.connect ?? (thread === 'worker' ? connectInWorker : connectInThread);
  let opening: Promise<OpenFile> | null = null;

  async function connect(): Promise<OpenFile> {
    if (opening && (await opening.catch(() => null))?.isLost()) opening = null;
    opening ??= openFile(path, connectTo);
    try {
      return await opening;
    } catch (error) {
      opening = null; // the next call tries again: the disk may be back
      throw error;
    }
  }

  async function close(): Promise<void> {
    const file = await opening?.catch(() => null);
    await file?.close();
  }

  return createKyselyStore({ batching: BATCHING, connect, toUsageError, close }, environment);
}

/**
 * By measurement (`benchmarks/increment`, `benchmarks/http`): the commits of one file follow each other. A second one waits in the
 * thread where it is worth a sync, so that the thread does not wait for the app's, which answers requests after a commit.
 */
const BATCHING: Batching = {
  max_entries: 2_000,
  max_in_flight: 2,
  entries_to_overlap: 600,
  divides_accounts: false,
};

interface OpenFile extends Connected {
  /** Whether the connection's thread has died. */
  isLost(): boolean;
  close(): Promise<void>;
}

async function openFile(path: string, connect: Connect): Promise<OpenFile> {
  const writing = connect({ path, readonly: false });
  try {
    await migrate(writing);
  } catch (error) {
    await writing.close().catch(() => {});
    throw error;
  }
  const reading = connect({ path, readonly: true });
  const gate = new Gate();
  const writer = new Kysely<Database>({ dialect: sqliteDialect(writing, gate) });
  return {
    writer,
    reader: new Kysely({ dialect: sqliteDialect(reading, new Gate()) }),
    writePath: {
      write: async (params) => ({
        outcomes: await gate.share(() => writing.write(params)),
        failure: null,
      }),
    },
    ledger: SQLITE_LEDGER,
    recordInTransaction: async () => {
      throw new UsageError('transaction_unsupported', { field: 'transaction' });
    },
    rollUp: async () => ({ more: false }),
    listAccountsToRollUp: async () => [],
    maintain: ({ keys_before }) => pruneKeys(writer, keys_before),
    isLost: () => writing.isLost() || reading.isLost(),
    close: async () => {
      await gate.enterAlone();
      await reading.close();
      await writing.close();
    },
  };
}

/** Applies what is missing, each migration in a transaction with its row; several processes may start at once. */
async function migrate(connection: SqliteConnection): Promise<void> {
  await connection.execute('begin', []);
  try {
    await connection.executeScript(
      'CREATE TABLE IF NOT EXISTS migration (version INTEGER NOT NULL PRIMARY KEY, applied_at TEXT NOT NULL) STRICT',
    );
    const { rows } = await connection.execute(
      'SELECT coalesce(max(version), 0) AS version FROM migration',
      [],
    );
    const version = Number(rows[0]?.['version']);
    if (version > SQLITE_MIGRATIONS.length) {
      throw new UsageError('schema_too_new', {
        field: 'database',
        reason: `Its schema has version ${version}, this Tallybook knows ${SQLITE_MIGRATIONS.length}.`,
      });
    }
    for (const [index, script] of SQLITE_MIGRATIONS.entries()) {
      if (index < version) continue;
      await connection.executeScript(script);
      await connection.execute("INSERT INTO migration VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ'))", [
        index + 1,
      ]);
    }
    await connection.execute('commit', []);
  } catch (error) {
    await connection.execute('rollback', []);
    throw error;
  }
}

const SQLITE_FULL = 13;
const SQLITE_READONLY = 8;
const SQLITE_CANTOPEN = 14;

function toUsageError(error: unknown): UsageError {
  if (error instanceof UsageError) return error;
  if (isBusy(error)) return new UsageError('storage_busy', { cause: error });
  const reasons: Record<number, string> = {
    [SQLITE_FULL]: 'The disk is full; nothing of this call was recorded.',
    [SQLITE_READONLY]: 'The database file is read-only; nothing of this call was recorded.',
    [SQLITE_CANTOPEN]: 'The database file cannot be opened.',
  };
  const reason =
    error instanceof CommitUnknownError
      ? 'The database stopped answering; the call may or may not have been recorded.'
      : reasons[sqliteCode(error) ?? -1];
  return new UsageError('storage_failed', reason === undefined ? { cause: error } : { reason, cause: error });
}
