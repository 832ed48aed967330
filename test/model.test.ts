import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRandom } from '../src/testing/stripe-simulator/seeded-random.ts';
import { type Schedule, schedule } from './support/model/actions.ts';
import { type ModelDatabase, postgresModelDatabase, sqliteModelDatabase } from './support/model/database.ts';
import { checkEnding } from './support/model/ending.ts';
import { checkStep } from './support/model/invariants.ts';
import { Scene } from './support/model/scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';

/**
 * Random schedules of increments, time, faults, dying workers and changing subscriptions, against a plain list of
 * what was acknowledged. A failure prints its seed and path; to replay it:
 *
 *     TALLYBOOK_MODEL_SEED=<seed> TALLYBOOK_MODEL_PATH=<path> npx vitest run test/model.test.ts -t <engine>
 *
 * `TALLYBOOK_MODEL_RUNS=5000` runs more of them.
 */
const RUNS = process.env['TALLYBOOK_MODEL_RUNS'];
const SEED = Number(process.env['TALLYBOOK_MODEL_SEED'] ?? 20_260_110);
const PATH = process.env['TALLYBOOK_MODEL_PATH'];
const app = useAppDatabase();

test.each<[string, number, () => ModelDatabase]>([
  ['SQLite', 50, sqliteModelDatabase],
  ['PostgreSQL', 5, () => postgresModelDatabase(app)],
])(
  '%s: under any schedule, what is acknowledged is counted once, reported once, and billed once if it was paid for',
  {
    timeout: 3_600_000,
  },
  async (_, runs, open) => {
    let invoiced = 0;
    const numRuns = RUNS === undefined ? runs : Number(RUNS);
    const property = fc.asyncProperty(schedule, async (drawn) => {
      invoiced += await carryOut(drawn, open());
    });
    await fc.assert(property, { seed: SEED, numRuns, ...(PATH === undefined ? {} : { path: PATH }) });
    if (PATH === undefined)
      expect(invoiced, 'accounts whose invoices were foretold').toBeGreaterThan(numRuns / 10);
  },
);

/** @returns of how many accounts with usage the invoices were checked to the unit. */
async function carryOut({ seed, beginning, actions }: Schedule, database: ModelDatabase): Promise<number> {
  const scene = await Scene.create(seed, database);
  let state = seed;
  const random = () => {
    const step = nextRandom(state);
    state = step.state;
    return step.value;
  };
  try {
    for (const action of [...beginning, ...actions]) {
      await scene.act(action);
      await checkStep(scene, random);
    }
    await scene.end();
    await checkStep(scene, random);
    await checkEnding(scene);
    return Object.values(scene.expectations).filter(
      (expectation) =>
        expectation.payableQuantity > 0 && expectation.invoices(scene.gaps, scene.now) !== null,
    ).length;
  } finally {
    await scene.close();
  }
}
