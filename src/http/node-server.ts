import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MINUTE_MS, SECOND_MS } from '../core/instant.ts';
import { toNodeHandler } from './node.ts';

export interface NodeServerOptions {
  readonly handler: (request: Request) => Promise<Response>;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Connections at once. Default: 1,000. */
  readonly max_connections?: number;
}

export interface NodeServer {
  readonly address: AddressInfo;
  /** Takes no new connections, lets requests under way be answered for a while, and ends the rest. */
  stop(): Promise<void>;
}

const MAX_HEADER_BYTES = 16_384;
const HEADERS_WITHIN_MS = 10 * SECOND_MS;
/** Head and body. A little longer than the handler itself waits for a body, which answers more clearly. */
const REQUEST_WITHIN_MS = 15 * SECOND_MS;
const CHECK_EVERY_MS = SECOND_MS;
const KEEP_ALIVE_MS = 5 * SECOND_MS;
/** Of silence in both directions: also whoever does not read an answer is let go. */
const IDLE_MS = MINUTE_MS / 2;
const MAX_CONNECTIONS = 1_000;
/** From so many connections on, those that only wait for another request are closed. */
const CROWDED = 0.8;
const STOP_WITHIN_MS = 10 * SECOND_MS;

/** A server with limits on headers, time and connections; those on bodies are the handler's. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const { handler, host, port, max_connections = MAX_CONNECTIONS } = options;
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    toNodeHandler(handler),
  );
  server.setTimeout(IDLE_MS);
  server.maxConnections = max_connections;
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.once('close', () => {
      connections -= 1;
    });
    if (connections > max_connections * CROWDED) server.closeIdleConnections();
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return { address, stop: () => stop(server) };
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const impatient = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
  await closed;
  clearTimeout(impatient);
}
