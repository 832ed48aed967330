import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startNodeServer } from '../../src/http/node-server.ts';
import { createUsage } from '../../src/index.ts';
import { createDatabase, type TestDatabase } from '../support/postgres/databases.ts';
import { HEAD, PATIENT, rawConnection } from './raw-connection.ts';
import { createServed, type ServedOptions } from './served.ts';

async function createServer({
  max_connections,
  ...options
}: ServedOptions & { readonly max_connections?: number } = {}) {
  const served = createServed(options);
  const server = await startNodeServer({
    handler: (request) => served.usage.handler(request),
    host: '127.0.0.1',
    port: 0,
    ...(max_connections === undefined ? {} : { max_connections }),
  });
  onTestFinished(() => server.stop());
  const { port } = server.address;
  const url = `http://127.0.0.1:${port}`;
  return {
    ...served,
    server,
    port,
    url,
    isHealthy: async () => (await fetch(`${url}/healthz`)).status === 200,
  };
}

/** The server of an app on PostgreSQL, and the status of what it answers. */
async function createOnDatabase({ url }: TestDatabase) {
  const usage = createUsage({
    database: url,
    meters: { credits: {} },
    onError: () => {},
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  onTestFinished(() => usage.close());
  const handler = (request: Request) => usage.handler(request);
  const server = await startNodeServer({ handler, host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.stop());
  return {
    usage,
    ask: async (path: string, init: RequestInit = {}) =>
      (await fetch(`http://127.0.0.1:${server.address.port}${path}`, init)).status,
  };
}

/** 64 KB of a body that is sent in chunks. */
const CHUNK = `10000\r\n${' '.repeat(65_536)}\r\n`;

describe('the server refuses', () => {
  test('headers of 64 KB with 431', async () => {
    const { port, isHealthy } = await createServer();
    const raw = rawConnection(port);
    raw.socket.write(`GET /healthz HTTP/1.1\r\n${HEAD}X-Long: ${'x'.repeat(65_536)}\r\n\r\n`);
    await raw.status().toBe('431');
    expect(await isHealthy()).toBe(true);
  });

  test('a body that comes too slowly with 408, and ends the connection', async () => {
    const { port, createKey, isHealthy } = await createServer();
    const key = await createKey(['write']);
    const raw = rawConnection(port);
    raw.socket.write(
      `POST /v1/usage HTTP/1.1\r\n${HEAD}Authorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
    expect(await isHealthy()).toBe(true);
    await raw.status().toBe('408');
    await raw.closed;
  }, 60_000);

  test('a head that comes too slowly with 408', async () => {
    const { port } = await createServer();
    const raw = rawConnection(port);
    raw.socket.write(`GET /healthz HTTP/1.1\r\n${HEAD}`);
    await raw.status().toBe('408');
    await raw.closed;
  }, 60_000);

  test.each(['TRACE', 'TRACK'])('%s with 405, and repeats no header', async (method) => {
    const { port } = await createServer();
    const raw = rawConnection(port);
    raw.socket.write(`${method} /v1/usage HTTP/1.1\r\n${HEAD}Authorization: Bearer secret\r\n\r\n`);
    // Node’s parser knows TRACE; what it does not know, it refuses before.
    await raw.status().toMatch(/^40[05]$/);
    expect(raw.text).not.toContain('secret');
  });

  test.each([
    ['two lengths', `Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x`],
    ['a length and chunks', `Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a length that is none', `Content-Length: -1\r\n\r\n`],
  ])('%s, by which a request could be smuggled, with 400', async (_, rest) => {
    const { port } = await createServer();
    const raw = rawConnection(port);
    raw.socket.write(`POST /v1/usage HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\n${rest}`);
    await raw.status().toBe('400');
  });

  test.each([
    ['that is said to be', 'Content-Length: 2000000\r\n\r\n{'],
    ['that turns out to be', `Transfer-Encoding: chunked\r\n\r\n${CHUNK.repeat(17)}`],
  ])('a body %s over 1 MB with 413 before all of it has come', async (_, rest) => {
    const { port, createKey, isHealthy } = await createServer();
    const key = await createKey(['write']);
    const raw = rawConnection(port);
    raw.socket.write(
      `POST /v1/usage HTTP/1.1\r\n${HEAD}Authorization: Bearer ${key}\r\nContent-Type: application/json\r\n${rest}`,
    );
    await raw.status().toBe('413');
    await raw.closed;
    expect(await isHealthy()).toBe(true);
  });
});

describe('health checks are answered', () => {
  test('under a burst of ten times the limit, which is refused with 429', async () => {
    const { url, createKey, isHealthy } = await createServer({ http: { rate_limits: { per_key: 20 } } });
    const headers = { authorization: `Bearer ${await createKey(['read'])}` };
    // The clock stands still: all of it is within one second.
    const burst = Array.from(
      { length: 200 },
      async () => (await fetch(`${url}/v1/plans`, { headers })).status,
    );
    expect(await isHealthy()).toBe(true);
    const statuses = await Promise.all(burst);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(180);
    expect(await isHealthy()).toBe(true);
  });

  test('while others read their answers slowly and send their bodies slowly', async () => {
    const { port, isHealthy, createKey } = await createServer();
    const key = await createKey(['write']);
    const body = '{"account":"a"}';
    const writers = [];
    for (let index = 0; index < 40; index += 1) {
      const reader = rawConnection(port);
      reader.socket.pause();
      reader.socket.write(`GET /openapi.json HTTP/1.1\r\n${HEAD}\r\n`.repeat(20));
      const writer = rawConnection(port);
      writers.push(writer);
      writer.socket.write(
        `POST /v1/usage HTTP/1.1\r\n${HEAD}Authorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
      );
    }
    for (let check = 0; check < 5; check += 1) expect(await isHealthy()).toBe(true);
    expect(writers.map(({ text }) => text)).toEqual(writers.map(() => ''));
    for (const { socket } of writers) socket.write(body);
    for (const writer of writers) await writer.status().toBe('200');
  });

  test('while the database is stopped, and readiness says so', async () => {
    const database = await createDatabase();
    const { ask } = await createOnDatabase(database);
    expect(await ask('/readyz')).toBe(200);
    await database.drop();
    expect([await ask('/healthz'), await ask('/readyz')]).toEqual([200, 503]);
  });

  test('while the database is there and does not answer; what waits for it is counted when it does', async () => {
    const database = await createDatabase();
    const { usage, ask } = await createOnDatabase(database);
    const { secret } = await usage.keys.create({ scopes: ['write'] });
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const record = () => ask('/v1/usage', { method: 'POST', headers, body: '{"account":"a"}' });
    expect(await record()).toBe(200);
    const blocker = new Client({ connectionString: database.url });
    await blocker.connect();
    onTestFinished(() => blocker.end());
    await blocker.query('BEGIN; LOCK TABLE tallybook.usage IN ACCESS EXCLUSIVE MODE');
    const waiting = Array.from({ length: 20 }, record);
    expect([await ask('/healthz'), await ask('/readyz'), await ask('/healthz')]).toEqual([200, 503, 200]);
    await blocker.query('ROLLBACK');
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
    expect((await usage.get({ account: 'a' })).quantity).toBe(21);
    expect(await ask('/readyz')).toBe(200);
  });

  test('by whoever is connected, while more connections than allowed are turned away', async () => {
    const { port, isHealthy } = await createServer({ max_connections: 10 });
    const connections = Array.from({ length: 30 }, () => rawConnection(port));
    await expect
      .poll(
        () => connections.filter(({ socket }) => socket.destroyed || socket.readableEnded).length,
        PATIENT,
      )
      .toBeGreaterThanOrEqual(20);
    for (const { socket } of connections) socket.destroy();
    await expect.poll(() => isHealthy().catch(() => false), PATIENT).toBe(true);
  });
});

test.each([
  ['in HTTP/1.0, without a host', 'GET /healthz HTTP/1.0\r\n\r\n'],
  ['with an empty host', 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n'],
])('a load balancer’s health check %s is answered as any other', async (_, text) => {
  const { port } = await createServer();
  const raw = rawConnection(port);
  raw.socket.write(text);
  await raw.status().toBe('200');
  expect(raw.text.toLowerCase()).toContain('x-request-id: ');
});

test('the limit of an address is that of the connection, whatever headers say', async () => {
  const { url } = await createServer({ http: { rate_limits: { per_ip: 2 } } });
  const statuses = [];
  for (let index = 0; index < 4; index += 1) {
    const headers = { 'x-forwarded-for': `192.0.2.${index}`, forwarded: `for=192.0.2.${index}` };
    statuses.push((await fetch(`${url}/v1/plans`, { headers })).status);
  }
  expect(statuses).toEqual([401, 401, 429, 429]);
});
