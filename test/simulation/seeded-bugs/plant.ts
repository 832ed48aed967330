import type { SeededBug } from './bugs.ts';

/** @throws Error unless the snippet is there exactly once: a bug that is not planted would be missed. */
export function plant(source: string, { name, file, snippet, replacement }: SeededBug): string {
  const parts = source.split(snippet);
  if (parts.length !== 2)
    throw new Error(`The snippet of "${name}" is ${parts.length - 1} times in ${file}.`);
  return parts.join(replacement);
}
