import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { Environment } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { wordsOf } from '../http/input.ts';
import { createPostgresStore } from '../storage/postgres/postgres-store.ts';
import type { PostgresPool } from '../storage/postgres/session.ts';
import { createSqliteStore } from '../storage/sqlite/sqlite-store.ts';

/** A path for SQLite, `postgres://…`, the app's own `pg.Pool`, or one of them with options. */
export type DatabaseOptions = string | PostgresPoolLike | SqliteOptions | PostgresOptions;

export interface SqliteOptions {
  /** Path of the database file; it is created where it does not exist. */
  readonly path: string;
  /** Allows a relative path where `NODE_ENV` is `production`. Default: false, since it depends on the directory. */
  readonly allow_relative?: boolean;
  /** `worker` (default) keeps the disk off the app's event loop; `in_thread` repeats exactly, for tests. */
  readonly thread?: 'worker' | 'in_thread';
}

/** PostgreSQL 14 or later; the package `pg` must be installed. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with the parameters that `pg` knows. This or `pool`. */
  readonly url?: string;
  /** The app's own pool, which stays the app's to end. */
  readonly pool?: PostgresPoolLike;
  /** The schema that the tables are in, beside the app's own. Default: `tallybook`. */
  readonly schema?: string;
  /**
   * Whole months that the ledger keeps after their end, from 3; older ones are detached once everything in them is
   * settled, and their tables left for the app to archive. Default: all are kept.
   */
  readonly ledger_retention_months?: number;
  /** Goes on, with a warning, where `fsync` or `synchronous_commit` is off. Default: false: usage could be lost. */
  readonly allow_unsafe?: boolean;
}

/** What is used of a `pg.Pool`. */
export interface PostgresPoolLike {
  connect(): Promise<unknown>;
  query(text: string): Promise<unknown>;
  end(): Promise<void>;
}

/** The options, checked and with their defaults. */
export type DatabaseConfig =
  | ({ readonly engine: 'sqlite' } & SqliteOptions)
  | ({ readonly engine: 'postgres' } & PostgresConfig);

interface PostgresConfig {
  readonly server: { readonly url: string } | { readonly pool: PostgresPool };
  readonly schema: string;
  /** null = all months are kept. */
  readonly ledger_retention_months: number | null;
  readonly allow_unsafe: boolean;
}

const POSTGRES_URL = /^postgres(ql)?:\/\//;
/** Two letters at least: `C:` is a drive. */
const ANY_URL = /^[a-z][a-z0-9+.-]+:/i;
/** As PostgreSQL writes an identifier without quotes. */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

const pool = z.custom<PostgresPool>(isPool, 'It is not a pool of `pg`');
const noForm = z.custom<PostgresPool>(
  isPool,
  'It is neither a path, nor a postgres:// URL, nor a pool of `pg`, nor one of them with options',
);
/** The forms of `database` that have options of their own. */
export const sqliteOptions = z.strictObject({
  path: z.string(),
  allow_relative: z.boolean().optional(),
  thread: z.enum(['worker', 'in_thread']).optional(),
});
export const postgresOptions = z.strictObject({
  url: z.string().optional(),
  pool: pool.optional(),
  schema: z.string().regex(SCHEMA_NAME, 'It must be lower-case letters, digits and _').optional(),
  ledger_retention_months: z.int().min(3).optional(),
  allow_unsafe: z.boolean().optional(),
});

/** The form of the option `database`. */
export const databaseOptions = z.unknown().transform((value, context) => {
  const result = formOf(value).safeParse(value, { error: wordsOf });
  if (result.success) return result.data;
  for (const issue of result.error.issues) context.addIssue({ ...issue });
  return z.NEVER;
});

/** One form at a time, so that a refusal names the field that is wrong. */
function formOf(value: unknown) {
  if (typeof value === 'string') return z.string();
  const isOptions = z.record(z.string(), z.unknown()).safeParse(value).success && !isPool(value);
  if (!isOptions) return noForm;
  return Object.hasOwn(Object(value), 'path') ? sqliteOptions : postgresOptions;
}

/** A client of `pg` has these methods too, and others. */
function isPool(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || 'escapeLiteral' in value) return false;
  return ['connect', 'query', 'end'].every((name) => typeof Reflect.get(value, name) === 'function');
}

/** @throws UsageError `invalid_configuration`. */
export function parseDatabase(
  database: z.infer<typeof databaseOptions>,
  isProduction: boolean,
): DatabaseConfig {
  if (typeof database === 'string') {
    return POSTGRES_URL.test(database)
      ? parsePostgres({ url: database })
      : parseSqlite({ path: database }, isProduction);
  }
  if ('path' in database) return parseSqlite(database as SqliteOptions, isProduction);
  return parsePostgres('connect' in database ? { pool: database } : database);
}

function parseSqlite(options: SqliteOptions, isProduction: boolean): DatabaseConfig {
  const { path } = options;
  if (ANY_URL.test(path)) {
    throw invalid('database', 'It must be a postgres:// URL or the path of a file for SQLite.');
  }
  if (path === ':memory:') {
    throw invalid('database', 'A database in memory is not durable: pass a path.');
  }
  if (isProduction && !isAbsolute(path) && !options.allow_relative) {
    throw new UsageError('invalid_configuration', {
      field: 'database',
      reason:
        'NODE_ENV is production, and a relative path depends on the directory that the app is started in.',
      remedy: 'Pass an absolute path, or `database: { path, allow_relative: true }`.',
    });
  }
  return { engine: 'sqlite', ...options };
}

interface ParsedPostgres {
  readonly url?: string | undefined;
  readonly pool?: PostgresPool | undefined;
  readonly schema?: string | undefined;
  readonly ledger_retention_months?: number | undefined;
  readonly allow_unsafe?: boolean | undefined;
}

function parsePostgres({ url, pool: own, ...options }: ParsedPostgres): DatabaseConfig {
  if ((url === undefined) === (own === undefined)) {
    throw invalid('database', 'It needs either a url or a pool.');
  }
  if (url !== undefined && !POSTGRES_URL.test(url)) {
    throw invalid('database.url', 'It must begin with postgres:// or postgresql://.');
  }
  return {
    engine: 'postgres',
    server: own === undefined ? { url: url ?? '' } : { pool: own },
    schema: options.schema ?? 'tallybook',
    ledger_retention_months: options.ledger_retention_months ?? null,
    allow_unsafe: options.allow_unsafe ?? false,
  };
}

function invalid(field: string, reason: string): UsageError {
  return new UsageError('invalid_configuration', { field, reason });
}

/** The store of the configured engine. */
export function openStore(database: DatabaseConfig, environment: Environment): Store {
  return database.engine === 'sqlite'
    ? createSqliteStore({ ...database, environment })
    : createPostgresStore({ ...database, environment });
}
