import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type NodeServerOptions, startNodeServer } from '../../src/http/node-server.ts';
import { HEAD, rawConnection } from './raw-connection.ts';

/** Less than it takes until a connection is closed on which nothing more is asked. */
const SOON_MS = 4_000;

async function startServer(options: Partial<NodeServerOptions> = {}) {
  const handler = async () => new Response('done');
  const server = await startNodeServer({ handler, host: '127.0.0.1', port: 0, ...options });
  onTestFinished(() => server.stop());
  const { port } = server.address;
  return { server, port, url: `http://127.0.0.1:${port}/` };
}

/** Asks on one connection, again and again, until an answer says that it is the last. @returns how many there were. */
async function askUntilLast(url: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  for (let answers = 1; ; answers += 1) {
    const [response]: IncomingMessage[] = await once(get(url, { agent }), 'response');
    response?.resume();
    if (response?.headers.connection === 'close') return answers;
    if (response) await once(response, 'end');
  }
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  return await once(socket, 'connect').then(
    () => false,
    () => true,
  );
}

function answersIn(text: string): number {
  return text.split('HTTP/1.1 200').length - 1;
}

describe('stopping', () => {
  test('lets the request under way be answered, takes no new ones, and waits for nobody who is silent', async () => {
    const finish = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const { server, port, url } = await startServer({
      handler: async () => {
        arrived.resolve();
        await finish.promise;
        return new Response('done');
      },
    });
    const answer = fetch(url);
    await arrived.promise;
    const silent = rawConnection(port);
    await once(silent.socket, 'connect');
    const started_at = performance.now();
    const stopped = server.stop();
    await expect.poll(() => isRefused(port)).toBe(true);
    finish.resolve();
    expect(await (await answer).text()).toBe('done');
    await stopped;
    expect(performance.now() - started_at).toBeLessThan(SOON_MS);
  });

  test('cuts nobody off who asks again and again on a connection: an answer says that it is the last', async () => {
    const { server, url } = await startServer({
      handler: async () => {
        await sleep(5);
        return new Response('done');
      },
    });
    const clients = Array.from({ length: 8 }, () => askUntilLast(url));
    await sleep(200);
    const started_at = performance.now();
    await server.stop();
    expect(performance.now() - started_at).toBeLessThan(SOON_MS);
    for (const answers of await Promise.all(clients)) expect(answers).toBeGreaterThan(1);
  });

  test('does not wait for a next request on a connection whose answer had begun before', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const { server, url } = await startServer({ handler: async () => new Response(readable) });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const [response]: IncomingMessage[] = await once(get(url, { agent }), 'response');
    expect(response?.headers.connection).toBe('keep-alive');
    response?.resume();
    const stopped = server.stop();
    await sleep(1_000);
    await writable.close();
    const started_at = performance.now();
    await stopped;
    expect(performance.now() - started_at).toBeLessThan(SOON_MS);
  });
});

describe('a connection that is silent', () => {
  const idle_timeout_ms = 200;

  test('stays while its request is worked on', async () => {
    const { url } = await startServer({
      idle_timeout_ms,
      handler: async () => {
        await sleep(3 * idle_timeout_ms);
        return new Response('done');
      },
    });
    expect(await (await fetch(url)).text()).toBe('done');
    const body = 'a body that has come';
    expect(await (await fetch(url, { method: 'POST', body })).text()).toBe('done');
  });

  test('is closed when its answer is not read', async () => {
    const size = 50_000_000;
    const { port } = await startServer({
      idle_timeout_ms,
      handler: async () => new Response('x'.repeat(size)),
    });
    const reader = rawConnection(port);
    reader.socket.pause();
    reader.socket.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
    await sleep(10 * idle_timeout_ms);
    reader.socket.resume();
    await reader.closed;
    expect(reader.text.length).toBeLessThan(size);
  });
});

describe('where connections are many', () => {
  test.each([
    ['that are silent', ''],
    ['with a part of a head', `GET / HTTP/1.1\r\n${HEAD}`],
    ['that were answered before', `GET / HTTP/1.1\r\n${HEAD}\r\n`],
    ['with a part of a further head', `GET / HTTP/1.1\r\n${HEAD}\r\nGET / HTTP/1.1\r\n`],
  ])('those %s make room, the longest first', async (_, text) => {
    const { port, url } = await startServer({ max_connections: 10 });
    const started_at = performance.now();
    const waiting = [];
    for (let index = 0; index < 30; index += 1) {
      const connection = rawConnection(port);
      waiting.push(connection);
      await once(connection.socket, 'connect');
      connection.socket.write(text);
      await sleep(5);
    }
    expect((await fetch(url)).status).toBe(200);
    await Promise.all(waiting.slice(0, 20).map(({ closed }) => closed));
    expect(performance.now() - started_at).toBeLessThan(SOON_MS);
    expect(waiting.at(-1)?.socket.destroyed).toBe(false);
  });

  test('those with a request under way stay', async () => {
    const finish = Promise.withResolvers<void>();
    const { port, url } = await startServer({
      max_connections: 10,
      handler: async (request) => {
        if (request.url.endsWith('/slow')) await finish.promise;
        return new Response('done');
      },
    });
    const slow = Array.from({ length: 7 }, () => rawConnection(port));
    // The second of two requests that were sent at once is under way when the first is answered.
    for (const { socket } of slow) {
      socket.write(`GET / HTTP/1.1\r\n${HEAD}\r\nGET /slow HTTP/1.1\r\n${HEAD}\r\n`);
    }
    await Promise.all(slow.map((connection) => connection.status().toBe('200')));
    for (let index = 0; index < 20; index += 1) {
      expect((await fetch(url, { headers: { connection: 'close' } })).status).toBe(200);
    }
    const silent = Array.from({ length: 5 }, () => rawConnection(port));
    await Promise.all(silent.slice(0, 2).map(({ closed }) => closed));
    finish.resolve();
    await expect.poll(() => slow.map(({ text }) => answersIn(text))).toEqual(slow.map(() => 2));
  });
});
