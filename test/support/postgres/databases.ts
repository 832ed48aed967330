import { Client } from 'pg';

/** Where `global-setup.ts` leaves the URL of the server that all tests share. */
export const SHARED_SERVER = 'TALLYBOOK_TEST_DATABASE_URL';

export interface TestDatabase {
  readonly url: string;
  /** Connections that are still open are closed. */
  drop(): Promise<void>;
}

/** A new, empty database that nobody else uses, by default on the server that all tests share. */
export async function createDatabase(serverUrl = sharedServerUrl()): Promise<TestDatabase> {
  const name = `tallybook_test_${crypto.randomUUID().replaceAll('-', '')}`;
  // A connection of anyone to template1, the default, would refuse this.
  await adminQuery(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(serverUrl);
  url.pathname = name;
  return {
    url: url.href,
    drop: async () => {
      await adminQuery(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** One statement on a connection of its own. Returns the rows. */
export async function adminQuery(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    const { rows } = await client.query(sql, [...values]);
    return rows;
  } finally {
    await client.end();
  }
}

function sharedServerUrl(): string {
  const url = process.env[SHARED_SERVER];
  if (url === undefined)
    throw new Error(`${SHARED_SERVER} is not set: test/support/postgres/global-setup.ts has not run.`);
  return url;
}
