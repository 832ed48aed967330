import { once } from 'node:events';
import { createServer } from 'node:net';
import { CommandError, systemCode } from '../command-error.ts';

/** Runs `listen`; a port that cannot be had is explained. @throws CommandError. */
export async function listening<Server>(
  port: number,
  option: string,
  listen: () => Promise<Server>,
): Promise<Server> {
  try {
    return await listen();
  } catch (cause) {
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: 'is in use by another process',
      EACCES: 'needs rights that this process does not have',
    };
    const reason = reasons[systemCode(cause) ?? ''];
    if (reason === undefined) throw cause;
    throw new CommandError(`Port ${port} ${reason}.`, `Pass another one with ${option}, or 0 for any.`, {
      cause,
    });
  }
}

/** Finds out early whether a port of this machine can be had. @throws CommandError. */
export async function checkPort(port: number, option: string): Promise<void> {
  const server = createServer();
  await listening(port, option, async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  });
  server.close();
  await once(server, 'close');
}
