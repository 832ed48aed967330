import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { isReportStatus } from '../../core/usage-report.ts';
import type { SqliteConnection } from './connection.ts';
import type { Gate } from './gate.ts';

/** Kysely on one of our SQLite connections. */
export function sqliteDialect(connection: SqliteConnection, gate: Gate): Dialect {
  return {
    createAdapter: () => ADAPTER,
    createDriver: () => new SqliteDriver(connection, gate),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new QueryCompiler(),
  };
}

/**
 * A transaction that writes has the database to itself from its start: there are no locks on rows to ask for.
 *
 * A report's state is written into a statement's text. Where it is bound, SQLite compiles the statement anew for every
 * value, to see whether the indexes of open, held and failed reports cover it; that takes ten times as long as the rest.
 */
class QueryCompiler extends SqliteQueryCompiler {
  protected override appendValue(value: unknown): void {
    if (typeof value === 'string' && isReportStatus(value)) this.appendStringLiteral(value);
    else super.appendValue(value);
  }

  protected override visitSelectQuery({ endModifiers: _, ...node }: SelectQueryNode): void {
    super.visitSelectQuery(node);
  }
}

/** One for all databases: statements are the same in each of them. */
const ADAPTER = new SqliteAdapter();

class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection;
  readonly #gate: Gate;

  constructor(connection: SqliteConnection, gate: Gate) {
    this.#connection = connection;
    this.#gate = gate;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<AcquiredConnection> {
    return new AcquiredConnection(this.#connection, await this.#gate.enterAlone());
  }

  async releaseConnection(connection: AcquiredConnection): Promise<void> {
    connection.release();
  }

  async beginTransaction(connection: AcquiredConnection): Promise<void> {
    await connection.execute('begin');
  }

  async commitTransaction(connection: AcquiredConnection): Promise<void> {
    await connection.execute('commit');
  }

  async rollbackTransaction(connection: AcquiredConnection): Promise<void> {
    await connection.execute('rollback');
  }

  async destroy(): Promise<void> {
    await this.#connection.close();
  }
}

class AcquiredConnection implements DatabaseConnection {
  readonly #connection: SqliteConnection;
  readonly release: () => void;

  constructor(connection: SqliteConnection, release: () => void) {
    this.#connection = connection;
    this.release = release;
  }

  async execute(sql: string): Promise<void> {
    await this.#connection.execute(sql, []);
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, changes } = await this.#connection.execute(sql, parameters);
    return { rows: rows as Row[], numAffectedRows: BigInt(changes) };
  }

  // biome-ignore lint/correctness/useYield: Kysely's interface asks for a generator; nothing here streams.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('Streaming is not supported.');
  }
}
