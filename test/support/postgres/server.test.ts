import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { needsCopy } from './binaries.ts';
import { adminQuery, createDatabase, SHARED_SERVER } from './databases.ts';
import { setup } from './global-setup.ts';
import { eventually, isAlive } from './processes.ts';
import { type PostgresServer, startPostgres } from './server.ts';
import { canReach, chooseUser, reachableTemporaryFolder } from './server-user.ts';

const CLEANUP_MS = 20_000;
const STRANGER = { uid: 54_321, gid: 54_321 };

let server: PostgresServer;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(reachableTemporaryFolder(null), 'tallybook-server-test-'));
  server = await startPostgres({ settings: { cluster_name: "it's a test" } });
});

afterAll(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true });
});

test('a server answers with its settings, on 127.0.0.1 only and with its password only', async () => {
  const sql = `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
    current_setting('listen_addresses') AS addresses, current_setting('max_connections') AS connections,
    current_setting('cluster_name') AS name`;
  const expected = {
    fsync: 'on',
    commit: 'on',
    addresses: '127.0.0.1',
    connections: '100',
    name: "it's a test",
  };
  expect(await adminQuery(server.url, sql)).toEqual([expected]);
  const stranger = new URL(server.url);
  stranger.password = 'guessed';
  await expect(adminQuery(stranger.href, sql)).rejects.toThrow('password authentication failed');
});

test('databases that are made at the same time are empty and apart, and are dropped while in use', async () => {
  const databases = await Promise.all(Array.from({ length: 5 }, () => createDatabase(server.url)));
  await Promise.all(databases.map(({ url }) => adminQuery(url, 'CREATE TABLE usage (quantity bigint)')));
  const client = new Client({ connectionString: databases[0]?.url });
  client.on('error', () => {});
  await client.connect();
  await Promise.all(databases.map(({ drop }) => drop()));
  expect(await adminQuery(server.url, `SELECT 1 FROM pg_database WHERE datname LIKE 'tallybook%'`)).toEqual(
    [],
  );
});

