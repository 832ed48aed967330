import pg from 'pg';
import { startPostgres } from '../../test/support/postgres/server.ts';

/** Of every command here. */
export const OPTIONS = {
  runs: { type: 'string', default: '5' },
  json: { type: 'string' },
  quick: { type: 'boolean', default: false },
  /** Where the server writes: the disk that is measured. Default: a folder for temporary files. */
  directory: { type: 'string' },
} as const;

/** The server of `DATABASE_URL`, whose user must be a superuser, or one of our own with its default settings. */
export async function openServer(directory: string | undefined): Promise<BenchmarkServer> {
  const given = process.env['DATABASE_URL'];
  if (given) return new BenchmarkServer(given, async () => {});
  const server = await startPostgres(directory === undefined ? {} : { directory });
  return new BenchmarkServer(server.url, () => server.stop());
}

export class BenchmarkServer {
  readonly #url: string;
  readonly #shutDown: () => Promise<void>;
  readonly #databases: BenchmarkDatabase[] = [];

  constructor(url: string, shutDown: () => Promise<void>) {
    this.#url = url;
    this.#shutDown = shutDown;
  }

  /** @param template - a database that nobody is connected to; what is in it is in the new one. */
  async createDatabase(template?: BenchmarkDatabase): Promise<BenchmarkDatabase> {
    const name = `tallybook_benchmark_${crypto.randomUUID().replaceAll('-', '')}`;
    await queryOnce(this.#url, `CREATE DATABASE ${name} TEMPLATE ${template?.name ?? 'template0'}`);
    const database = new BenchmarkDatabase(this.#url, name);
    this.#databases.push(database);
    return database;
  }

  /** Leaves nothing behind on a server that was given. */
  async stop(): Promise<void> {
    for (const database of this.#databases) await database.drop();
    await this.#shutDown();
  }
}

export class BenchmarkDatabase {
  readonly name: string;
  readonly url: string;
  readonly #serverUrl: string;

  constructor(serverUrl: string, name: string) {
    const url = new URL(serverUrl);
    url.pathname = name;
    this.#serverUrl = serverUrl;
    this.name = name;
    this.url = url.href;
  }

  /** On a connection of its own. */
  query(sql: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    return queryOnce(this.url, sql, values);
  }

  /** As an app has it, with `pg`'s own defaults. The caller ends it. */
  openPool(): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.url });
    pool.on('error', () => {}); // An idle connection that the server closes is no matter.
    return pool;
  }

  /**
   * Writes out what is pending and clears away old rows, so that nobody pays for what was measured before. The
   * checkpoint comes first: after it, the first change of each page logs all of the page, and where rows are cleared
   * away `VACUUM` pays for that.
   */
  async settle(): Promise<void> {
    await this.query('CHECKPOINT');
    await this.query('VACUUM (ANALYZE)');
  }

  async drop(): Promise<void> {
    await queryOnce(this.#serverUrl, `DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`);
  }
}

async function queryOnce(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
