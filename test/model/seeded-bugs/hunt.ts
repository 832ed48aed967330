import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SeededBug } from '../../simulation/seeded-bugs/bugs.ts';
import { plant } from '../../simulation/seeded-bugs/plant.ts';
import { simulateModel } from '../runner/simulate-model.ts';

const HOOK = fileURLToPath(new URL('./load-hook.ts', import.meta.url));
const ROOT = new URL('../../../', import.meta.url);

export interface Catch {
  readonly seed: number;
  /** What was wrong. */
  readonly words: string;
}

/** Runs seeds with a bug in the product; null = none of them finds it. */
export async function huntModel(bug: SeededBug, from: number, runs: number): Promise<Catch | null> {
  plant(readFileSync(new URL(bug.file, ROOT), 'utf8'), bug);
  const { failures } = await simulateModel({
    from,
    runs,
    engine: 'sqlite',
    workers: 1,
    execArgv: ['--import', HOOK],
    env: { TALLYBOOK_SEEDED_BUG: bug.name },
    enough_failures: 1,
  });
  const [failure] = failures;
  return failure ? { seed: failure.seed, words: failure.failure?.split('\n', 1)[0] ?? '' } : null;
}
