import { parseArgs } from 'node:util';
import { loadStripeContract } from '../../support/stripe-contract/load-contract.ts';
import type { SimulationDatabase } from '../database/simulation-database.ts';
import type { RunOptions } from '../run-schedule.ts';
import { type EngineName, openEngine } from './engine.ts';

/** Exchanges with Stripe are held to its contract in one schedule of so many. */
const SCHEDULES_PER_CONTRACT_CHECK = 10;

/** What became of the schedule of a seed. */
export interface SeedLine {
  readonly seed: number;
  readonly failure: string | null;
  readonly hash: string | null;
  readonly invoiced: number;
}

/** Carries out the schedule of a seed. */
export type RunSeed = (
  seed: number,
  database: SimulationDatabase,
  options: RunOptions,
) => Promise<Omit<SeedLine, 'seed'>>;

/** What a process of a simulation does: runs every `step`-th seed and prints a line of JSON for each. */
export async function printSeedLines(runSeed: RunSeed): Promise<void> {
  const { values } = parseArgs({
    options: {
      from: { type: 'string', default: '1' },
      to: { type: 'string', default: '1' },
      step: { type: 'string', default: '1' },
      engine: { type: 'string', default: 'sqlite' },
      traced: { type: 'boolean', default: false },
    },
  });

  /** A rejection that nobody handles would end the app. */
  let unhandled: string | null = null;
  process.on('unhandledRejection', (reason) => {
    unhandled ??= `unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`;
  });

  // Ended from outside when others have failed: what it wrote is removed all the same.
  process.once('SIGTERM', () => process.exit(143));

  const engine = await openEngine(values.engine as EngineName);
  const contract = await loadStripeContract();
  for (let seed = Number(values.from); seed <= Number(values.to); seed += Number(values.step)) {
    const run = await runSeed(seed, await engine.open(), {
      isTraced: values.traced,
      contract: seed % SCHEDULES_PER_CONTRACT_CHECK === 0 ? contract : null,
    });
    const line: SeedLine = {
      seed,
      failure: run.failure ?? unhandled,
      hash: values.traced ? run.hash : null,
      invoiced: run.invoiced,
    };
    unhandled = null;
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  await engine.close();
}
