import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { adminQuery, createDatabase, type TestDatabase } from './support/postgres/databases.ts';
import { freePort } from './support/postgres/free-port.ts';
import { startProxy } from './support/postgres/proxy.ts';
import { type PostgresServer, startPostgres } from './support/postgres/server.ts';
import {
  failureOf,
  LOCK_REPORTS,
  lock,
  open,
  quantityOf,
  RECORDED,
  SECRET,
  silent,
  whenWaiting,
} from './support/postgres/troubled-app.ts';

describe('a server of its own', () => {
  let server: PostgresServer;
  let database: TestDatabase;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  /** A database with a user who owns it, and who has no other rights. */
  async function createApp() {
    database = await createDatabase(server.url);
    const role = `app_${crypto.randomUUID().replaceAll('-', '')}`;
    await adminQuery(database.url, `CREATE ROLE ${role} LOGIN PASSWORD '${SECRET}'`);
    const url = new URL(database.url);
    const name = url.pathname.slice(1);
    await adminQuery(database.url, `ALTER DATABASE ${name} OWNER TO ${role}`);
    url.username = role;
    url.password = SECRET;
    return { url: url.href, name, role, admin: (sql: string) => adminQuery(database.url, sql) };
  }

  test('a server that is started again: calls wait for it and count', async () => {
    const { url } = await createApp();
    const usage = open(url);
    await usage.increment({ account: 'a' });
    let isBack = false;
    const restarting = server.restart().finally(() => {
      isBack = true;
    });
    let calls = 1;
    for (; !isBack || calls < 10; calls += 1)
      expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
    await restarting;
    expect(await quantityOf(usage)).toBe(calls);
  });

  test('a server that is killed under an increment, and started again: it counts once', async () => {
    const { url } = await createApp();
    const usage = open(url);
    await usage.increment({ account: 'a' });
    await lock(url, LOCK_REPORTS);
    const keyed = { account: 'a', quantity: 5, idempotency_key: 'k' };
    const inFlight = usage.increment(keyed);
    await whenWaiting(database.url);
    await server.kill();
    await server.restart();
    expect(await inFlight).toEqual(RECORDED);
    expect(await usage.increment(keyed)).toEqual({ recorded: false, duplicate: true });
    expect(await quantityOf(usage)).toBe(6);
  });

  test.each([1, 3])('an answer that is lost after the commit: %i calls count once', async (calls) => {
    const { url } = await createApp();
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.close());
    const usage = open(proxy.through(url));
    await usage.increment({ account: 'a' });
    proxy.loseNextAnswer();
    const accounts = ['a', 'b', 'c'].slice(0, calls);
    const results = await Promise.all(accounts.map((account) => usage.increment({ account, quantity: 7 })));
    expect(results).toEqual(accounts.map(() => RECORDED));
    expect(await quantityOf(usage)).toBe(8);
  });

  test('connections that the server ends, idle or in use, neither end the process nor lose anything', async () => {
    const { url, admin } = await createApp();
    const pool = new Pool({ connectionString: url }); // without a listener for errors
    onTestFinished(() => pool.end());
    const usage = open(pool);
    await usage.increment({ account: 'a' });
    const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    for (let round = 1; round <= 20; round += 1) {
      const increments = Array.from({ length: 20 }, () => usage.increment({ account: 'a' }));
      await admin(end);
      await Promise.all(increments);
      await admin(end);
    }
    expect(await quantityOf(usage)).toBe(401);
  });

  test("a time limit of the user's: the statement is cancelled, nothing is recorded, and the next one counts", async () => {
    const { url, role, admin } = await createApp();
    await open(url).increment({ account: 'a' });
    await admin(`ALTER ROLE ${role} SET statement_timeout = '300ms'`);
    const usage = open(url);
    const release = await lock(database.url, LOCK_REPORTS);
    const { error, took_ms } = await failureOf(usage.increment({ account: 'a' }), url);
    expect(error.code).toBe('storage_failed');
    expect(error.message).toContain('time limit; nothing of this call was recorded');
    expect(took_ms).toBeLessThan(5_000);
    await release();
    expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
    expect(await quantityOf(usage)).toBe(2);
  });

  test('a database that becomes read-only, as at a failover: an error that says so, until it can be written', async () => {
    const { url, name, admin } = await createApp();
    const usage = open(url);
    await usage.increment({ account: 'a' });
    await admin(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
      AND pid <> pg_backend_pid()`);
    for (const each of [usage, open(url)]) {
      const { error, took_ms } = await failureOf(each.increment({ account: 'a' }), url);
      expect(error.code).toBe('storage_failed');
      expect(error.message).toContain('read-only');
      expect(took_ms).toBeLessThan(5_000);
    }
    await admin(`BEGIN READ WRITE; ALTER DATABASE ${name} RESET default_transaction_read_only; COMMIT`);
    expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
    expect(await quantityOf(usage)).toBe(2);
  });

  test('a wrong password, which is corrected at the server', async () => {
    const { url, role, admin } = await createApp();
    await admin(`ALTER ROLE ${role} PASSWORD 'another'`);
    const usage = open(url);
    const { error, took_ms } = await failureOf(usage.increment({ account: 'a' }), url);
    expect(error.code).toBe('storage_failed');
    expect(error.message).toContain('refused the login: check user, password');
    expect(took_ms).toBeLessThan(2_000);
    await admin(`ALTER ROLE ${role} PASSWORD '${SECRET}'`);
    expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
  });

  test('a database that does not exist, and then does', async () => {
    const { url, name, admin } = await createApp();
    const other = new URL(url);
    other.pathname = `${name}_2`;
    const usage = open(other.href);
    const { error } = await failureOf(usage.increment({ account: 'a' }), url);
    expect(error.code).toBe('storage_failed');
    expect(error.message).toContain('The database of that name does not exist');
    await admin(`CREATE DATABASE ${name}_2 OWNER ${new URL(url).username} TEMPLATE template0`);
    expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
  });

  test('a user who may not create a schema, until one stands ready', async () => {
    const { url, name, role, admin } = await createApp();
    await admin(`ALTER DATABASE ${name} OWNER TO postgres`);
    const usage = open(url);
    const { error } = await failureOf(usage.increment({ account: 'a' }), url);
    expect(error.code).toBe('storage_failed');
    expect(error.message).toContain('lacks a permission');
    await admin(`CREATE SCHEMA tallybook AUTHORIZATION ${role}`);
    expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
  });

  test('a schema that a newer version has migrated is left alone', async () => {
    const { url, admin } = await createApp();
    await open(url).increment({ account: 'a' });
    await admin('INSERT INTO tallybook.migration VALUES (999, now())');
    const { error } = await failureOf(open(url).increment({ account: 'a' }), url);
    expect(error.code).toBe('schema_too_new');
    expect(error.message).toContain('Its schema has version 999');
  });

  test('six processes that start at once on an empty database', async () => {
    const { url } = await createApp();
    const all = Array.from({ length: 6 }, () => open(url));
    expect(await Promise.all(all.map((usage) => usage.increment({ account: 'a' })))).toEqual(
      all.map(() => RECORDED),
    );
    expect(await Promise.all(all.map((usage) => quantityOf(usage)))).toEqual(all.map(() => 6));
  });

  test.each(['repeatable read', 'serializable'])(
    'a database whose transactions are %s by default',
    async (level) => {
      const { url, name, admin } = await createApp();
      await admin(`ALTER DATABASE ${name} SET default_transaction_isolation = '${level}'`);
      const all = [open(url), open(url)];
      const increments = Array.from({ length: 60 }, (_, index) =>
        all[index % 2]?.increment({ account: `a${index % 3}` }),
      );
      const reports = Array.from({ length: 6 }, (_, index) => all[index % 2]?.report());
      await Promise.all([...increments, ...reports]);
      await all[0]?.report();
      const [row] = await admin('SELECT sum(quantity)::integer AS quantity FROM tallybook.usage');
      expect(row?.['quantity']).toBe(60);
    },
  );

  test('synchronous_commit = off is refused; with allow_unsafe it is warned of', async () => {
    const { url, name, admin } = await createApp();
    await admin(`ALTER DATABASE ${name} SET synchronous_commit = off`);
    await expectUnsafe(url, 'fsync is on and synchronous_commit is off');
  });

  test('a server that demands TLS says so', async () => {
    const { url } = await createApp();
    await server.restart({ hba: 'hostssl all all 127.0.0.1/32 scram-sha-256\n' });
    const usage = open(url);
    const { error, took_ms } = await failureOf(usage.increment({ account: 'a' }), url);
    expect(error.code).toBe('storage_failed');
    expect(error.message).toContain('refused the login: check user, password and whether it demands TLS');
    expect(took_ms).toBeLessThan(2_000);
    await server.restart({ hba: 'host all all 127.0.0.1/32 scram-sha-256\n' });
    expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
  });

  test('fsync = off is refused; with allow_unsafe it is warned of', async () => {
    const { url } = await createApp();
    await server.restart({ settings: { fsync: 'off' } });
    await expectUnsafe(url, 'fsync is off and synchronous_commit is on');
    await server.restart({ settings: { fsync: 'on' } });
  });

  async function expectUnsafe(url: string, reason: string): Promise<void> {
    const { error } = await failureOf(open(url).increment({ account: 'a' }), url);
    expect(error.code).toBe('storage_unsafe');
    expect(error.message).toContain(reason);
    const warnings: string[] = [];
    const logger = { ...silent, warn: (_fields: object, message: string) => warnings.push(message) };
    const usage = open({ url, allow_unsafe: true }, onTestFinished, logger);
    expect(await usage.increment({ account: 'a' })).toEqual(RECORDED);
    expect(warnings).toEqual([`Acknowledged usage can be lost: ${reason}.`]);
  }
});

test.each([
  ['nobody listens', (port: number) => `postgres://app:${SECRET}@127.0.0.1:${port}/app`],
  ['the port is not a number', () => `postgres://app:${SECRET}@127.0.0.1:port/app`],
  ['the password is not encoded', () => `postgres://app:${SECRET}%@127.0.0.1/app`],
  ['the host is unknown', () => `postgres://app:${SECRET}@host.invalid/app`],
])('no error shows the password: %s', async (_what, urlOf) => {
  const url = urlOf(await freePort());
  const { error } = await failureOf(open(url).increment({ account: 'a' }));
  expect(error.code).toBe('storage_failed');
});
