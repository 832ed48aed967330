import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runClosedLoop } from '../measuring/closed-loop.ts';
import { Measurements } from '../measuring/results.ts';
import { CONTENDERS, type ContenderName } from './contenders.ts';
import { goalLines, type Measurement, resultTable, type Spread } from './results.ts';

/** `usage.increment` against what the original does. See ../README.md. */
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    /** Only these, as in `--callers 1,256`. */
    callers: { type: 'string', default: '1,16,256,4096' },
    /** Only the one hot account, or only the many. */
    accounts: { type: 'string', default: 'one,many' },
    /** Where the databases are written: the disk that is measured. */
    directory: { type: 'string', default: tmpdir() },
  },
});

const RUNS = options.quick ? 1 : Number(options.runs);
const DURATION_MS = options.quick ? 250 : 1_000;
const WARM_UP_MS = 100;
const CALLERS = options.callers.split(',').map(Number);
const NAMES: readonly ContenderName[] = ['baseline_main', 'unkeyed', 'keyed', 'baseline_worker', 'floor'];
const CHOSEN = options.accounts.split(',');
const CHOICES = { one: 'one hot account', many: '100,000 accounts' } as const;
const SPREADS: Readonly<Record<Spread, readonly string[]>> = {
  'one hot account': ['acct_hot'],
  '100,000 accounts': Array.from({ length: 100_000 }, (_, index) => `acct_${String(index).padStart(6, '0')}`),
};

const measurements = new Measurements<Measurement>(options.json);
for (let run = 1; run <= RUNS; run += 1) {
  for (const choice of ['one', 'many'] as const) {
    if (CHOSEN.includes(choice)) await measureRun(run, CHOICES[choice]);
  }
}
console.log(`\n${resultTable(measurements.all)}\n\n${goalLines(measurements.all).join('\n')}`);

/** Every contender on a new file, taking turns at each number of callers. */
async function measureRun(run: number, spread: Spread): Promise<void> {
  const directory = mkdtempSync(join(options.directory, 'tallybook-benchmark-'));
  const accounts = SPREADS[spread];
  try {
    const running = new Map<ContenderName, RunningContender>();
    for (const name of NAMES) {
      const contender = await CONTENDERS[name](join(directory, `${name}.db`), accounts);
      running.set(name, { contender, increments: 0 });
    }
    for (const callers of CALLERS) {
      for (const [name, state] of running) {
        if (name === 'floor' && callers > 1) continue;
        const { contender } = state;
        const load = { call: contender.increment, accounts, callers };
        const warmUp = await runClosedLoop({ ...load, duration_ms: WARM_UP_MS });
        const result = await runClosedLoop({ ...load, duration_ms: DURATION_MS });
        state.increments += warmUp.calls + result.calls;
        keep({ run, spread, callers, contender: name, ...result });
      }
    }
    for (const [name, state] of running) await verify(name, state);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface RunningContender {
  readonly contender: Awaited<ReturnType<(typeof CONTENDERS)[ContenderName]>>;
  increments: number;
}

function keep(measurement: Measurement): void {
  const { run, spread, callers, contender, per_second } = measurement;
  const news = `run ${run}: ${spread}, ${callers} callers, ${contender}: ${Math.round(per_second)}/s`;
  measurements.keep(measurement, news);
}

/** A fast count that is wrong is worth nothing. */
async function verify(name: ContenderName, { contender, increments }: RunningContender): Promise<void> {
  await contender.close();
  if (contender.total() === increments) return;
  throw new Error(`${name} counted ${contender.total()} of ${increments} increments.`);
}
