import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../core/errors.ts';
import { escapeHtml } from './html-text.ts';
import type { ServedFile } from './served-file.ts';

/** What the page is told, in the shape that it reads. */
export interface UsagePageSettings {
  readonly title?: string | undefined;
  readonly account_url?: string | undefined;
  readonly locale?: string | undefined;
  readonly units?: Readonly<Record<string, object>> | undefined;
}

const SHELL = 'index.html';
const SHELL_PATH = '/usage';
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Nothing but its own files runs in it, is shown in it or is asked by it, and nobody shows it in a page of theirs. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
};
/** Its place for what it is told. */
const SETTINGS = 'name="tallybook-page" content="{}"';

/**
 * The customer's usage page, by the path that each file is served at. Its files have hashes in their names and are kept for
 * good; the page itself is asked for each time, so that it names the newest.
 *
 * @throws UsageError `invalid_configuration` where it is not built.
 */
export function readUsagePage(
  settings: UsagePageSettings,
  folder = builtFolder(),
): ReadonlyMap<string, ServedFile> {
  if (!existsSync(join(folder, SHELL))) {
    const reason = 'The page is not built: run `npm run build:page`.';
    throw new UsageError('invalid_configuration', { field: 'http.usage_page', reason });
  }
  const files = new Map([[SHELL_PATH, shellOf(readFileSync(join(folder, SHELL), 'utf8'), settings)]]);
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = TYPES[extname(entry)];
    if (type === undefined) continue;
    const cached = { 'Content-Type': type, 'Cache-Control': 'public, max-age=31536000, immutable' };
    files.set(`/${entry.replaceAll('\\', '/')}`, {
      headers: { ...HEADERS, ...cached },
      body: readFileSync(join(folder, entry), 'utf8'),
    });
  }
  return files;
}

/**
 * Beside the built package, and in a checkout where `npm run build:page` puts it: the same way up from both. A bundler must
 * not take it for something to bundle.
 */
function builtFolder(): string {
  return join(dirname(fileURLToPath(import.meta.url)), '../../dist/usage-page');
}

function shellOf(html: string, settings: UsagePageSettings): ServedFile {
  if (!html.includes(SETTINGS)) throw new Error('The built page has no place for its settings.');
  const content = escapeHtml(JSON.stringify(settings));
  return {
    headers: {
      ...HEADERS,
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-cache',
      'X-Robots-Tag': 'noindex',
    },
    body: html.replace(SETTINGS, () => SETTINGS.replace('{}', () => content)),
  };
}
