import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import { type PostgresPool, Session } from './session.ts';

/** Kysely on a pool of connections, of which no more is used than lasts a transaction. */
export function postgresDialect(pool: PostgresPool): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PostgresDriver(pool),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

/** A deploy or a job that meets a lock waits so long, and lets others go on behind it. */
const LIMITS = "SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '60s'";

class PostgresDriver implements Driver {
  readonly #pool: PostgresPool;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    return new PostgresConnection(await Session.open(this.#pool));
  }

  async releaseConnection({ session }: PostgresConnection): Promise<void> {
    session.release();
  }

  /** Whatever the app's default is, each statement that writes sees what was committed while it waited for a lock. */
  async beginTransaction(
    { session }: PostgresConnection,
    { isolationLevel = 'read committed' }: TransactionSettings,
  ): Promise<void> {
    await session.query(`BEGIN ISOLATION LEVEL ${isolationLevel}; ${LIMITS}`);
  }

  async commitTransaction({ session }: PostgresConnection): Promise<void> {
    await session.query('COMMIT');
  }

  async rollbackTransaction({ session }: PostgresConnection): Promise<void> {
    // A connection that cannot roll back is broken and given up, which does it too; what matters is why.
    await session.query('ROLLBACK').catch(() => {});
  }

  async destroy(): Promise<void> {}
}

class PostgresConnection implements DatabaseConnection {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, rowCount } = await this.session.query(sql, parameters);
    return { rows: rows as Row[], numAffectedRows: BigInt(rowCount ?? 0) };
  }

  // biome-ignore lint/correctness/useYield: Kysely's interface asks for a generator; nothing here streams.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('Streaming is not supported.');
  }
}
