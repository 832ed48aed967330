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
