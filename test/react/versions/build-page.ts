import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type InlineConfig } from 'vite';
import type { PageData } from './page.tsx';

const ROOT = join(import.meta.dirname, '../../..');

/** Where each React is installed. */
const VERSIONS = {
  18: join(ROOT, 'test/react-18/node_modules'),
  19: join(ROOT, 'node_modules'),
} as const;

export type ReactVersion = keyof typeof VERSIONS;

export interface BuiltPage {
  /** What the browser loads. */
  readonly script: string;
  readonly render: (data: PageData) => string;
}

/** The page for a server and for a browser, on one React, in its development build: that one complains. */
export async function buildPage(version: ReactVersion, directory: string): Promise<BuiltPage> {
  mkdirSync(directory, { recursive: true });
  const common: InlineConfig = {
    configFile: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"development"' },
    oxc: { jsx: { runtime: 'automatic', development: false } },
    resolve: {
      alias: {
        react: join(VERSIONS[version], 'react'),
        'react-dom': join(VERSIONS[version], 'react-dom'),
      },
    },
  };
  const source = (name: string) => join(import.meta.dirname, name);
  const out = { emptyOutDir: false, minify: false, outDir: directory } as const;
  await build({
    ...common,
    build: { ...out, lib: { entry: source('browser.tsx'), formats: ['es'], fileName: 'browser' } },
  });
  await build({
    ...common,
    ssr: { noExternal: true },
    build: {
      ...out,
      ssr: source('server.tsx'),
      rolldownOptions: { output: { entryFileNames: 'server.mjs' } },
    },
  });
  const { render }: Pick<BuiltPage, 'render'> = await import(
    pathToFileURL(join(directory, 'server.mjs')).href
  );
  return { script: join(directory, 'browser.js'), render };
}
