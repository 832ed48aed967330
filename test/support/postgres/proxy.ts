import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between an app and its server, and does to their connections what networks do. */
export interface Proxy {
  /** A server's URL by way of this proxy. */
  through(url: string): string;
  /** Breaks the next connection that the server answers on, before the answer gets through. */
  loseNextAnswer(): void;
  /** Nothing gets through any more, and new connections are accepted and left alone. */
  freeze(): void;
  /** What was held back goes on. */
  thaw(): void;
  close(): Promise<void>;
}

export async function startProxy(serverPort: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let losesAnswer = false;
  let isFrozen = false;

  const proxy = createServer((app) => {
    const server = connect(serverPort, '127.0.0.1');
    for (const [socket, other] of [
      [app, server],
      [server, app],
    ] as const) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.on('error', () => {}); // 'close' follows
    }
    app.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => {
      if (!losesAnswer) return app.write(bytes);
      losesAnswer = false;
      return app.destroy();
    });
    if (isFrozen) for (const socket of [app, server]) socket.pause();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');

  return {
    through: (url) => {
      const result = new URL(url);
      result.port = String((proxy.address() as AddressInfo).port);
      return result.href;
    },
    loseNextAnswer: () => {
      losesAnswer = true;
    },
    freeze: () => {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw: () => {
      isFrozen = false;
      for (const socket of sockets) socket.resume();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
