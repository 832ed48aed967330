import type { StripeContract } from '../support/stripe-contract/contract.ts';
import type { SimulationDatabase } from './database/simulation-database.ts';
import { checkEnding } from './invariants/ending.ts';
import { checkStep } from './invariants/step.ts';
import { act } from './scene/act.ts';
import { endScene } from './scene/ending.ts';
import { ACCOUNTS, Scene } from './scene/scene.ts';
import type { Schedule } from './schedule/action.ts';

export interface RunOptions {
  /** Whether to write down what happens. */
  readonly isTraced: boolean;
  /** null = exchanges with Stripe are not held to its contract. */
  readonly contract: StripeContract | null;
}

export interface ScheduleRun {
  readonly seed: number;
  /** What was wrong; null = nothing. */
  readonly failure: string | null;
  readonly trace: readonly string[];
  /** The same for every run of the seed on SQLite; means nothing without a trace. */
  readonly hash: string;
  /** Accounts with usage whose invoices were foretold and found to the unit. */
  readonly invoiced: number;
}

/** Carries out one schedule on the real product and checks every invariant on the way. */
export async function runSchedule(
  schedule: Schedule,
  database: SimulationDatabase,
  options: RunOptions,
): Promise<ScheduleRun> {
  const scene = await Scene.create(schedule, database, options);
  let failure: string | null = null;
  let invoiced = 0;
  try {
    for (const action of schedule.actions) {
      await act(scene, action);
      await checkStep(scene);
    }
    await endScene(scene);
    await checkStep(scene);
    await checkEnding(scene);
    invoiced = countInvoiced(scene);
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    scene.trace.add(() => `FAILED ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    await scene.close();
  } catch (error) {
    failure ??= error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { trace } = scene;
  return { seed: schedule.seed, failure, trace: trace.lines, hash: trace.hash(), invoiced };
}

function countInvoiced({ expectations, gaps, now }: Scene): number {
  const isForetold = (account: (typeof ACCOUNTS)[number]) =>
    expectations[account].payableQuantity > 0 && expectations[account].invoices(gaps, now) !== null;
  return ACCOUNTS.filter(isForetold).length;
}
