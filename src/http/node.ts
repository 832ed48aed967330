import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { setRemoteAddress } from './remote-address.ts';

/** What `node:http`, Express and Fastify's raw objects are answered by. */
export type NodeHandler = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

/** Methods that a Request cannot have: they concern the connection, and would show its headers to others. */
const REFUSED_METHODS = new Set(['TRACE', 'TRACK', 'CONNECT']);
const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, OPTIONS';
/** Of a request of HTTP/1.0 that names none, as of a load balancer's health check. Nothing is decided by it. */
const HOSTNAME = 'localhost';

/**
 * Fits a fetch-standard handler, such as `usage.handler`, to `node:http`, Express and Fastify. The body must not have been
 * read before: mount it ahead of body parsers.
 */
export function toNodeHandler(handler: (request: Request) => Promise<Response>): NodeHandler {
  const listen = getRequestListener(
    (request, { incoming }) => {
      const address = incoming.socket.remoteAddress;
      if (address !== undefined) setRemoteAddress(request, address);
      return handler(request);
    },
    { overrideGlobalObjects: false, hostname: HOSTNAME },
  );
  return async (incoming, outgoing) => {
    if (REFUSED_METHODS.has(incoming.method ?? '')) {
      outgoing.writeHead(405, { Allow: ALLOWED_METHODS, Connection: 'close' }).end();
    } else await listen(incoming, outgoing);
  };
}
