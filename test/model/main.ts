import { runCommand } from '../simulation/runner/command.ts';
import { runModel } from './run-model.ts';
import { simulateModel } from './runner/simulate-model.ts';
import { drawSchedule } from './schedule/draw-schedule.ts';

await runCommand({
  script: 'model',
  success: 'Every invoice is what the oracle says.',
  draw: drawSchedule,
  run: runModel,
  simulate: simulateModel,
});
