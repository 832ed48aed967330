import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE_MS, SECOND_MS } from '../core/instant.ts';
import { Connections } from './connections.ts';
import { toNodeHandler } from './node.ts';

export interface NodeServerOptions {
  readonly handler: (request: Request) => Promise<Response>;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Connections at once. Default: 1,000. */
  readonly max_connections?: number;
  /** How long a connection may be silent while nothing is being worked on. Default: 30 seconds. */
  readonly idle_timeout_ms?: number;
}

export interface NodeServer {
  readonly address: AddressInfo;
  /**
   * Answers what has arrived and what arrives within a moment, each as the last of its connection, takes no new ones after
   * that, and ends what is not answered after ten seconds.
   */
  stop(): Promise<void>;
}

const MAX_HEADER_BYTES = 16_384;
const HEADERS_WITHIN_MS = 5 * SECOND_MS;
/** Head and body. A little longer than the handler itself waits for a body, which answers more clearly. */
const REQUEST_WITHIN_MS = 15 * SECOND_MS;
const CHECK_EVERY_MS = SECOND_MS;
const KEEP_ALIVE_MS = 5 * SECOND_MS;
/** Of silence in both directions: also whoever does not read an answer is let go. */
const IDLE_TIMEOUT_MS = MINUTE_MS / 2;
const MAX_CONNECTIONS = 1_000;
/** From so many connections on, those without a request make room for new ones. */
const CROWDED = 0.8;
/** In which whoever was just answered, and did not know of the stop, sends the next request. */
const FAREWELL_MS = SECOND_MS / 4;
const STOP_WITHIN_MS = 10 * SECOND_MS;

/** A server with limits on headers, time and connections; those on bodies are the handler's. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const { handler, host, port, max_connections = MAX_CONNECTIONS } = options;
  const connections = new Connections(max_connections * CROWDED);
  let isStopping = false;
  const answer = toNodeHandler(async (request) => {
    const response = await handler(request);
    if (isStopping) response.headers.set('Connection', 'close');
    return response;
  });
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (incoming, outgoing) => {
      const { socket } = incoming;
      connections.begin(socket);
      // Until an answer begins, silence is the handler's: it may be waiting for Stripe.
      outgoing.on('timeout', () => {
        if (outgoing.headersSent) socket.destroy();
      });
      outgoing.once('close', () => connections.end(socket));
      void answer(incoming, outgoing);
    },
  );
  server.setTimeout(options.idle_timeout_ms ?? IDLE_TIMEOUT_MS);
  server.maxConnections = max_connections;
  server.on('connection', (socket) => connections.add(socket));
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    address,
    async stop() {
      isStopping = true;
      if (connections.count > 0) await sleep(FAREWELL_MS);
      await close(server, connections);
    },
  };
}

async function close(server: Server, connections: Connections): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const timers = [
    setTimeout(() => connections.dismiss(), FAREWELL_MS),
    setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS),
  ];
  await closed;
  for (const timer of timers) clearTimeout(timer);
}
