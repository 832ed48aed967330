import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/folders.ts';

const REACT = join(import.meta.dirname, '../../src/react/index.ts');
const CLIENT = join(import.meta.dirname, '../../src/client/index.ts');
const MAX_BYTES = 15_000;
/** Of the usage page, with React DOM, which is two thirds of it, and four languages. */
const MAX_PAGE_BYTES = 100_000;
const PAGE = join(import.meta.dirname, '../../dist/usage-page');

/** A program as an app's bundler makes it, without React. */
async function bundle(program: string) {
  const entry = join(temporaryDirectory(), 'app.js');
  writeFileSync(entry, program);
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    // Tests run as neither development nor production.
    oxc: { jsx: { runtime: 'automatic', development: false } },
    build: {
      write: false,
      // Not as a library, of which Vite leaves the white space: an app's own bundle has none.
      modulePreload: false,
      rolldownOptions: { input: entry, preserveEntrySignatures: 'strict', external: [/^react/] },
    },
  });
  const [output] = [result].flat() as Rolldown.RolldownOutput[];
  const [chunk, ...others] = output?.output ?? [];
  if (chunk?.type !== 'chunk' || others.length > 0) throw new Error('It is not one file.');
  return { code: chunk.code, imports: chunk.imports, bytes: gzipSync(chunk.code).byteLength };
}

test('all of tallybook/react, with the client, is at most 15 kB gzipped and needs React alone', async () => {
  const { bytes, imports, code } = await bundle(`export * from ${JSON.stringify(REACT)};`);
  expect(code).toContain('tallybook-column');
  expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
  expect(imports.toSorted()).toEqual(['react', 'react/jsx-runtime']);
});

test('an app that uses the hooks alone does not get the components', async () => {
  const hooks = await bundle(`export { UsageProvider, useUsage } from ${JSON.stringify(REACT)};`);
  const all = await bundle(`export * from ${JSON.stringify(REACT)};`);
  for (const part of ['tallybook-column', 'tallybook-plan', 'tallybook-invoice']) {
    expect(hooks.code).not.toContain(part);
  }
  expect(hooks.bytes).toBeLessThan(all.bytes * 0.7);
});

test('the usage page is at most 100 kB gzipped, and nothing in it is loaded from elsewhere', () => {
  const files = readdirSync(PAGE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name)));
  expect(files.map(({ name }) => name.replace(/-.{8}/, '')).sort()).toEqual([
    'icon.svg',
    'index.css',
    'index.html',
    'index.js',
  ]);
  expect(texts.reduce((bytes, text) => bytes + gzipSync(text).byteLength, 0)).toBeLessThanOrEqual(
    MAX_PAGE_BYTES,
  );
  const html = readFileSync(join(PAGE, 'index.html'), 'utf8');
  const references = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address);
  expect(references.length).toBe(3);
  for (const address of references) expect(address).toMatch(/^\.\/usage\/assets\//);
});

test('the client brings neither zod nor the server along', async () => {
  const { code, imports, bytes } = await bundle(`export { createClient } from ${JSON.stringify(CLIENT)};`);
  expect(imports).toEqual([]);
  expect(code).not.toMatch(/ZodError|openapi|strictObject/);
  expect(bytes).toBeLessThan(5_000);
});
