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
  const script = await buildScript(version, join(import.meta.dirname, 'browser.tsx'), directory);
  await build({
    ...configFor(version),
    ssr: { noExternal: true },
    build: {
      ...outputTo(directory),
      ssr: join(import.meta.dirname, 'server.tsx'),
      rolldownOptions: { output: { entryFileNames: 'server.mjs' } },
    },
  });
  const { render }: Pick<BuiltPage, 'render'> = await import(
    pathToFileURL(join(directory, 'server.mjs')).href
  );
  return { script, render };
}

/** What a browser loads. @returns its path. */
export async function buildScript(version: ReactVersion, entry: string, directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true });
  await build({
    ...configFor(version),
    build: { ...outputTo(directory), lib: { entry, formats: ['es'], fileName: 'browser' } },
  });
  return join(directory, 'browser.js');
}

function configFor(version: ReactVersion): InlineConfig {
  return {
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
}

function outputTo(outDir: string) {
  return { emptyOutDir: false, minify: false, outDir } as const;
}
