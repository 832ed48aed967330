import { parseArgs } from 'node:util';
import { createUsage } from '../../src/index.ts';
import { createDatabase } from '../support/postgres/databases.ts';
import { startPostgres } from '../support/postgres/server.ts';
import type { BusyWriterResult } from './busy-writer.ts';
import { sum } from './ledger-check.ts';
import { checkPostgresLedger, type PostgresTotals, readTotals } from './postgres-ledger-check.ts';
import { startProgram } from './programs.ts';

export interface PostgresProcessesParams {
  /** Of an empty database. */
  readonly url: string;
  /** Calls of all writers together. */
  readonly increments: number;
}

export interface PostgresProcessesResult {
  readonly totals: PostgresTotals;
  readonly duplicates: number;
  readonly problems: readonly string[];
}

const PROCESSES = 4;
const REPORTING_PROCESSES = 2;
const CALLERS_PER_PROCESS = 16;
const ACCOUNTS = 12;
/** A day passes in half a second, so that billing periods end and the ledger gets another month. */
const CLOCK_SPEED = 200_000;
/** Of the slowest machine. */
const MIN_INCREMENTS_PER_SECOND = 500;
const MS_PER_YEAR = 365 * 86_400_000;

/** Lets four processes increment with 64 callers while two of them close reports all the time. */
export async function postgresProcesses({
  url,
  increments,
}: PostgresProcessesParams): Promise<PostgresProcessesResult> {
  const since = Date.now();
  const calls_per_caller = Math.ceil(increments / PROCESSES / CALLERS_PER_PROCESS);
  const options = { database: url, since, calls_per_caller, accounts: ACCOUNTS, clock_speed: CLOCK_SPEED };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const max_run_ms = 60_000 + (increments / MIN_INCREMENTS_PER_SECOND) * 1_000;
  const programs = Array.from({ length: PROCESSES }, (_, index) =>
    startProgram('./busy-writer.ts', index < REPORTING_PROCESSES ? [...args, '--reports'] : args, {
      max_run_ms,
    }),
  );
  const ends = await Promise.all(programs.map(({ ended }) => ended));
  const failed = ends.filter(({ code, stderr }) => code !== 0 || stderr !== '');
  if (failed.length > 0) throw new Error(`A writer ended with an error: ${failed[0]?.stderr}`);
  const results = programs.map(({ lines }): BusyWriterResult => JSON.parse(lines[0] ?? ''));
  const totals = await readTotals(url);
  return {
    totals,
    duplicates: sum(results.map(({ duplicates }) => duplicates)),
    problems: [
      ...results.flatMap(({ errors }) => errors),
      ...(await checkPostgresLedger(url)),
      ...(await wrongTotals(url, since, results, totals)),
      ...wrongKeys(calls_per_caller, results, totals),
    ],
  };
}

/** What the calls were told was recorded, against the reports and what `usage.get` answers. */
async function wrongTotals(
  url: string,
  since: number,
  results: readonly BusyWriterResult[],
  totals: PostgresTotals,
): Promise<string[]> {
  const usage = createUsage({ database: url, meters: { credits: {} } });
  const range = { period_start: new Date(since - 1), period_end: new Date(since + 90 * MS_PER_YEAR) };
  const problems: string[] = [];
  for (const account of new Set(results.flatMap(({ recorded }) => Object.keys(recorded)))) {
    const recorded = sum(results.map((result) => result.recorded[account] ?? 0));
    const { quantity } = await usage.get({ account, ...range });
    const reported = totals.accounts[account];
    if (recorded !== reported || recorded !== quantity) {
      problems.push(
        `${account}: ${recorded} recorded, ${reported} in reports, usage.get answers ${quantity}`,
      );
    }
  }
  await usage.close();
  return problems;
}

/** Each of the keys was used once in every process. */
function wrongKeys(
  calls_per_caller: number,
  results: readonly BusyWriterResult[],
  { keyed }: PostgresTotals,
): string[] {
  const keys = CALLERS_PER_PROCESS * Math.ceil(calls_per_caller / 3);
  const duplicates = sum(results.map((result) => result.duplicates));
  const isRight = keyed === keys && duplicates === (PROCESSES - 1) * keys;
  return isRight ? [] : [`${keys} keys were used: ${keyed} counted, ${duplicates} duplicates`];
}

/** `node test/processes/postgres-processes.ts [--increments 10000000]` */
if (import.meta.main) {
  const { values } = parseArgs({ options: { increments: { type: 'string', default: '1000000' } } });
  const increments = Number(values.increments);
  const server = await startPostgres();
  try {
    const { url } = await createDatabase(server.url);
    const startedAt = performance.now();
    const { totals, duplicates, problems } = await postgresProcesses({ url, increments });
    const took_s = (performance.now() - startedAt) / 1_000;
    console.log(
      `${increments} increments in ${Math.round(took_s)} s with the checks; ${duplicates} duplicates`,
    );
    console.log(
      `${totals.events} events in ${totals.reports} reports, ${totals.closed_reports} of them closed`,
    );
    for (const problem of problems.slice(0, 20)) console.error(problem);
    process.exitCode = problems.length === 0 ? 0 : 1;
  } finally {
    await server.stop();
  }
}
