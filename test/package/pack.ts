import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the packed package. */
    readonly tarball: string;
  }
}

const REPOSITORY = join(import.meta.dirname, '../..');

/** For vitest's `globalSetup`: the package as it would be published, once for all tests. */
export function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'tallybook-packed-'));
  const run = (command: string, args: readonly string[]) =>
    execFileSync(command, args, { cwd: REPOSITORY, encoding: 'utf8', stdio: 'pipe' });
  run('npx', ['tsdown', '--logLevel', 'error']);
  const name = run('npm', ['pack', '--silent', '--pack-destination', directory]).trim().split('\n').at(-1);
  project.provide('tarball', join(directory, name ?? ''));
  return () => rmSync(directory, { recursive: true, force: true });
}
