import type { SimulationDatabase } from '../simulation/database/simulation-database.ts';
import { checkEnding } from './checks/ending.ts';
import type { Billed } from './checks/invoices.ts';
import { checkStep } from './checks/step.ts';
import { act } from './scene/act.ts';
import { endScene } from './scene/ending.ts';
import { ModelScene, type SceneOptions } from './scene/scene.ts';
import type { Schedule } from './schedule/action.ts';

export interface ModelRun {
  readonly seed: number;
  /** What was wrong; null = nothing. */
  readonly failure: string | null;
  readonly trace: readonly string[];
  /** The same for every run of the seed on SQLite; means nothing without a trace. */
  readonly hash: string;
  /** Cents on final invoices, as foretold; null = it failed. */
  readonly billed: Billed | null;
}

/** Carries out one schedule on the real product, and compares every invoice with the oracle's. */
export async function runModel(
  schedule: Schedule,
  database: SimulationDatabase,
  options: SceneOptions,
): Promise<ModelRun> {
  const scene = await ModelScene.create(schedule, database, options);
  let failure: string | null = null;
  let billed: Billed | null = null;
  try {
    for (const action of schedule.actions) {
      await act(scene, action);
      await checkStep(scene);
    }
    await endScene(scene);
    await checkStep(scene);
    billed = await checkEnding(scene);
  } catch (error) {
    failure = wordsOf(error);
    scene.trace.add(() => `FAILED ${wordsOf(error)}`);
  }
  try {
    await scene.close();
  } catch (error) {
    failure ??= wordsOf(error);
  }
  const { trace } = scene;
  return { seed: schedule.seed, failure, trace: trace.lines, hash: trace.hash(), billed };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
