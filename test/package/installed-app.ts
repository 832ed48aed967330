import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject, onTestFinished } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '../..');

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** An app of its own in a temporary directory, with what npm has installed for it. */
export interface InstalledApp {
  readonly directory: string;
  /** Runs a program of the app. @returns its output. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<string>;
}

/** For one test. @param source folder of the app in the repository, whose `tallybook` becomes the packed one. */
export async function installApp(source: string): Promise<InstalledApp> {
  const directory = mkdtempSync(join(tmpdir(), 'tallybook-app-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(join(REPOSITORY, source), directory, { recursive: true });
  const manifest = join(directory, 'package.json');
  const { dependencies, ...rest } = JSON.parse(readFileSync(manifest, 'utf8'));
  const tallybook = `file:${inject('tarball')}`;
  writeFileSync(manifest, JSON.stringify({ ...rest, dependencies: { ...dependencies, tallybook } }));
  const app: InstalledApp = {
    directory,
    async run(command, args, { env = {} } = {}) {
      const options = { cwd: directory, env: { ...process.env, ...env } };
      return (await promisify(execFile)(command, args, options)).stdout;
    },
  };
  // Nothing that is installed may need a script of its own: npm 12 does not run them unasked.
  await app.run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error']);
  return app;
}
