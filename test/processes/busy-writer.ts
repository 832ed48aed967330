import { parseArgs } from 'node:util';
import { createUsage } from '../../src/index.ts';
import { createFastClock } from './fast-clock.ts';

/** One of several processes on a database: increments with many callers, and prints what it recorded. */
const { values } = parseArgs({
  options: {
    /** Of a file, or a URL. */
    database: { type: 'string', default: '' },
    since: { type: 'string', default: '0' },
    calls_per_caller: { type: 'string', default: '600' },
    accounts: { type: 'string', default: '3' },
    /** By default a day passes in a second and a half. */
    clock_speed: { type: 'string', default: '60000' },
    /** Closes reports meanwhile. */
    reports: { type: 'boolean', default: false },
  },
});

const CALLERS = 16;
/** A month ends in it, and no key is old enough to be forgotten. */
const FAST_TIME_MS = 34 * 86_400_000;

/** What a process prints at its end. */
export interface BusyWriterResult {
  /** Account → the units whose calls answered `recorded: true`. */
  readonly recorded: Readonly<Record<string, number>>;
  readonly duplicates: number;
  readonly errors: readonly string[];
  readonly closed_reports: number;
}

const since = Number(values.since);
const calls_per_caller = Number(values.calls_per_caller);
const accounts = Number(values.accounts);
const errors: string[] = [];
const recorded: Record<string, number> = {};
let duplicates = 0;
let closed_reports = 0;
let callersUnderWay = CALLERS;
const usage = createUsage({
  database: values.database,
  meters: { credits: {} },
  environment: {
    clock: createFastClock({
      start: since,
      since,
      speed: Number(values.clock_speed),
      limit_ms: FAST_TIME_MS,
    }),
  },
  onError: (error) => errors.push(String(error)),
});

/** Every third call has a key, which the same caller of every process uses for the same increment. */
async function call(caller: number): Promise<void> {
  for (let index = 0; index < calls_per_caller; index += 1) {
    const account = `acct_${(caller + index) % accounts}`;
    const quantity = 1 + ((caller * 7 + index) % 10);
    const key = index % 3 === 0 ? { idempotency_key: `${caller}.${index}` } : {};
    const result = await usage.increment({ account, quantity, ...key });
    if (result.recorded) recorded[account] = (recorded[account] ?? 0) + quantity;
    if (result.duplicate) duplicates += 1;
  }
}

async function report(): Promise<void> {
  while (callersUnderWay > 0) closed_reports += (await usage.report()).closed;
}

const work = Array.from({ length: CALLERS }, (_, caller) =>
  call(caller).finally(() => {
    callersUnderWay -= 1;
  }),
);
if (values.reports) work.push(report());
await Promise.allSettled(work);
await usage.close();
console.log(JSON.stringify({ recorded, duplicates, errors, closed_reports } satisfies BusyWriterResult));
