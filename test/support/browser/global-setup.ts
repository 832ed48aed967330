import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unpackChromium } from './chromium.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
const SOURCES = ['apps/dev-page', 'src/react', 'src/client'];

/** For vitest's `globalSetup`: the pages as they are now, and a browser to look at them with. */
export async function setup(): Promise<void> {
  await Promise.all([unpackChromium(), buildPage()]);
}

async function buildPage(): Promise<void> {
  const built = changedAt(join(REPOSITORY, 'dist/page/index.html'));
  if (SOURCES.every((folder) => newestIn(join(REPOSITORY, folder)) < built)) return;
  const vite = join(REPOSITORY, 'node_modules/vite/bin/vite.js');
  // As npm start builds it, and not for the tests' own environment.
  await promisify(execFile)(process.execPath, [vite, 'build', 'apps/dev-page', '--logLevel', 'warn'], {
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
