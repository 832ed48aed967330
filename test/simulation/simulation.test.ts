import { expect, test } from 'vitest';
import type { EngineName } from './runner/engine.ts';
import { replayCommand, type Simulation, simulate } from './runner/simulate.ts';

/** Seeds of a run; others are run with `npm run simulate -- --runs N --from SEED`. */
const FROM = 1;
const TIMEOUT_MS = 900_000;

/** The first failure, and the command that shows how it came about. */
function firstFailure({ failures }: Simulation, engine: EngineName): string | null {
  const [first] = failures;
  return first ? `${first.failure}\n${replayCommand(first.seed, engine)}` : null;
}

test.each([
  ['sqlite', 1_000],
  ['postgres', 6],
] as const)(
  '%s: under any schedule, what is acknowledged is counted once, reported once, and billed once if it was paid for',
  async (engine, runs) => {
    const simulation = await simulate({ from: FROM, runs, engine });
    expect(firstFailure(simulation, engine)).toBeNull();
    const invoiced = simulation.lines.reduce((sum, line) => sum + line.invoiced, 0);
    expect(invoiced, 'accounts whose invoices were foretold').toBeGreaterThan(runs / 10);
  },
  TIMEOUT_MS,
);

test(
  'a seed repeats its schedule to the last call, in whatever process and order it runs',
  async () => {
    const hashesOf = async (workers: number) => {
      const { lines } = await simulate({ from: FROM, runs: 12, engine: 'sqlite', workers, traced: true });
      return lines.map(({ seed, hash }) => `${seed} ${hash}`);
    };
    const hashes = await hashesOf(1);
    expect(new Set(hashes).size).toBe(12);
    expect(await hashesOf(3)).toEqual(hashes);
  },
  TIMEOUT_MS,
);
