import { expect, test } from 'vitest';
import type { EngineName } from '../simulation/runner/engine.ts';
import { replayCommand, type Simulation } from '../simulation/runner/simulate.ts';
import { simulateModel } from './runner/simulate-model.ts';

/** Seeds of a run; others are run with `npm run model -- --runs N --from SEED`. */
const FROM = 1;
const TIMEOUT_MS = 900_000;

/** The first failure, and the command that shows how it came about. */
function firstFailure({ failures }: Simulation, engine: EngineName): string | null {
  const [first] = failures;
  return first ? `${first.failure}\n${replayCommand(first.seed, engine, 'model')}` : null;
}

test.each([
  ['sqlite', 150],
  ['postgres', 10],
] as const)(
  '%s: whatever is changed, and whatever fails, every unit is invoiced once at the price of its time, to the cent',
  async (engine, runs) => {
    const simulation = await simulateModel({ from: FROM, runs, engine });
    expect(firstFailure(simulation, engine)).toBeNull();
    const invoiced = simulation.lines.reduce((sum, line) => sum + line.invoiced, 0);
    expect(invoiced, 'schedules with usage on invoices').toBeGreaterThan(runs / 2);
  },
  TIMEOUT_MS,
);
