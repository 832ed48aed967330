import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Published price examples and usage traces, which the maintainers keep beside their checkout. They are not part of
 * the project: tests that use them are skipped, saying so, where they are absent.
 */
const DIRECTORY = join(import.meta.dirname, '../../../shared');

/** The path of a published file; null = not here. */
export function publishedFile(name: string): string | null {
  const path = join(DIRECTORY, name);
  return existsSync(path) ? path : null;
}
