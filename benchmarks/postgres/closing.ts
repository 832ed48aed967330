import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Pool } from 'pg';
import { DAY_MS } from '../../src/core/instant.ts';
import type { CloseReportsParams } from '../../src/core/store.ts';
import { createUsage } from '../../src/index.ts';
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.ts';
import { systemEnvironment, uuidVersion7 } from '../../src/system-environment.ts';
import { runOpenLoop } from '../measuring/open-loop.ts';
import { quantile } from '../measuring/quantile.ts';
import { Measurements } from '../measuring/results.ts';
import { accountIds, createTemplate, verifyReports, verifyTotals } from './accounts.ts';
import { goalLines, type Measurement, resultTable } from './closing-results.ts';
import { type BenchmarkDatabase, OPTIONS, openServer } from './server.ts';

/** Sealing the open reports of 100,000 accounts, by itself and while usage is counted. See ../README.md. */
const { values: options } = parseArgs({
  options: {
    ...OPTIONS,
    /** Accounts in one transaction; the default is the report job's own. */
    batch: { type: 'string', default: '500' },
  },
});

const RUNS = options.quick ? 1 : Number(options.runs);
const ACCOUNTS = accountIds(options.quick ? 10_000 : 100_000);
/** Reports of billing periods that end: not all of them are waited for. */
const MAX_ENDED = options.quick ? 2_000 : 10_000;
const BATCH = Number(options.batch);
const INCREMENTS_PER_SECOND = 2_000;
const LOAD_MS = options.quick ? 1_000 : 4_000;
const WARM_UP_MS = 500;
const MB = 2 ** 20;
const SECOND_MS = 1_000;
/** The months of the accounts end within it. */
const NEXT_MONTH_MS = 32 * DAY_MS;

const measurements = new Measurements<Measurement>(options.json);
const server = await openServer(options.directory);
try {
  const template = await createTemplate(server, ACCOUNTS);
  for (let run = 1; run <= RUNS; run += 1) {
    await onCopy(template, (database, pool) => measureClosing(run, database, pool));
    await onCopy(template, (database, pool) => measureLoad(run, database, pool));
    await onCopy(template, (database, pool) => measureLoadWhileClosing(run, database, pool));
    await onCopy(template, (_, pool) => measurePeriodEnd(run, pool));
  }
} finally {
  await server.stop();
}
console.log(`\n${resultTable(measurements.all)}\n\n${goalLines(measurements.all).join('\n')}`);

async function onCopy(
  template: BenchmarkDatabase,
  run: (database: BenchmarkDatabase, pool: Pool) => Promise<void>,
): Promise<void> {
  const database = await server.createDatabase(template);
  await database.settle();
  const pool = database.openPool();
  await run(database, pool);
  await pool.end();
  await database.drop();
}

async function measureClosing(run: number, database: BenchmarkDatabase, pool: Pool): Promise<void> {
  const result = await closeReports(pool, { now: Date.now(), which: 'all' });
  await verify(database, 0);
  keep({ run, phase: 'closing', ...result });
}

/** Where billing periods end, new ones begin. */
async function measurePeriodEnd(run: number, pool: Pool): Promise<void> {
  const now = Date.now() + NEXT_MONTH_MS;
  keep({ run, phase: 'period end', ...(await closeReports(pool, { now, which: 'ended' }, MAX_ENDED)) });
}

async function measureLoad(run: number, database: BenchmarkDatabase, pool: Pool): Promise<void> {
  const load = await runLoad(database, pool, () => sleep(LOAD_MS));
  keep({ run, phase: 'increments', ...load });
}

async function measureLoadWhileClosing(run: number, database: BenchmarkDatabase, pool: Pool): Promise<void> {
  let closing = null;
  const load = await runLoad(database, pool, async () => {
    closing = await closeReports(pool, { now: Date.now(), which: 'all' });
  });
  keep({ run, phase: 'increments while closing', ...load, ...(closing ?? {}) });
}

/** Increments at a steady rate for as long as `meanwhile` takes, in the same process and through the same pool. */
async function runLoad(database: BenchmarkDatabase, pool: Pool, meanwhile: () => Promise<void>) {
  const usage = createUsage({ database: pool, meters: { credits: {} } });
  const load = {
    call: (account: string) => usage.increment({ account, idempotency_key: uuidVersion7(Date.now()) }),
    accounts: ACCOUNTS,
    per_second: INCREMENTS_PER_SECOND,
  };
  const warmUp = await runOpenLoop({ ...load, until: sleep(WARM_UP_MS) });
  const latencies = await runOpenLoop({ ...load, until: meanwhile() });
  await usage.close();
  await verify(database, warmUp.length + latencies.length);
  const sorted = latencies.sort();
  return { calls: sorted.length, p50_ms: quantile(sorted, 0.5), p99_ms: quantile(sorted, 0.99) };
}

interface ClosingResult {
  readonly closed: number;
  readonly reports_per_second: number;
  /** By how much the process grew at most, and how much of that in the second half of the batches. */
  readonly grown_mb: number;
  readonly grown_later_mb: number;
}

/** As the report job does. */
async function closeReports(
  pool: Pool,
  params: Pick<CloseReportsParams, 'now' | 'which'>,
  max = Number.POSITIVE_INFINITY,
): Promise<ClosingResult> {
  const store = createPostgresStore({ server: { pool }, environment: systemEnvironment() });
  await store.readAgenda({ job: 'open the database' });
  const sizes = [process.memoryUsage.rss()];
  const started_at = performance.now();
  let closed = 0;
  for (const locked of ['skip', 'wait'] as const) {
    let after: string | null = null;
    for (let more = true; more && closed < max; ) {
      const batch = await store.closeReports({ ...params, account_id: null, after, locked, limit: BATCH });
      closed += batch.closed;
      ({ after, more } = batch);
      sizes.push(process.memoryUsage.rss());
    }
  }
  const elapsed_ms = performance.now() - started_at;
  await store.close();
  if (closed < Math.min(max, ACCOUNTS.length)) throw new Error(`Only ${closed} reports were closed.`);
  const half = Math.ceil(sizes.length / 2);
  const [first = 0] = sizes;
  const peakBefore = Math.max(...sizes.slice(0, half));
  const peak = Math.max(...sizes);
  return {
    closed,
    reports_per_second: (closed / elapsed_ms) * SECOND_MS,
    grown_mb: (peak - first) / MB,
    grown_later_mb: (peak - peakBefore) / MB,
  };
}

async function verify(database: BenchmarkDatabase, increments: number): Promise<void> {
  await verifyTotals(database, { quantity: ACCOUNTS.length + increments, keys: increments });
  await verifyReports(database);
}

function keep(measurement: Measurement): void {
  const { run, phase, reports_per_second, p99_ms } = measurement;
  const figures = [
    ...(reports_per_second === undefined ? [] : [`${Math.round(reports_per_second)} reports/s`]),
    ...(p99_ms === undefined ? [] : [`p99 ${p99_ms.toFixed(2)} ms`]),
  ];
  measurements.keep(measurement, `run ${run}: ${phase}: ${figures.join(', ')}`);
}
