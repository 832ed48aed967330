import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { createUsage } from '../../src/index.ts';
import { adminQuery, createDatabase } from '../support/postgres/databases.ts';
import { startPostgres } from '../support/postgres/server.ts';
import { createFastClock } from './fast-clock.ts';
import { checkPostgresLedger, readTotals } from './postgres-ledger-check.ts';
import { startProgram } from './programs.ts';

export interface PostgresTakeoverParams {
  /** Of an empty database. */
  readonly url: string;
  /** How many of the job's seconds pass in a real one. */
  readonly speed: number;
}

export interface PostgresTakeoverResult {
  /** From the kill of the worker in charge to the other's doing its work, by the job's clock. */
  readonly takeover_ms: number;
  readonly closed_reports: number;
  readonly problems: readonly string[];
}

const ACCOUNTS = ['a', 'b', 'c'];
const MIDNIGHT = Date.UTC(2026, 0, 11);
const HOUR_MS = 3_600_000;
const QUANTITY = 5;
const POLL_MS = 5;
const MAX_POLLS = 20_000;

/** Kills the one of two workers that runs the job, in the middle of it. */
export async function postgresTakeover({
  url,
  speed,
}: PostgresTakeoverParams): Promise<PostgresTakeoverResult> {
  const clockOptions = { start: MIDNIGHT, since: Date.now(), speed };
  const clock = createFastClock(clockOptions);
  await useBefore(url);
  const args = Object.entries(clockOptions).map(([name, value]) => `--${name}=${value}`);
  const workers = ['worker_1', 'worker_2'].map((name) => {
    const own = new URL(url);
    own.searchParams.set('application_name', name);
    return { name, program: startProgram('./postgres-worker.ts', [`--url=${own.href}`, ...args]) };
  });
  await Promise.all(workers.map(({ program }) => program.started));
  await using blocker = await lockAccounts(url);
  for (const { program } of workers) program.child.kill('SIGUSR2');
  const [waiting] = await poll(url, WAITING);
  const [killed, other] = workers[0]?.name === waiting?.['name'] ? workers : workers.toReversed();
  killed?.program.child.kill('SIGKILL');
  const killedAt = clock.now();
  await blocker.release();
  const [row] = await poll(url, CLOSED);
  other?.program.child.kill('SIGTERM');
  const end = await other?.program.ended;
  await killed?.program.ended;
  const { quantity } = await readTotals(url);
  return {
    takeover_ms: Number(row?.['closed_at']) - killedAt,
    closed_reports: Number(row?.['count']),
    problems: [
      ...(end?.code === 0 ? [] : [`The other worker ended with ${end?.code}: ${end?.stderr}`]),
      ...(quantity === ACCOUNTS.length * QUANTITY ? [] : [`${quantity} units are counted.`]),
      ...(await checkPostgresLedger(url)),
    ],
  };
}

/** Usage of the hour before, when the job ran for the first time: at midnight it is due. */
async function useBefore(url: string): Promise<void> {
  const clock = { now: () => MIDNIGHT - HOUR_MS, sleep: async () => {} };
  const usage = createUsage({ database: url, meters: { credits: {} }, environment: { clock } });
  for (const account of ACCOUNTS) await usage.increment({ account, quantity: QUANTITY });
  await usage.worker.tick();
  await usage.close();
}

/** The worker whose job has come to the accounts. */
const WAITING = `SELECT application_name AS name FROM pg_stat_activity WHERE datname = current_database()
  AND wait_event_type = 'Lock' AND application_name LIKE 'worker%'`;
/** A report in the middle of its billing period ends at the second in which it is sealed. */
const CLOSED = `SELECT max(period_end)::float8 AS closed_at, count(*)::float8 AS count FROM tallybook.usage
  WHERE status = 'closed' HAVING count(*) > 0`;

async function poll(url: string, sql: string): Promise<Record<string, unknown>[]> {
  for (let polls = 0; polls < MAX_POLLS; polls += 1) {
    const rows = await adminQuery(url, sql);
    if (rows.length > 0) return rows;
    await sleep(POLL_MS);
  }
  throw new Error('A worker did not do its work.');
}

async function lockAccounts(url: string) {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT 1 FROM tallybook.account FOR UPDATE');
  let isHeld = true;
  const release = async () => {
    if (isHeld) await client.end();
    isHeld = false;
  };
  return { release, [Symbol.asyncDispose]: release };
}

/** `node test/processes/postgres-takeover.ts [--speed 1]` */
if (import.meta.main) {
  const { values } = parseArgs({ options: { speed: { type: 'string', default: '1' } } });
  const server = await startPostgres();
  try {
    const { url } = await createDatabase(server.url);
    const { takeover_ms, closed_reports, problems } = await postgresTakeover({
      url,
      speed: Number(values.speed),
    });
    console.log(
      `${closed_reports} reports closed ${takeover_ms / 1_000} s after the kill, by the job's clock`,
    );
    for (const problem of problems) console.error(problem);
    process.exitCode = problems.length === 0 ? 0 : 1;
  } finally {
    await server.stop();
  }
}