test('with DATABASE_URL the tests use that server, and otherwise one that ends with the run', async () => {
  vi.stubEnv(SHARED_SERVER, undefined);
  await expect(createDatabase()).rejects.toThrow('global-setup.ts has not run');
  vi.stubEnv('DATABASE_URL', server.url);
  expect(await setup()).toBeUndefined();
  const { url, drop } = await createDatabase();
  expect(new URL(url).port).toBe(String(server.port));
  await drop();

  vi.stubEnv('DATABASE_URL', undefined);
  const teardown = await setup();
  const own = process.env[SHARED_SERVER] ?? '';
  expect(await adminQuery(own, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await teardown?.();
  await expect(adminQuery(own, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  vi.unstubAllEnvs();
});

test('text is ordered by language, not by bytes', async () => {
  const rows = await adminQuery(
    server.url,
    `SELECT name FROM (VALUES ('b'), ('B'), ('a')) AS t (name) ORDER BY name`,
  );
  expect(rows.map(({ name }) => name)).toEqual(['a', 'b', 'B']);
});

test('kill ends all processes, and restart has every committed row and nothing else', async () => {
  const { url, drop } = await createDatabase(server.url);
  await adminQuery(url, 'CREATE TABLE usage AS SELECT 7 AS quantity');
  const client = new Client({ connectionString: url });
  const lost = Promise.withResolvers<Error>();
  client.on('error', lost.resolve); // Possibly more than once.
  await client.connect();
  const backend = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await client.query('BEGIN');
  await client.query('INSERT INTO usage VALUES (8)');
  const pids = [postmasterOf(server.directory), backend.rows[0]?.pid ?? 0];
  expect(pids.map(isAlive)).toEqual([true, true]);

  await server.kill();
  expect(pids.map(isAlive)).toEqual([false, false]);
  await lost.promise;
  await expect(adminQuery(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');

  await server.restart();
  expect(await adminQuery(url, 'SELECT quantity FROM usage')).toEqual([{ quantity: 7 }]);
  await drop();
});

test('restart changes the settings and who may connect', async () => {
  const trusting = await startPostgres();
  const url = new URL(trusting.url);
  url.password = '';
  await trusting.restart({ hba: 'host all all 127.0.0.1/32 trust\n', settings: { work_mem: '5MB' } });
  expect(await adminQuery(url.href, 'SHOW work_mem')).toEqual([{ work_mem: '5MB' }]);
  await trusting.stop();
  expect(existsSync(trusting.directory)).toBe(false);
});

test('a server that cannot start says why and leaves nothing behind', async () => {
  const directory = mkdtempSync(join(scratch, 'refused-'));
  chmodSync(directory, 0o755);
  chmodSync(scratch, 0o755);
  const refused = startPostgres({ directory, settings: { max_connections: 'many' } });
  await expect(refused).rejects.toThrow('invalid value for parameter "max_connections"');
  expect(await eventually(() => readdirSync(directory).length === 0, CLEANUP_MS)).toBe(true);
});

test.for(['SIGKILL', 'SIGTERM'] as const)(
  'a process that ends by %s leaves no server behind',
  async (signal) => {
    const program = `
    import { startPostgres } from '${new URL('./server.ts', import.meta.url)}';
    const { directory } = await startPostgres();
    console.log(directory);
    setInterval(() => {}, 1_000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [directory] = await once(createInterface({ input: parent.stdout }), 'line');
    const postmaster = postmasterOf(directory);
    expect(isAlive(postmaster)).toBe(true);
    parent.kill(signal);
    expect(await eventually(() => !isAlive(postmaster) && !existsSync(directory), CLEANUP_MS)).toBe(true);
  },
);

test('binaries are copied when the user cannot reach them, or when their links are missing', () => {
  const native = join(scratch, 'checkout', 'native');
  for (const folder of ['bin', 'lib', 'share/postgresql'])
    mkdirSync(join(native, folder), { recursive: true, mode: 0o755 });
  for (const file of ['bin/postgres', 'share/postgresql/postgres.bki', 'lib/a.so.1'])
    writeFileSync(join(native, file), '', { mode: 0o755 });
  chmodSync(scratch, 0o755);
  expect(needsCopy(native, STRANGER)).toBe(false);
  chmodSync(join(scratch, 'checkout'), 0o700);
  expect(needsCopy(native, STRANGER)).toBe(true);
  expect(needsCopy(native, null)).toBe(false);

  const links = [{ source: 'native/lib/a.so.1', target: 'native/lib/a.so' }];
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  expect(needsCopy(native, null)).toBe(true);
  copyFileSync(join(native, 'lib/a.so.1'), join(native, 'lib/a.so'));
  expect(needsCopy(native, null)).toBe(false);
});

test('what a user can reach follows the permissions of the owner, the group and the others', () => {
  const folder = mkdtempSync(join(scratch, 'permissions-'));
  const file = join(folder, 'file');
  writeFileSync(file, '');
  chmodSync(scratch, 0o755);
  const mine = { uid: process.getuid?.() ?? 0, gid: 54_321 };
  const ours = { uid: 54_321, gid: process.getgid?.() ?? 0 };
  const reach = (mode: number) => {
    chmodSync(folder, mode);
    return [mine, ours, STRANGER].map((user) => canReach(file, user));
  };
  chmodSync(file, 0o644);
  expect(reach(0o700)).toEqual([true, false, false]);
  expect(reach(0o710)).toEqual([true, true, false]);
  expect(reach(0o711)).toEqual([true, true, true]);
  chmodSync(file, 0o600);
  expect(reach(0o711)).toEqual([true, false, false]);
  expect(canReach(join(folder, 'absent'), mine)).toBe(false);
});

test('root lends the server to nobody, or else to any other user', () => {
  const users = ['root:x:0:0::/root:/bin/sh', 'daemon:x:1:2::/:', 'nobody:x:65534:65533::/:', ''];
  expect(chooseUser(users.join('\n'))).toEqual({ uid: 65_534, gid: 65_533 });
  expect(chooseUser(users.slice(0, 2).join('\n'))).toEqual({ uid: 1, gid: 2 });
  expect(chooseUser(users.slice(0, 1).join('\n'))).toBeUndefined();
});

function postmasterOf(directory: string): number {
  return Number.parseInt(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10);
}
