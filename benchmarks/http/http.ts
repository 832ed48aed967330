import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runClosedLoop } from '../measuring/closed-loop.ts';
import { runOpenLoop } from '../measuring/open-loop.ts';
import { quantile } from '../measuring/quantile.ts';
import { goalLine, Measurements, pairedRatios, tableOf } from '../measuring/results.ts';
import { Connections, postOf } from './connections.ts';
import type { ServerReady, StoreOrder } from './server.ts';

/** Durable increments over HTTP, against a bare echo and against the store itself. See ../README.md. */
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    directory: { type: 'string', default: tmpdir() },
  },
});

const RUNS = options.quick ? 1 : Number(options.runs);
const DURATION_MS = options.quick ? 500 : 3_000;
const WARM_UP_MS = options.quick ? 200 : 1_000;
const CONNECTIONS = 64;
const BATCH = 100;
const BATCH_CALLERS = 16;
const OPEN_LOOP_PER_SECOND = 5_000;
const ACCOUNTS = Array.from({ length: 1_000 }, (_, index) => `acct_${index}`);

interface Measurement {
  readonly run: number;
  readonly contender: 'echo' | 'single' | 'batch' | 'store' | 'open loop';
  /** Requests; of `batch` and `store`, increments. */
  readonly per_second: number;
  /** null = not measured. */
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  /** CPU time of the serving process for each, in microseconds: what other load of the machine changes least. */
  readonly cpu_us: number;
}

let positions = 0;
const measurements = new Measurements<Measurement>(options.json);
for (let run = 1; run <= RUNS; run += 1) await measureRun(run);
report();

