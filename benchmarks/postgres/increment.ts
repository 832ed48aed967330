import { parseArgs } from 'node:util';
import { runClosedLoop } from '../measuring/closed-loop.ts';
import { Measurements } from '../measuring/results.ts';
import { accountIds, createTemplate } from './accounts.ts';
import { createBatches, runCopy, runInServer } from './ceilings.ts';
import { CONTENDERS, type Contender, type ContenderName, createBaselineTable } from './contenders.ts';
import { ceilingTable, goalLines, type Measurement, resultTable, type Spread } from './increment-results.ts';
import { type BenchmarkDatabase, OPTIONS, openServer } from './server.ts';

/** `usage.increment` on PostgreSQL against what the original does, and against the server alone. See ../README.md. */
const { values: options } = parseArgs({ options: OPTIONS });

const RUNS = options.quick ? 1 : Number(options.runs);
const DURATION_MS = options.quick ? 300 : 2_000;
const WARM_UP_MS = 300;
const CALLERS = [1, 256, 4_096];
const NAMES: readonly ContenderName[] = ['baseline', 'unkeyed', 'keyed'];
/** Enough for the longest of measurements. */
const BATCHES = options.quick ? 500 : 1_500;
const SPREADS: readonly { readonly spread: Spread; readonly accounts: readonly string[] }[] = [
  { spread: 'one hot account', accounts: accountIds(1) },
  { spread: '100,000 accounts', accounts: accountIds(100_000) },
];

/** A way to spread the load, and the databases that those of a run are copies of. */
interface Scene {
  readonly spread: Spread;
  readonly accounts: readonly string[];
  readonly template: BenchmarkDatabase;
  readonly batches: BenchmarkDatabase;
}

const measurements = new Measurements<Measurement>(options.json);
const server = await openServer(options.directory);
try {
  const scenes: Scene[] = [];
  for (const { spread, accounts } of SPREADS) {
    const template = await createTemplate(server, accounts);
    await createBaselineTable(template);
    scenes.push({
      spread,
      accounts,
      template,
      batches: await createBatches(server, template, accounts, BATCHES),
    });
  }
  for (let run = 1; run <= RUNS; run += 1) {
    for (const scene of scenes) await measureRun(run, scene);
  }
} finally {
  await server.stop();
}
console.log(`\n${resultTable(measurements.all)}\n\n${ceilingTable(measurements.all)}\n`);
console.log(goalLines(measurements.all).join('\n'));

interface RunningContender {
  readonly name: ContenderName;
  readonly database: BenchmarkDatabase;
  readonly contender: Contender;
  increments: number;
}

/** Every contender on a new database, taking turns at each number of callers; then the server alone. */
async function measureRun(run: number, scene: Scene): Promise<void> {
  const { spread, accounts, template } = scene;
  const opened = accounts.length;
  const running: RunningContender[] = [];
  // Each run begins with another one, since the first and the last may have it easier.
  const first = (run - 1) % NAMES.length;
  for (const name of [...NAMES.slice(first), ...NAMES.slice(0, first)]) {
    const database = await server.createDatabase(template);
    running.push({ name, database, contender: CONTENDERS[name](database, opened), increments: 0 });
  }
  for (const callers of CALLERS) {
    for (const state of running) {
      const { name, database, contender } = state;
      const load = { call: contender.increment, accounts, callers };
      await database.settle();
      const warmUp = await runClosedLoop({ ...load, duration_ms: WARM_UP_MS });
      const result = await runClosedLoop({ ...load, duration_ms: DURATION_MS });
      state.increments += warmUp.calls + result.calls;
      await contender.verify(state.increments);
      keep({ run, spread, callers, contender: name, ...result });
    }
  }
  await measureCeilings(run, scene, running);
  for (const { contender, database } of running) {
    await contender.close();
    await database.drop();
  }
}

async function measureCeilings(
  run: number,
  scene: Scene,
  running: readonly RunningContender[],
): Promise<void> {
  const { spread, accounts, template, batches } = scene;
  const opened = accounts.length;
  const row = { run, spread, callers: null };
  const inServer = await server.createDatabase(batches);
  const limits = { opened, warm_up_ms: WARM_UP_MS, duration_ms: DURATION_MS };
  keep({ ...row, contender: 'in_server', ...(await runInServer(inServer, limits)) });
  await inServer.drop();

  const keyed = running.find(({ name }) => name === 'keyed');
  const rows = measurements.all.findLast(({ contender }) => contender === 'keyed')?.calls;
  if (!keyed || rows === undefined)
    throw new Error('COPY comes after the keyed increments whose rows it copies.');
  const copy = await server.createDatabase(template);
  keep({ ...row, contender: 'copy', ...(await runCopy(copy, { from: keyed.database, opened, rows })) });
  await copy.drop();
}

function keep(measurement: Measurement): void {
  const { run, spread, callers, contender, per_second } = measurement;
  const by = callers === null ? contender : `${callers} callers, ${contender}`;
  measurements.keep(measurement, `run ${run}: ${spread}, ${by}: ${Math.round(per_second)}/s`);
}
