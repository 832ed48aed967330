import { inspect } from 'node:util';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createUsage, type DatabaseOptions, type Logger, UsageError } from '../src/index.ts';
import { adminQuery, createDatabase, type TestDatabase } from './support/postgres/databases.ts';
import { freePort } from './support/postgres/free-port.ts';
import { startProxy } from './support/postgres/proxy.ts';
import { type PostgresServer, startPostgres } from './support/postgres/server.ts';

const SETTINGS = process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {};
const PASSWORD = 'correct-horse-battery-staple';
const RECORDED = { recorded: true, duplicate: false };
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

type Finish = (run: () => Promise<void>) => void;

/** The product, which a test never starts again. */
function open(database: DatabaseOptions, finish: Finish = onTestFinished, logger: Logger = silent) {
  const usage = createUsage({ database, meters: { credits: {} }, onError: () => {}, logger });
  finish(() => usage.close());
  return usage;
}

interface Failure {
  readonly error: UsageError;
  readonly took_ms: number;
}

/** The typed error that a call ends with. Whatever is shown of it has no password. */
async function failureOf(call: Promise<unknown>, url = ''): Promise<Failure> {
  const startedAt = performance.now();
  const error = await call.then(
    () => new Error('The call succeeded.'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof UsageError)) throw error;
  const shown = [String(error), error.stack, JSON.stringify(error), inspect(error, { depth: 20 })].join('\n');
  const passwords = [PASSWORD, url === '' ? PASSWORD : decodeURIComponent(new URL(url).password)];
  for (const password of passwords) expect(shown).not.toContain(password);
  return { error, took_ms: performance.now() - startedAt };
}

async function quantityOf(usage: ReturnType<typeof open>, account = 'a'): Promise<number> {
  return (await usage.get({ account })).quantity;
}

/** A client of the app that holds a lock until it is told to let go. */
async function lock(url: string, sql: string, finish: Finish = onTestFinished) {
  const pool = new Pool({ connectionString: url, max: 1 });
  pool.on('error', () => {});
  const client = await pool.connect();
  client.on('error', () => {});
  let isHeld = true;
  const release = async () => {
    if (!isHeld) return;
    isHeld = false;
    await client.query('ROLLBACK').catch(() => {}); // its server may have been killed
    client.release(true);
    await pool.end();
  };
  finish(release);
  await client.query('BEGIN');
  await client.query(sql);
  return release;
}

/** Resolves when so many statements wait for a lock. */
async function whenWaiting(url: string): Promise<void> {
  const sql =
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  await expect.poll(() => adminQuery(url, sql), { timeout: 10_000, interval: 20 }).not.toHaveLength(0);
}

const LOCK_REPORTS = 'SELECT 1 FROM tallybook.usage FOR UPDATE';

describe.concurrent('waiting has an end', () => {
  test('a server that stays away: calls fail after ten seconds, and count when it is back', async ({
    onTestFinished: finish,
  }) => {
    const server = await startPostgres({ settings: SETTINGS });
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

  test('a server that is killed under an increment and stays away: the error leaves open whether it counted', async ({
    onTestFinished: finish,
  }) => {
    const server = await startPostgres({ settings: SETTINGS });
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

  test("an app's pool without a free client: an increment waits five seconds, and leaves no client behind", async ({
    onTestFinished: finish,
  }) => {
    const database = await createDatabase();
    const pool = new Pool({ connectionString: database.url, max: 2 });
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
    await expect.poll(() => pool.idleCount).toBe(pool.totalCount);
    expect([pool.totalCount <= 2, pool.waitingCount]).toEqual([true, 0]);
  });

  test('a network that swallows everything: calls fail after five seconds, and count when it is whole again', async ({
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

  test('a migration waits five seconds behind a lock, and writers go on meanwhile', async ({
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

  test('a start waits for a process that migrates, but not for ever', async ({ onTestFinished: finish }) => {
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
});

describe('a server of its own', () => {
  let server: PostgresServer;
  let database: TestDatabase;

  beforeAll(async () => {
    server = await startPostgres({ settings: SETTINGS });
  });
  afterAll(() => server.stop());

  /** A database with a user who owns it, and who has no other rights. */
  async function createApp() {
    database = await createDatabase(server.url);
    const role = `app_${crypto.randomUUID().replaceAll('-', '')}`;
    await adminQuery(database.url, `CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`);
    const url = new URL(database.url);
    const name = url.pathname.slice(1);
    await adminQuery(database.url, `ALTER DATABASE ${name} OWNER TO ${role}`);
    url.username = role;
    url.password = PASSWORD;
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
    await admin(`ALTER ROLE ${role} PASSWORD '${PASSWORD}'`);
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
  ['nobody listens', (port: number) => `postgres://app:${PASSWORD}@127.0.0.1:${port}/app`],
  ['the port is not a number', () => `postgres://app:${PASSWORD}@127.0.0.1:port/app`],
  ['the password is not encoded', () => `postgres://app:${PASSWORD}%@127.0.0.1/app`],
  ['the host is unknown', () => `postgres://app:${PASSWORD}@host.invalid/app`],
])('no error shows the password: %s', async (_what, urlOf) => {
  const url = urlOf(await freePort());
  const { error } = await failureOf(open(url).increment({ account: 'a' }));
  expect(error.code).toBe('storage_failed');
});
