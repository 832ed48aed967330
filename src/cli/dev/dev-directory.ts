import { accessSync, constants, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError, systemCode } from '../command-error.ts';

const CAUSES: Readonly<Record<string, string>> = {
  EACCES: 'it is not writable',
  EPERM: 'it is not writable',
  EROFS: 'its disk is read-only',
  EEXIST: 'it is a file',
  ENOTDIR: 'a part of its path is a file',
  ENOSPC: 'the disk is full',
};

/**
 * Makes the directory where it does not exist; other users of the machine cannot look into it.
 *
 * @throws CommandError when nothing can be written in it.
 */
export function makeDirectory(directory: string): string {
  const path = resolve(directory);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
    return path;
  } catch (cause) {
    const reason = CAUSES[systemCode(cause) ?? ''] ?? 'it cannot be used';
    throw new CommandError(
      `The directory ${directory} cannot hold the data: ${reason}.`,
      'Pass another --directory.',
      {
        cause,
      },
    );
  }
}

/** What is in it. */
export function filesIn(directory: string) {
  return {
    usage: join(directory, 'usage.db'),
    stripe: join(directory, 'stripe.db'),
    clock: join(directory, 'clock.json'),
  };
}
