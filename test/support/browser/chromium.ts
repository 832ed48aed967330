import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Each version has a folder of its own, which is there when it is complete. */
function folderOf(): string {
  const index = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const manifest = join(dirname(index), '../package.json');
  const { version }: { readonly version: string } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(tmpdir(), `tallybook-chromium-${version}`);
}

/** Unpacks Chromium unless it is unpacked. Before the tests: two that do it at once start a file that is being written. */
export async function unpackChromium(): Promise<void> {
  const folder = folderOf();
  if (existsSync(folder)) return;
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const outer = process.env['TMPDIR'];
  // The package unpacks into the system's temporary folder, wherever that is.
  process.env['TMPDIR'] = draft;
  try {
    const { default: packed } = await import('@sparticuz/chromium');
    await packed.executablePath();
  } finally {
    if (outer === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = outer;
  }
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // another run was faster
  }
}

export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: join(folderOf(), 'chromium'), args: ['--no-sandbox'] });
}
