import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** Rows of one statement, and how many rows it changed. */
export interface StatementResult {
  readonly rows: Record<string, unknown>[];
  readonly changes: number;
}

/** Whether a statement gives rows is asked once: the answer takes longer than most statements. */
interface Prepared {
  readonly statement: StatementSync;
  readonly hasRows: boolean;
}

/** How long a writer waits for other processes to let go of the file. */
const BUSY_TIMEOUT_MS = 10_000;
/** Kysely compiles each call site to the same text, so this is far more than there are. */
const MAX_PREPARED = 500;
/**
 * An increment changes a few hundred bytes here and there: small pages keep what a commit writes small, while a report
 * with the longest ids still fits into one.
 */
const PAGE_BYTES = 2_048;
/**
 * Pages of write-ahead log before a commit also copies them into the database file. Many under a heavy load, where a
 * page is often written again before it is copied. Few under a light one, so that the log soon begins anew: a sync takes
 * twice as long while the file grows as when it is written over.
 */
const CHECKPOINT_PAGES = { heavy: 16_000, light: 1_000 }; // 32 MB and 2 MB

/**
 * One synchronous connection to a SQLite file: durable (write-ahead log, `synchronous=FULL`) and safe next to
 * other processes. It blocks its thread, so it lives in a thread of its own outside of tests.
 */
export class SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();
  readonly #readonly: boolean;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #load: 'heavy' | 'light' | null = null;
  /** How many statements and scripts were run; statements that were prepared by others do not count. */
  executions = 0;

  constructor(path: string, options: { readonly readonly: boolean }) {
    this.#readonly = options.readonly;
    this.#database = new DatabaseSync(path, { readOnly: options.readonly, timeout: BUSY_TIMEOUT_MS });
    this.#database.exec('PRAGMA cache_size = -65536');
    this.#begin = this.#database.prepare(options.readonly ? 'BEGIN' : 'BEGIN IMMEDIATE');
    this.#commit = this.#database.prepare('COMMIT');
    if (options.readonly) return;
    this.#database.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
    this.#database.exec('PRAGMA journal_mode = WAL');
    this.#database.exec('PRAGMA synchronous = FULL');
    this.setLoad('light');
    this.#database.exec('PRAGMA foreign_keys = ON');
    this.#database.exec('PRAGMA busy_timeout = 0'); // begin() waits instead
  }

  /** Adapts to how much is written at a time. */
  setLoad(load: 'heavy' | 'light'): void {
    if (load === this.#load) return;
    this.#database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES[load]}`);
    this.#load = load;
  }

  /** Runs one statement; `begin`, `commit` and `rollback` are statements too. */
  execute(sql: string, parameters: readonly unknown[]): StatementResult {
    this.executions += 1;
    if (sql === 'begin' || sql === 'commit' || sql === 'rollback') {
      this[sql]();
      return { rows: [], changes: 0 };
    }
    if (this.#readonly || this.#database.isTransaction) return this.#run(sql, parameters);
    this.begin();
    try {
      const result = this.#run(sql, parameters);
      this.commit();
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  #run(sql: string, parameters: readonly unknown[]): StatementResult {
    const { statement, hasRows } = this.#prepare(sql);
    const values = parameters.map(toSqlite);
    if (hasRows) return { rows: statement.all(...values), changes: 0 };
    return { rows: [], changes: Number(statement.run(...values).changes) };
  }

  /** Runs a script of several statements. */
  executeScript(sql: string): void {
    this.executions += 1;
    this.#database.exec(sql);
  }

  /** A prepared statement, kept for the next time. */
  prepare(sql: string): StatementSync {
    return this.#prepare(sql).statement;
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#prepared.get(sql);
    if (!prepared) {
      const statement = this.#database.prepare(sql);
      prepared = { statement, hasRows: statement.columns().length > 0 };
      if (this.#prepared.size < MAX_PREPARED) this.#prepared.set(sql, prepared);
    }
    return prepared;
  }

  /**
   * Begins a transaction that holds the write lock from the start. SQLite's own waiting sleeps up to 100 ms between
   * tries, and starves beside a busy writer: while waiting, this tries every millisecond or so.
   */
  begin(): void {
    if (this.#readonly) {
      this.#begin.run();
      return;
    }
    for (let waited_ms = 0; !this.#tryBegin(waited_ms >= BUSY_TIMEOUT_MS); waited_ms += 1) pauseThread(1);
  }

  #tryBegin(isLast: boolean): boolean {
    try {
      this.#begin.run();
      return true;
    } catch (error) {
      if (isLast || !isBusy(error)) throw error;
      return false;
    }
  }

  commit(): void {
    this.#commit.run();
  }

  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  close(): void {
    this.#database.close();
  }
}

function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return value;
  }
  throw new TypeError(`SQLite cannot store a value of type ${typeof value}.`);
}

/** The primary result code (sqlite.org/rescode.html) of an error that node:sqlite threw; null for other errors. */
export function sqliteCode(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread: the connection's thread has nothing else to do while it waits for the lock. */
function pauseThread(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}
