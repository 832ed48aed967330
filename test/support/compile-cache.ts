import { fileURLToPath } from 'node:url';

/** Where a process that is started finds the sources compiled: it starts in a third of the time. */
export const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));

/** For vitest's `globalSetup`: every process and thread of the run inherits it. */
export function setup(): void {
  process.env['NODE_COMPILE_CACHE'] = COMPILE_CACHE;
}
