import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createUsage, UsageError } from '../../src/index.ts';
import { type CrashCall, callOf } from './crash-calls.ts';
import { createFastClock } from './fast-clock.ts';

/**
 * Increments and reports while its server is killed over and over, until SIGTERM, and prints what it sends, what was
 * acknowledged and what failed. It is never restarted: it has to go on by itself.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    /** Of several, from 1. */
    writer: { type: 'string', default: '1' },
    since: { type: 'string', default: '0' },
    unsafe: { type: 'boolean', default: false },
  },
});

const CALLERS = 12;
const MAX_PAUSE_MS = 20;
/** For whoever calls while the server is down. */
const PAUSE_AFTER_FAILURE_MS = 50;
/** Of a call with a key. */
const MAX_TRIES = 1_000;
/** A day passes in a second: months end, while a retry that waits seconds for the server is still young enough. */
const CLOCK_SPEED = 86_400;

const clock = createFastClock({
  start: Date.UTC(2026, 0, 10),
  since: Number(values.since),
  speed: CLOCK_SPEED,
});
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const usage = createUsage({
  database: { url: values.url, allow_unsafe: values.unsafe },
  meters: { credits: {} },
  environment: { clock },
  onError: () => {},
  logger: silent,
});
let isStopping = false;
process.once('SIGTERM', () => {
  isStopping = true;
});

function print(what: string, { kind, id, params }: CrashCall, ...more: readonly unknown[]): void {
  console.log(JSON.stringify([what, kind, id, params.account, params.quantity, ...more]));
}

function printFailure(call: CrashCall, error: unknown): void {
  const code = error instanceof UsageError ? error.code : String(error);
  print('failed', call, code, String(error).includes('nothing of this call was recorded'));
}

/** Without a key nobody can know whether a call that failed counted; with one it is repeated until it did. */
async function send(call: CrashCall): Promise<void> {
  print('sent', call);
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    try {
      await usage.increment(call.params);
      return print('acknowledged', call);
    } catch (error) {
      printFailure(call, error);
      await sleep(PAUSE_AFTER_FAILURE_MS);
      if (call.kind !== 'keyed' || !isStorageError(error)) return;
    }
  }
}

/** The server's; a timestamp that has become too old meanwhile stays so. */
function isStorageError(error: unknown): boolean {
  return error instanceof UsageError && error.code.startsWith('storage_');
}

async function keepCalling(caller: number): Promise<void> {
  const { seed, writer } = values;
  for (let index = 0; !isStopping; index += 1) {
    const start = clock.now();
    await send(callOf({ seed: Number(seed), life: Number(writer), start, caller, index }));
    await sleep(((caller * 7 + index * 13) % MAX_PAUSE_MS) + 1);
  }
}

async function keepReporting(): Promise<void> {
  while (!isStopping) {
    await usage.report().catch(() => {}); // the server may be down
    await sleep(MAX_PAUSE_MS);
  }
}

await Promise.all([keepReporting(), ...Array.from({ length: CALLERS }, (_, caller) => keepCalling(caller))]);
await usage.close();
