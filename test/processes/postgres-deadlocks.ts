import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.ts';
import { systemEnvironment } from '../../src/system-environment.ts';
import { adminQuery, createDatabase } from '../support/postgres/databases.ts';
import { startPostgres } from '../support/postgres/server.ts';
import { sum } from './ledger-check.ts';
import type { ContenderResult } from './postgres-contender.ts';
import { checkPostgresLedger, type PostgresTotals, readTotals } from './postgres-ledger-check.ts';
import { startProgram } from './programs.ts';

export interface PostgresDeadlocksParams {
  readonly seconds: number;
  readonly seed: number;
}

export interface PostgresDeadlocksResult {
  /** What the processes did, added up. */
  readonly counts: Readonly<Record<string, number>>;
  /** What the server's log says of each that it resolved. */
  readonly deadlocks: readonly string[];
  readonly tables: readonly TableState[];
  readonly problems: readonly string[];
}

/** A table, or the partitions of the ledger together. */
interface TableState {
  readonly table: string;
  readonly rows: number;
  readonly dead_rows: number;
  readonly bytes: number;
  readonly updates: number;
  /** Updates that touched no index (HOT), of all. */
  readonly hot_share: number;
}

const PROCESSES = 3;
/** Found soon, so that a run has time for more of them. */
const SETTINGS = { deadlock_timeout: '50ms', log_lock_waits: 'off' };

/** Lets processes do everything to the same few accounts at once. */
export async function postgresDeadlocks({
  seconds,
  seed,
}: PostgresDeadlocksParams): Promise<PostgresDeadlocksResult> {
  const server = await startPostgres({ settings: SETTINGS });
  try {
    const { url } = await createDatabase(server.url);
    const options = { url, seed, since: Date.now(), seconds };
    const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    const max_run_ms = 60_000 + 2_000 * seconds;
    const programs = Array.from({ length: PROCESSES }, (_, index) =>
      startProgram('./postgres-contender.ts', [...args, `--process=${index + 1}`], { max_run_ms }),
    );
    const ends = await Promise.all(programs.map(({ ended }) => ended));
    const failed = ends.find(({ code, stderr }) => code !== 0 || stderr !== '');
    if (failed) throw new Error(`A process ended with an error: ${failed.stderr}`);
    const results = programs.map(({ lines }): ContenderResult => JSON.parse(lines[0] ?? ''));
    const tables = await readTables(url);
    await rollUpTheRest(url);
    const deadlocks = readDeadlocks(join(server.directory, 'log'));
    const totals = await readTotals(url);
    if (deadlocks.length < totals.deadlocks) throw new Error('The log misses deadlocks.');
    return {
      counts: countsOf(results),
      deadlocks,
      tables,
      problems: [
        ...results.flatMap(({ errors }) => errors),
        ...(await checkPostgresLedger(url)),
        ...wrongTotal(totals, results),
      ],
    };
  } finally {
    await server.stop();
  }
}

/** Transactions that were committed after the last roll-up. */
async function rollUpTheRest(url: string): Promise<void> {
  const store = createPostgresStore({ server: { url }, environment: systemEnvironment() });
  const params = { now: Date.now(), account_id: null, limit: 10_000 };
  while ((await store.rollUp(params)).more);
  await store.close();
}

function wrongTotal({ quantity }: PostgresTotals, results: readonly ContenderResult[]): string[] {
  const recorded = sum(results.map((result) => result.recorded));
  return recorded === quantity ? [] : [`I1: ${recorded} units were acknowledged, ${quantity} are counted`];
}

function countsOf(results: readonly ContenderResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { errors, ...more } of results) {
    for (const [name, count] of Object.entries({ ...more, errors: errors.length })) {
      counts[name] = (counts[name] ?? 0) + count;
    }
  }
  return counts;
}

const LINES_OF_A_DEADLOCK = 20;

function readDeadlocks(log: string): string[] {
  const lines = readFileSync(log, 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    line.includes('deadlock detected') ? lines.slice(index, index + LINES_OF_A_DEADLOCK).join('\n') : [],
  );
}

async function readTables(url: string): Promise<TableState[]> {
  const rows = await adminQuery(
    url,
    `SELECT regexp_replace(relname, '_\\d{4}_\\d{2}$', '') AS table, sum(n_live_tup)::float8 AS rows,
       sum(n_dead_tup)::float8 AS dead_rows, sum(pg_relation_size(relid))::float8 AS bytes,
       sum(n_tup_upd)::float8 AS updates, coalesce(sum(n_tup_hot_upd) / nullif(sum(n_tup_upd), 0), 1)::float8 AS hot_share
     FROM pg_stat_user_tables WHERE schemaname = 'tallybook' GROUP BY 1 HAVING sum(n_tup_ins) > 0 ORDER BY 1`,
  );
  return rows as unknown[] as TableState[];
}

/** `node test/processes/postgres-deadlocks.ts [--seconds 600] [--seed 7]` */
if (import.meta.main) {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  console.log(`node test/processes/postgres-deadlocks.ts --seconds ${values.seconds} --seed ${seed}`);
  const { counts, deadlocks, tables, problems } = await postgresDeadlocks({
    seconds: Number(values.seconds),
    seed,
  });
  console.log(counts);
  console.table(tables);
  console.log(`${deadlocks.length} deadlocks`);
  for (const deadlock of deadlocks.slice(0, 5)) console.error(deadlock);
  for (const problem of problems.slice(0, 20)) console.error(problem);
  process.exitCode = problems.length === 0 && deadlocks.length === 0 ? 0 : 1;
}
