import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { adminQuery, createDatabase } from '../support/postgres/databases.ts';
import { type PostgresServer, startPostgres } from '../support/postgres/server.ts';
import { CrashAccount } from './crash-account.ts';
import { checkPostgresLedger, readEvents } from './postgres-ledger-check.ts';
import { type Program, type ProgramEnd, startProgram } from './programs.ts';
import { createRandom } from './random.ts';

export interface PostgresKillLoopParams {
  readonly kills: number;
  readonly seed: number;
  /** Lets the server acknowledge commits that are not on disk: the loop must notice. */
  readonly unsafe?: boolean;
}

export interface PostgresKillLoopResult {
  readonly acknowledged: number;
  /** Code → calls that ended in this error, repetitions under the same key included. */
  readonly errors: Readonly<Record<string, number>>;
  /** The longest time from a server that accepts connections again to an acknowledgement, of any writer. */
  readonly slowest_recovery_ms: number;
  readonly problems: readonly string[];
}

const WRITERS = 2;
const MAX_UPTIME_MS = 600;
const MAX_DOWNTIME_MS = 250;
/** So many kills apart the server stays away for longer than calls wait for it. */
const KILLS_BETWEEN_LONG_OUTAGES = 100;
const LONG_OUTAGE_MS = 12_000;
const MAX_RECOVERY_MS = 15_000;
const MAX_ROUND_MS = 40_000;
/** Commits wait in memory for so long that a kill is sure to take some with it. */
const UNSAFE_SETTINGS = { synchronous_commit: 'off', wal_writer_delay: '10s', wal_writer_flush_after: '1GB' };

/** Kills a PostgreSQL server over and over at random moments, under writers that are never restarted. */
export async function postgresKillLoop({
  kills,
  seed,
  unsafe = false,
}: PostgresKillLoopParams): Promise<PostgresKillLoopResult> {
  const server = await startPostgres({ settings: unsafe ? UNSAFE_SETTINGS : {} });
  try {
    const { url } = await createDatabase(server.url);
    const account = new CrashAccount();
    const writers = Array.from({ length: WRITERS }, (_, index) => {
      const args = [`--url=${url}`, `--seed=${seed}`, `--writer=${index + 1}`, `--since=${Date.now()}`];
      if (unsafe) args.push('--unsafe');
      return new Writer(
        startProgram('./postgres-kill-writer.ts', args, { max_run_ms: kills * MAX_ROUND_MS }),
        account,
      );
    });
    if (unsafe) await keepSchema(server, writers);
    const slowest_recovery_ms = await killOverAndOver(server, writers, kills, createRandom(seed));
    const endings = await Promise.all(writers.map((writer) => writer.end()));
    return {
      acknowledged: account.acknowledged,
      errors: account.errors,
      slowest_recovery_ms,
      problems: [
        ...endings.flat(),
        ...(await checkPostgresLedger(url)),
        ...account.problemsIn(await readEvents(url)),
      ],
    };
  } finally {
    await server.stop();
  }
}

/** The first start of the writers made the tables, which an unsafe server would lose as well. */
async function keepSchema(server: PostgresServer, writers: readonly Writer[]): Promise<void> {
  await Promise.all(writers.map((writer) => writer.recover()));
  await adminQuery(server.url, 'CHECKPOINT');
}

/** @returns the slowest recovery. */
async function killOverAndOver(
  server: PostgresServer,
  writers: readonly Writer[],
  kills: number,
  random: () => number,
): Promise<number> {
  let slowest_ms = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    await sleep(random() * MAX_UPTIME_MS);
    await server.kill();
    await sleep(kill % KILLS_BETWEEN_LONG_OUTAGES === 0 ? LONG_OUTAGE_MS : random() * MAX_DOWNTIME_MS);
    await server.restart();
    const recoveries = await Promise.all(writers.map((writer) => writer.recover()));
    slowest_ms = Math.max(slowest_ms, ...recoveries);
  }
  return slowest_ms;
}

/** A process that increments, and what it has printed. */
class Writer {
  readonly #program: Program;
  readonly #account: CrashAccount;
  #linesRead = 0;
  #end: ProgramEnd | null = null;

  constructor(program: Program, account: CrashAccount) {
    this.#program = program;
    this.#account = account;
    void program.ended.then((end) => {
      this.#end = end;
    });
  }

  /** Resolves, with how long it took, when a call is acknowledged that has not been until now. */
  async recover(): Promise<number> {
    this.#read();
    const startedAt = performance.now();
    for (;;) {
      const waited_ms = performance.now() - startedAt;
      if (this.#read()) return waited_ms;
      if (this.#end) throw new Error(`A writer ended: ${this.#end.stderr}`);
      if (waited_ms > MAX_RECOVERY_MS) {
        throw new Error(`A writer did not recover: ${JSON.stringify(this.#account.errors)}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Lets it finish the calls that are under way. @returns what was wrong with its end, in words. */
  async end(): Promise<string[]> {
    this.#program.child.kill('SIGTERM');
    const { code, stderr } = await this.#program.ended;
    this.#read();
    return code === 0 && stderr === '' ? [] : [`A writer ended by itself with code ${code}: ${stderr}`];
  }

  /** @returns whether there was an acknowledgement among what is new. */
  #read(): boolean {
    const before = this.#account.acknowledged;
    const lines = this.#program.lines.slice(this.#linesRead);
    this.#linesRead += lines.length;
    for (const line of lines) this.#account.read(line);
    return this.#account.acknowledged > before;
  }
}

const POLL_MS = 5;

/** `node test/processes/postgres-kill-loop.ts --kills 1000 [--seed 7] [--unsafe]` */
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string' },
      seed: { type: 'string' },
      unsafe: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const kills = Number(values.kills ?? 30);
  console.log(`node test/processes/postgres-kill-loop.ts --kills ${kills} --seed ${seed}`);
  const startedAt = performance.now();
  const { acknowledged, errors, slowest_recovery_ms, problems } = await postgresKillLoop({
    kills,
    seed,
    unsafe: values.unsafe,
  });
  const took_s = Math.round((performance.now() - startedAt) / 1_000);
  console.log(
    `${kills} kills in ${took_s} s; ${acknowledged} acknowledged calls; errors ${JSON.stringify(errors)};`,
  );
  console.log(`slowest recovery ${Math.round(slowest_recovery_ms)} ms after the server was back`);
  for (const problem of problems.slice(0, 20)) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
