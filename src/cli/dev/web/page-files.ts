import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../../command-error.ts';

export interface PageFile {
  readonly type: string;
  readonly body: string;
}

/** Beside the built package, and in a checkout where `npm start` and `npm run build` put it: the same way up from both. */
const FOLDER = fileURLToPath(new URL('../../../../dist/page/', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Where what is served under another name is. */
const NAMES: Readonly<Record<string, string>> = {
  '/index.html': '/',
  '/gallery.html': '/gallery',
  '/operator.html': '/operator',
};

/** The built pages, by the path that they are served at. @throws CommandError when they are not built. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  if (!existsSync(join(FOLDER, 'index.html'))) {
    throw new CommandError('The page of `tallybook dev` is not built.', 'Run `npm run build:page`.');
  }
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })) {
    const type = TYPES[extname(entry)];
    if (type === undefined) continue;
    const path = `/${entry.replaceAll('\\', '/')}`;
    files.set(NAMES[path] ?? path, { type, body: readFileSync(join(FOLDER, entry), 'utf8') });
  }
  return files;
}
