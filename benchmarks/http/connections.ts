import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const END_OF_HEAD = '\r\n\r\n';

/** Connections that are kept open and carry one request at a time, as cheap as a client can be. */
export class Connections {
  readonly #idle: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];
  readonly #all: readonly Connection[];

  private constructor(all: readonly Connection[]) {
    this.#all = all;
    this.#idle.push(...all);
  }

  static async open(port: number, count: number): Promise<Connections> {
    return new Connections(await Promise.all(Array.from({ length: count }, () => Connection.open(port))));
  }

  /** Sends a request, as its bytes, when a connection is free. @throws unless it is answered with 200. */
  async send(request: Buffer): Promise<void> {
    const connection =
      this.#idle.pop() ?? (await new Promise<Connection>((take) => this.#waiting.push(take)));
    try {
      await connection.send(request);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(connection);
      else this.#idle.push(connection);
    }
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }
}

class Connection {
  readonly #socket: Socket;
  #received = '';
  #answer: PromiseWithResolvers<void> | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk.toString('latin1')));
    socket.on('close', () => this.#answer?.reject(new Error('The connection was closed.')));
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Connection(socket);
  }

  send(request: Buffer): Promise<void> {
    this.#answer = Promise.withResolvers();
    this.#socket.write(request);
    return this.#answer.promise;
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy();
  }

  #read(text: string): void {
    this.#received += text;
    const head = this.#received.indexOf(END_OF_HEAD);
    if (head === -1) return;
    const length = /content-length: (\d+)/i.exec(this.#received)?.[1];
    const isWhole =
      length === undefined
        ? this.#received.endsWith(`0${END_OF_HEAD}`)
        : this.#received.length >= head + END_OF_HEAD.length + Number(length);
    if (!isWhole) return;
    const received = this.#received;
    this.#received = '';
    if (received.startsWith('HTTP/1.1 200')) this.#answer?.resolve();
    else this.#answer?.reject(new Error(received.slice(0, 500)));
  }
}

/** A POST of JSON as its bytes. */
export function postOf(path: string, key: string, body: string): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
