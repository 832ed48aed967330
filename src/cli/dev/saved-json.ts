import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { z } from 'zod';
import { CommandError, systemCode } from '../command-error.ts';

/**
 * Reads a file that `writeDurably` wrote; null = there is none yet.
 *
 * @throws CommandError when it is not what was written.
 */
export function readSaved<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CommandError(
      `${basename(path)} in the directory of the data is damaged.`,
      'Start with another --directory, or delete this one to begin anew.',
      { cause },
    );
  }
}
