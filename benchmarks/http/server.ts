import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { startNodeServer } from '../../src/http/node-server.ts';
import { createUsage } from '../../src/index.ts';

/**
 * The process that is measured: it serves the bare echo and the HTTP API, and on request drives the store itself as long as
 * it is told, in batches as the API would.
 */
const [database = ''] = process.argv.slice(2);
const usage = createUsage({
  database,
  meters: { credits: {} },
  http: { rate_limits: { per_key: false, per_ip: false } },
});
const echo = new Hono().post('/v1/usage', async (context) => context.json(await context.req.json()));
const echoServer = createServer(getRequestListener(echo.fetch, { overrideGlobalObjects: false }));
await new Promise<void>((resolve) => echoServer.listen(0, '127.0.0.1', resolve));
const { port: echo_port } = echoServer.address() as AddressInfo;
const server = await startNodeServer({ handler: usage.handler, host: '127.0.0.1', port: 0 });
const { secret: key } = await usage.keys.create({ scopes: ['admin'] });

/** What the measuring process is told at the start. */
export interface ServerReady {
  readonly port: number;
  readonly echo_port: number;
  readonly key: string;
}

export interface StoreOrder {
  readonly batch: number;
  readonly callers: number;
  readonly duration_ms: number;
  readonly accounts: readonly string[];
}

process.send?.({ port: server.address.port, echo_port, key } satisfies ServerReady);
process.on('message', (order: StoreOrder | 'cpu' | 'stop') => {
  if (order === 'stop') void stop();
  else if (order === 'cpu') process.send?.(cpuMs());
  else void driveStore(order).then((per_second) => process.send?.(per_second));
});

/** What this process has used until now, all of its threads together. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** @returns increments a second. */
async function driveStore({ batch, callers, duration_ms, accounts }: StoreOrder): Promise<number> {
  let counted = 0;
  // As the batches of the asking process: each is of the next accounts.
  let position = 0;
  const started_at = performance.now();
  async function recordAgainAndAgain(): Promise<void> {
    while (performance.now() - started_at < duration_ms) {
      const increments = Array.from({ length: batch }, () => {
        position += 1;
        return { account: accounts[position % accounts.length] ?? '', idempotency_key: randomUUID() };
      });
      await Promise.all(increments.map((increment) => usage.increment(increment)));
      counted += batch;
    }
  }
  await Promise.all(Array.from({ length: callers }, recordAgainAndAgain));
  return (counted / (performance.now() - started_at)) * 1_000;
}

async function stop(): Promise<void> {
  echoServer.close().closeAllConnections();
  await server.stop();
  await usage.close();
  process.disconnect();
}
