import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { FAST_FOLDER } from './fast-folder.ts';

/** A directory of its own for one test. */
export function temporaryDirectory(): string {
  return directoryIn(FAST_FOLDER);
}

/** The same on a disk, for what is tested for its durability. */
export function diskDirectory(): string {
  return directoryIn(tmpdir());
}

function directoryIn(parent: string): string {
  const directory = mkdtempSync(join(parent, 'tallybook-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
