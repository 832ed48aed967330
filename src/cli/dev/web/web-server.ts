import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

export interface WebServer {
  readonly url: string;
  /** Takes no more requests; resolves when those under way are answered. */
  close(): Promise<void>;
}

/** A request that has not ended after so long is broken off when the server closes. */
const CLOSE_PATIENCE_MS = 5_000;

/** Serves the app on this machine only. @throws the system's error when the port cannot be had. */
export async function listenOnLocalhost(app: Hono, port: number): Promise<WebServer> {
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), CLOSE_PATIENCE_MS).unref();
      }),
  };
}