/** Everything on one server and one new file, in turns. */
async function measureRun(run: number): Promise<void> {
  const directory = mkdtempSync(join(options.directory, 'tallybook-benchmark-'));
  const child = fork(new URL('./server.ts', import.meta.url), [join(directory, 'usage.db')]);
  try {
    const [{ port, echo_port, key }] = (await once(child, 'message')) as [ServerReady];
    const single = (account: string) =>
      postOf('/v1/usage', key, JSON.stringify({ account, idempotency_key: randomUUID() }));
    await measure(child, run, { contender: 'echo', port: echo_port, request: single });
    await measure(child, run, { contender: 'single', port, request: single });
    await measureStore(run, child);
    await measure(child, run, {
      contender: 'batch',
      port,
      request: () => batch(key),
      callers: BATCH_CALLERS,
      increments: BATCH,
    });
    await measureOpenLoop(child, run, port, single);
    child.send('stop');
    await once(child, 'exit');
  } finally {
    child.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Asked {
  readonly contender: Measurement['contender'];
  readonly port: number;
  readonly request: (account: string) => Buffer;
  /** As many connections are open. */
  readonly callers?: number;
  /** Of one request. */
  readonly increments?: number;
}

async function measure(
  child: ChildProcess,
  run: number,
  { contender, port, request, callers = CONNECTIONS, increments = 1 }: Asked,
): Promise<void> {
  // A server lets go of connections that nobody uses for a while: each contender has its own.
  const connections = await Connections.open(port, callers);
  const load = {
    call: (account: string) => connections.send(request(account)),
    accounts: ACCOUNTS,
    callers,
  };
  await runClosedLoop({ ...load, duration_ms: WARM_UP_MS });
  const started_ms = await cpuOf(child);
  const loop = await runClosedLoop({ ...load, duration_ms: DURATION_MS });
  const per_second = loop.per_second * increments;
  const cpu_us = cpuEach((await cpuOf(child)) - started_ms, per_second);
  connections.close();
  keep({ run, contender, per_second, p50_ms: loop.p50_ms, p99_ms: loop.p99_ms, cpu_us });
}

async function measureStore(run: number, child: ChildProcess): Promise<void> {
  const order = { batch: BATCH, callers: BATCH_CALLERS, accounts: ACCOUNTS };
  for (const duration_ms of [WARM_UP_MS, DURATION_MS]) {
    const started_ms = await cpuOf(child);
    child.send({ ...order, duration_ms } satisfies StoreOrder);
    const [per_second] = (await once(child, 'message')) as [number];
    const cpu_us = cpuEach((await cpuOf(child)) - started_ms, per_second);
    if (duration_ms === DURATION_MS)
      keep({ run, contender: 'store', per_second, p50_ms: null, p99_ms: null, cpu_us });
  }
}

async function measureOpenLoop(
  child: ChildProcess,
  run: number,
  port: number,
  request: (account: string) => Buffer,
): Promise<void> {
  const connections = await Connections.open(port, CONNECTIONS);
  const call = (account: string) => connections.send(request(account));
  const started_ms = await cpuOf(child);
  const until = sleep(DURATION_MS);
  const latencies = await runOpenLoop({ call, accounts: ACCOUNTS, per_second: OPEN_LOOP_PER_SECOND, until });
  connections.close();
  const sorted = latencies.sort();
  const per_second = (sorted.length / DURATION_MS) * 1_000;
  keep({
    run,
    contender: 'open loop',
    per_second,
    p50_ms: quantile(sorted, 0.5),
    p99_ms: quantile(sorted, 0.99),
    cpu_us: cpuEach((await cpuOf(child)) - started_ms, per_second),
  });
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [cpu_ms] = (await once(child, 'message')) as [number];
  return cpu_ms;
}

/** In microseconds, of what was done in the time of a measurement. */
function cpuEach(cpu_ms: number, per_second: number): number {
  return (cpu_ms * 1_000) / (per_second * (DURATION_MS / 1_000));
}

function batch(key: string): Buffer {
  const increments = Array.from({ length: BATCH }, () => {
    positions += 1;
    return { account: ACCOUNTS[positions % ACCOUNTS.length], idempotency_key: randomUUID() };
  });
  return postOf('/v1/usage/batch', key, JSON.stringify({ increments }));
}

function keep(measurement: Measurement): void {
  const { run, contender, per_second, p99_ms } = measurement;
  const late = p99_ms === null ? '' : `, p99 ${p99_ms.toFixed(1)} ms`;
  measurements.keep(measurement, `run ${run}: ${contender}: ${Math.round(per_second)}/s${late}`);
}

function report(): void {
  const of = (name: Measurement['contender']) =>
    measurements.all.filter(({ contender }) => contender === name);
  const perSecond = ({ per_second }: Measurement) => per_second;
  const cpu = ({ cpu_us }: Measurement) => cpu_us;
  const rows = measurements.all.map(({ run, contender, per_second, p50_ms, p99_ms, cpu_us }) => [
    run,
    contender,
    Math.round(per_second).toLocaleString('en-US'),
    p50_ms?.toFixed(2) ?? '',
    p99_ms?.toFixed(2) ?? '',
    cpu_us.toFixed(1),
  ]);
  const goals = [
    {
      name: 'batches of 100, × the store itself',
      values: pairedRatios(of('batch'), of('store'), perSecond),
      at_least: 0.8,
    },
    {
      name: 'single requests, × a bare echo',
      values: pairedRatios(of('single'), of('echo'), perSecond),
      at_least: 0.25,
    },
    {
      name: 'CPU of the store, ÷ that of a batch, for an increment',
      values: pairedRatios(of('store'), of('batch'), cpu),
      at_least: 0.8,
    },
    {
      name: 'CPU of an echo, ÷ that of a single request',
      values: pairedRatios(of('echo'), of('single'), cpu),
      at_least: 0.25,
    },
  ];
  const lines = goals.map((goal) => goalLine({ ...goal, unit: '×' }));
  console.log(
    `\n${tableOf(['run', 'contender', 'per second', 'p50 ms', 'p99 ms', 'CPU µs'], rows)}\n\n${lines.join('\n')}`,
  );
}
