import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createUsage } from '../../src/index.ts';
import { createFastClock } from './fast-clock.ts';

/** Runs the report job, from SIGUSR2 on, until it is killed or told to end by SIGTERM. */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    start: { type: 'string', default: '0' },
    since: { type: 'string', default: '0' },
    speed: { type: 'string', default: '1' },
  },
});

const clock = createFastClock({
  start: Number(values.start),
  since: Number(values.since),
  speed: Number(values.speed),
});
const usage = createUsage({ database: values.url, meters: { credits: {} }, environment: { clock } });
const alive = setInterval(() => {}, 1_000); // the job alone does not keep a process
process.once('SIGUSR2', () => usage.worker.start());
console.log('ready');
await once(process, 'SIGTERM');
clearInterval(alive);
await usage.close();
