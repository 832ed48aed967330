import { Kysely, WithSchemaPlugin } from 'kysely';
import type { Environment } from '../../core/environment.ts';
import { UsageError } from '../../core/errors.ts';
import { SECOND_MS } from '../../core/instant.ts';
import type { Batching, MaintainParams, Store } from '../../core/store.ts';
import { type Connected, createKyselyStore } from '../kysely-store.ts';
import type { Database } from '../schema.ts';
import { postgresDialect } from './dialect.ts';
import { toUsageError } from './failures.ts';
import { postgresLedger } from './ledger.ts';
import { detachMonths, ensureMonths, type MonthsContext } from './ledger-months.ts';
import { POSTGRES_MIGRATIONS } from './migrations.ts';
import { createWritePath } from './record-usage.ts';
import { listAccountsToRollUp, ReportSealedError, rollUp } from './roll-up.ts';
import { CONNECT_TIMEOUT_MS, type PostgresPool, Session } from './session.ts';
import { createTransactionPath } from './transactions.ts';

export interface PostgresStoreOptions {
  /** A pool of the app's own, which is not ended by `close`, or where to connect to. */
  readonly server: { readonly pool: PostgresPool } | { readonly url: string };
  /** The schema that the tables are in; created where it does not exist. Default: `tallybook`. */
  readonly schema?: string;
  /** Goes on, with a warning, where the server acknowledges commits before they are on disk. Default: false. */
  readonly allow_unsafe?: boolean;
  readonly environment: Pick<Environment, 'uuid' | 'clock' | 'logger'>;
}

/** By measurement (`benchmarks/increment`). */
const BATCHING: Batching = {
  max_entries: 500,
  max_in_flight: 2,
  entries_to_overlap: 100,
  divides_accounts: true,
};
const DEFAULT_SCHEMA = 'tallybook';
const MAX_CONNECTIONS = 10;
const OLDEST_VERSION = 140_000;

/**
 * Connects to PostgreSQL, on first use, and brings the schema up to date.
 *
 * @throws UsageError from every method: `storage_failed`, `storage_busy`, `storage_unsafe`, `schema_too_new`,
 * `invalid_configuration` where `pg` is not installed.
 */
export function createPostgresStore(options: PostgresStoreOptions): Store {
  const schema = quoted(options.schema ?? DEFAULT_SCHEMA);
  let pool: PostgresPool | null = null;
  let opening: Promise<Connected> | null = null;

  async function connect(): Promise<Connected> {
    opening ??= open();
    try {
      return await opening;
    } catch (error) {
      opening = null; // the next call tries again: the server may be back
      throw error;
    }
  }

  async function open(): Promise<Connected> {
    if (pool === null) {
      pool = 'pool' in options.server ? options.server.pool : await createPool(options.server.url);
      pool.on?.('error', ignoreIdle);
    }
    const session = await Session.open(pool);
    try {
      await checkServer(session, options);
      await migrate(session, schema);
      const months_until = await ensureMonths(session, schema, options.environment.clock.now());
      return connected({ pool, schema, months_until }, options);
    } finally {
      session.release();
    }
  }

  async function close(): Promise<void> {
    await opening?.catch(() => {});
    // A connection of our own can still break while it is being closed, and is still listened to.
    if ('pool' in options.server) pool?.off?.('error', ignoreIdle);
    else await pool?.end();
  }

  return createKyselyStore({ batching: BATCHING, connect, toUsageError, close }, options.environment);
}

/** A connection broke that nobody was using: the pool has dropped it already. Unheard, it would end the process. */
function ignoreIdle(): void {}

/** Loaded when it is needed: apps on SQLite do not install it. */
async function createPool(url: string): Promise<PostgresPool> {
  const { default: pg } = await importPg();
  return new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    application_name: 'tallybook',
    keepAlive: true,
    // After the call has given up: a server that does not answer must not hold the pool's places.
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS + SECOND_MS,
  });
}

/** In a `try` of its own: bundlers take that as leave to go on where the package is not installed. */
async function importPg(): Promise<typeof import('pg')> {
  try {
    return await import('pg');
  } catch (cause) {
    throw new UsageError('invalid_configuration', {
      field: 'database',
      reason: 'The package `pg` is not installed, which PostgreSQL needs.',
      remedy: 'Install it (`npm install pg`), and start again.',
      cause,
    });
  }
}

