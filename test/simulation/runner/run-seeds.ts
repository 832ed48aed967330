import { runSchedule } from '../run-schedule.ts';
import { drawSchedule } from '../schedule/draw-schedule.ts';
import { printSeedLines } from './seed-lines.ts';

/** A process of the simulation. */
await printSeedLines((seed, database, options) => runSchedule(drawSchedule(seed), database, options));
