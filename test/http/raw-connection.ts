import { connect, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';

/** A busy machine takes its time. */
export const PATIENT = { timeout: 30_000 };
export const HEAD = 'Host: 127.0.0.1\r\n';

/** A connection on which anything can be written. */
export function rawConnection(port: number) {
  const socket: Socket = connect(port, '127.0.0.1');
  let text = '';
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return {
    socket,
    closed,
    get text() {
      return text;
    },
    status: () => expect.poll(() => /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1], PATIENT),
  };
}
