import { printSeedLines } from '../../simulation/runner/seed-lines.ts';
import { runModel } from '../run-model.ts';
import { drawSchedule } from '../schedule/draw-schedule.ts';

/** A process of the model test. */
await printSeedLines(async (seed, database, options) => {
  const { failure, hash, billed } = await runModel(drawSchedule(seed), database, options);
  return { failure, hash, invoiced: (billed?.usage ?? 0) > 0 ? 1 : 0 };
});
