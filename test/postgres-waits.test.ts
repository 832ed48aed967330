import { Pool } from 'pg';
import { expect, test, vi } from 'vitest';
import { createDatabase } from './support/postgres/databases.ts';
import { startProxy } from './support/postgres/proxy.ts';
import { startPostgres } from './support/postgres/server.ts';
import {
  failureOf,
  LOCK_REPORTS,
  lock,
  open,
  quantityOf,
  RECORDED,
  whenWaiting,
} from './support/postgres/troubled-app.ts';

test.concurrent('a server that stays away: calls fail after ten seconds, and count when it is back', async ({
  onTestFinished: finish,
}) => {
  const server = await startPostgres();
  finish(() => server.stop());
  const usage = open(server.url, finish);
  await usage.increment({ account: 'a' });
  await server.kill();
  const { error, took_ms } = await failureOf(usage.increment({ account: 'a' }), server.url);
  expect(error.code).toBe('storage_failed');
  expect(error.message).toContain('could not be reached; nothing of this call was recorded');
  expect(took_ms).toBeGreaterThan(9_000);
  expect(took_ms).toBeLessThan(16_000);
  await server.restart();
  expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
  expect(await quantityOf(usage)).toBe(2);
});

test.concurrent('a server that is killed under an increment and stays away: the error leaves open whether it counted', async ({
  onTestFinished: finish,
}) => {
  const server = await startPostgres();
  finish(() => server.stop());
  const usage = open(server.url, finish);
  await usage.increment({ account: 'a' });
  await lock(server.url, LOCK_REPORTS, finish);
  const failure = failureOf(usage.increment({ account: 'a' }), server.url);
  await whenWaiting(server.url);
  await server.kill();
  const { error, took_ms } = await failure;
  expect(error.code).toBe('storage_failed');
  expect(error.message).toContain('may or may not have been recorded');
  expect(took_ms).toBeLessThan(18_000);
  await server.restart();
  expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
});

test.concurrent("an app's pool without a free client: an increment waits five seconds, and leaves no client behind", async ({
  onTestFinished: finish,
}) => {
  const database = await createDatabase();
  const pool = new Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => {}); // of connections that are still closing when the database is dropped
  finish(async () => {
    await pool.end();
    await database.drop();
  });
  const usage = open(pool, finish);
  await usage.increment({ account: 'a' });
  const clients = [await pool.connect(), await pool.connect()];
  const { error, took_ms } = await failureOf(usage.increment({ account: 'a' }));
  expect(error.code).toBe('storage_failed');
  expect(error.message).toContain('No connection became free');
  expect(took_ms).toBeGreaterThan(4_500);
  expect(took_ms).toBeLessThan(8_000);
  const waiting = usage.increment({ account: 'a' });
  for (const client of clients) client.release();
  expect(await waiting).toEqual(RECORDED);
  expect(await quantityOf(usage)).toBe(2);
  await vi.waitFor(() => expect(pool.idleCount).toBe(pool.totalCount));
  expect([pool.totalCount <= 2, pool.waitingCount]).toEqual([true, 0]);
});

test.concurrent('a network that swallows everything: calls fail after five seconds, and count when it is whole again', async ({
  onTestFinished: finish,
}) => {
  const database = await createDatabase();
  const proxy = await startProxy(Number(new URL(database.url).port));
  finish(async () => {
    await proxy.close();
    await database.drop();
  });
  proxy.freeze();
  const usage = open(proxy.through(database.url), finish);
  const { error, took_ms } = await failureOf(usage.increment({ account: 'a' }), database.url);
  expect(error.code).toBe('storage_failed');
  expect(error.message).toContain('does not answer');
  expect(took_ms).toBeLessThan(8_000);
  proxy.thaw();
  expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
});

test.concurrent('a migration waits five seconds behind a lock, and writers go on meanwhile', async ({
  onTestFinished: finish,
}) => {
  const database = await createDatabase();
  finish(() => database.drop());
  const usage = open(database.url, finish);
  await usage.increment({ account: 'a' });
  const release = await lock(database.url, 'LOCK TABLE tallybook.migration', finish);
  const starting = open(database.url, finish);
  const failure = failureOf(starting.increment({ account: 'a' }), database.url);
  await whenWaiting(database.url);
  expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
  const { error, took_ms } = await failure;
  expect(error.code).toBe('storage_busy');
  expect(took_ms).toBeLessThan(9_000);
  await release();
  expect(await starting.increment({ account: 'a' })).toEqual(RECORDED);
});

test.concurrent('a start waits for a process that migrates, but not for ever', async ({
  onTestFinished: finish,
}) => {
  const database = await createDatabase();
  finish(() => database.drop());
  const sql = `SELECT pg_advisory_xact_lock(hashtextextended('tallybook "tallybook"', 0))`;
  const release = await lock(database.url, sql, finish);
  const usage = open(database.url, finish);
  const { error, took_ms } = await failureOf(usage.increment({ account: 'a' }), database.url);
  expect(error.code).toBe('storage_busy');
  expect(took_ms).toBeLessThan(14_000);
  await release();
  expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
});
