import { createAdaptorServer, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import { ConnectionLost } from './connection.ts';

/** Where to listen. */
export interface ListenOptions {
  /** Default: any free port. */
  readonly port?: number;
  /** Default `127.0.0.1`: the simulator takes any test key, so it should not be open to the network. */
  readonly host?: string;
}

/** A simulator that listens. `host`, `port` and `protocol` are the options of the official SDK. */
export interface ListeningSimulator {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'http';
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the router over HTTP. */
export async function listen(
  app: Hono,
  { port = 0, host = '127.0.0.1' }: ListenOptions = {},
): Promise<ListeningSimulator> {
  const server = createAdaptorServer({
    fetch: (request, connection) => answer(app, request, connection),
    overrideGlobalObjects: false, // A test helper must not change the globals of the tests.
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  const address = server.address();
  const listeningPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    host,
    port: listeningPort,
    protocol: 'http',
    url: `http://${host}:${listeningPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

async function answer(
  app: Hono,
  request: Request,
  connection: HttpBindings | Http2Bindings,
): Promise<Response> {
  try {
    return await app.fetch(request);
  } catch (error) {
    // The client of a hanging request has gone already; any other lost connection is broken here.
    if (error instanceof ConnectionLost) connection.incoming.socket.destroy();
    else if (!request.signal.aborted) throw error;
    return RESPONSE_ALREADY_SENT;
  }
}
