import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { simulate } from '../runner/simulate.ts';
import type { SeededBug } from './bugs.ts';
import { plant } from './plant.ts';

const HOOK = fileURLToPath(new URL('./load-hook.ts', import.meta.url));
const ROOT = new URL('../../../', import.meta.url);

export interface Catch {
  readonly seed: number;
  /** The invariant that was broken, and how. */
  readonly invariant: string;
}

/** Runs seeds with a bug in the product; null = none of them finds it. */
export async function hunt(bug: SeededBug, from: number, runs: number, workers = 1): Promise<Catch | null> {
  plant(readFileSync(new URL(bug.file, ROOT), 'utf8'), bug);
  const { failures } = await simulate({
    from,
    runs,
    engine: 'sqlite',
    workers,
    execArgv: ['--import', HOOK],
    env: { TALLYBOOK_SEEDED_BUG: bug.name },
    enough_failures: 1,
  });
  const [failure] = failures;
  const words = failure?.failure?.split('\n', 1)[0]?.replace('InvariantBroken: ', '') ?? '';
  return failure ? { seed: failure.seed, invariant: words } : null;
}
