import { FAST_FOLDER } from '../fast-folder.ts';
import { SHARED_SERVER } from './databases.ts';
import { startPostgres } from './server.ts';

/**
 * For vitest's `globalSetup`: one PostgreSQL for the whole run, whose URL all processes inherit. With `DATABASE_URL`
 * it is that server, where tests make databases `tallybook_test_…` and drop them again.
 */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  const given = process.env['DATABASE_URL'];
  if (given) {
    process.env[SHARED_SERVER] = given;
    return undefined;
  }
  const server = await startPostgres({ directory: FAST_FOLDER }).catch((cause: unknown) => {
    const remedy = 'Set DATABASE_URL to a server whose user may create databases.';
    throw new Error(`PostgreSQL could not be started for the tests. ${remedy}`, { cause });
  });
  process.env[SHARED_SERVER] = server.url;
  return () => server.stop();
}
