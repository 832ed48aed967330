import { runSchedule } from './run-schedule.ts';
import { runCommand } from './runner/command.ts';
import { simulate } from './runner/simulate.ts';
import { drawSchedule } from './schedule/draw-schedule.ts';

await runCommand({
  script: 'simulate',
  success: 'Every invariant held.',
  draw: drawSchedule,
  run: runSchedule,
  simulate,
});