function connected(context: MonthsContext, options: PostgresStoreOptions): Connected {
  const { pool, schema } = context;
  const db = new Kysely<Database>({
    dialect: postgresDialect(pool),
    plugins: [new WithSchemaPlugin(options.schema ?? DEFAULT_SCHEMA)],
  });
  return {
    writer: db,
    reader: db,
    writePath: createWritePath({ pool, schema }),
    ledger: postgresLedger(context),
    recordInTransaction: createTransactionPath(context),
    rollUp: async (params) => {
      try {
        return await rollUp(db, schema, params);
      } catch (error) {
        if (error instanceof ReportSealedError) return { more: true };
        throw error;
      }
    },
    listAccountsToRollUp: (params) => listAccountsToRollUp(db, schema, params),
    maintain: (params) => maintain(context, options, params),
  };
}

/** Refuses a server on which an acknowledged increment could be lost. */
async function checkServer(
  session: Session,
  { allow_unsafe = false, environment }: PostgresStoreOptions,
): Promise<void> {
  const { rows } = await session.query(
    `SELECT current_setting('server_version_num')::integer AS version, current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS synchronous_commit`,
  );
  const { version, fsync, synchronous_commit } = rows[0] ?? {};
  if (Number(version) < OLDEST_VERSION) {
    throw new UsageError('storage_failed', {
      field: 'database',
      reason: 'PostgreSQL 14 or later is needed.',
    });
  }
  if (fsync !== 'off' && synchronous_commit !== 'off') return;
  const reason = `fsync is ${fsync} and synchronous_commit is ${synchronous_commit}.`;
  if (!allow_unsafe) throw new UsageError('storage_unsafe', { field: 'database', reason });
  environment.logger.warn({ fsync, synchronous_commit }, `Acknowledged usage can be lost: ${reason}`);
}

/**
 * Waits longer for another process that migrates than for a table in use, for which others would wait behind it; both
 * less than for an answer.
 */
const BEGIN_MIGRATION = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '60s'`;

/** Applies what is missing in one transaction; several processes may start at once, and nobody else waits for it. */
async function migrate(session: Session, schema: string): Promise<void> {
  await session.query(BEGIN_MIGRATION);
  try {
    await session.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`tallybook ${schema}`]);
    await session.query(`SET LOCAL lock_timeout = '5s'`);
    const version = await schemaVersion(session, schema);
    if (version > POSTGRES_MIGRATIONS.length) {
      throw new UsageError('schema_too_new', {
        field: 'database',
        reason: `Its schema has version ${version}, this Tallybook knows ${POSTGRES_MIGRATIONS.length}.`,
      });
    }
    for (const [index, script] of POSTGRES_MIGRATIONS.entries()) {
      if (index < version) continue;
      await session.query(script(schema));
      await session.query(`INSERT INTO ${schema}.migration VALUES ($1, now())`, [index + 1]);
    }
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function schemaVersion(session: Session, schema: string): Promise<number> {
  const { rows } = await session.query(
    `SELECT to_regclass($1) IS NOT NULL AS is_known, to_regnamespace($2) IS NOT NULL AS has_schema`,
    [`${schema}.migration`, schema],
  );
  const { is_known, has_schema } = rows[0] ?? {};
  if (is_known !== true) {
    // IF NOT EXISTS would ask for the right to create schemas even where one stands ready for the user.
    await session.query(`
      ${has_schema === true ? '' : `CREATE SCHEMA ${schema};`}
      CREATE TABLE ${schema}.migration (version integer NOT NULL PRIMARY KEY, applied_at timestamptz NOT NULL);`);
    return 0;
  }
  const { rows: versions } = await session.query(
    `SELECT coalesce(max(version), 0) AS version FROM ${schema}.migration`,
  );
  return Number(versions[0]?.['version']);
}

const KEYS_PER_STATEMENT = 5_000;

async function maintain(
  { pool, schema }: MonthsContext,
  options: PostgresStoreOptions,
  params: MaintainParams,
): Promise<void> {
  const session = await Session.open(pool);
  try {
    // The server's settings can change while it runs: what would have been refused at the start is warned of.
    await checkServer(session, { ...options, allow_unsafe: true });
    await ensureMonths(session, schema, params.now);
    for (let pruned = KEYS_PER_STATEMENT; pruned === KEYS_PER_STATEMENT; ) {
      const { rowCount } = await session.query(
        `DELETE FROM ${schema}.usage_key WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM ${schema}.usage_key WHERE recorded_at < $1 LIMIT ${KEYS_PER_STATEMENT}))`,
        [params.keys_before],
      );
      pruned = rowCount ?? 0;
    }
    if (params.ledger_before !== null) await detachMonths(session, schema, params.ledger_before, params.now);
  } finally {
    session.release();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
