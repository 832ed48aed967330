import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unpackChromium } from './chromium.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
/** Each app, and the page that shows that it is built. */
const PAGES = [
  ['apps/dev-page', 'dist/page/index.html'],
  ['apps/usage-page', 'dist/usage-page/index.html'],
] as const;
const SOURCES = ['apps', 'src/react', 'src/client'];

/** For vitest's `globalSetup`: the pages as they are now, and a browser to look at them with. */
export async function setup(): Promise<void> {
  await Promise.all([unpackChromium(), ...PAGES.map(([app, page]) => buildPage(app, page))]);
}

async function buildPage(app: string, page: string): Promise<void> {
  const built = changedAt(join(REPOSITORY, page));
  if (SOURCES.every((folder) => newestIn(join(REPOSITORY, folder)) < built)) return;
  const vite = join(REPOSITORY, 'node_modules/vite/bin/vite.js');
  // As npm start builds it, and not for the tests' own environment.
  await promisify(execFile)(process.execPath, [vite, 'build', app, '--logLevel', 'warn'], {
    cwd: REPOSITORY,
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

function newestIn(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(...entries.map((entry) => changedAt(join(folder, entry))));
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
