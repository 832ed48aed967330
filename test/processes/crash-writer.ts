import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createUsage } from '../../src/index.ts';
import { CLOCK_SPEED, type CrashCall, callOf } from './crash-calls.ts';
import { createFastClock } from './fast-clock.ts';

/** Increments and reports until it is killed, and prints what it sends and what was acknowledged. */
const { values } = parseArgs({
  options: {
    path: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    life: { type: 'string', default: '0' },
    start: { type: 'string', default: '0' },
    previous_start: { type: 'string', default: '0' },
    /** Acknowledges before the commit: the mistake that the harness must notice. */
    hasty: { type: 'boolean', default: false },
  },
});

const CALLERS = 24;
const life = Number(values.life);
const start = Number(values.start);
const seed = Number(values.seed);
const usage = createUsage({
  database: { path: values.path },
  meters: { credits: {} },
  environment: { clock: createFastClock({ start, since: Date.now(), speed: CLOCK_SPEED }) },
});

/** Written to the pipe before the function returns, so that a kill cannot take it back. */
function print(what: 'sent' | 'acknowledged', { kind, id, params }: CrashCall): void {
  const line = Buffer.from(`${JSON.stringify([what, kind, id, params.account, params.quantity])}\n`);
  for (let written = 0; written < line.length; ) {
    try {
      written += writeSync(1, line, written);
    } catch (error) {
      const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (!isFull) throw error; // else the parent is reading
    }
  }
}

async function send(call: CrashCall): Promise<void> {
  print('sent', call);
  if (values.hasty) print('acknowledged', call);
  await usage.increment(call.params);
  if (!values.hasty) print('acknowledged', call);
}

async function keepCalling(caller: number): Promise<void> {
  // What the life before may have left without an answer is sent again under its key.
  for (let index = 0; life > 1 && index < 3; index += 1) {
    const again = callOf({ seed, life: life - 1, start: Number(values.previous_start), caller, index });
    if (again.kind === 'keyed') await send(again);
  }
  for (let index = 0; ; index += 1) {
    await send(callOf({ seed, life, start, caller, index }));
  }
}

async function keepReporting(): Promise<void> {
  for (;;) await usage.report();
}

await Promise.all([keepReporting(), ...Array.from({ length: CALLERS }, (_, caller) => keepCalling(caller))]);
