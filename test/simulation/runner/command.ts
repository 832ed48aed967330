import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { FAST_FOLDER } from '../../support/fast-folder.ts';
import { SHARED_SERVER } from '../../support/postgres/databases.ts';
import { startPostgres } from '../../support/postgres/server.ts';
import { loadStripeContract } from '../../support/stripe-contract/load-contract.ts';
import type { SimulationDatabase } from '../database/simulation-database.ts';
import type { RunOptions } from '../run-schedule.ts';
import { type EngineName, openEngine } from './engine.ts';
import { replayCommand, type SimulateParams, type Simulation } from './simulate.ts';

/** Schedules that are drawn from seeds, and what is done with them. */
export interface SeededRuns<Schedule extends { readonly actions: readonly unknown[] }> {
  /** The script of package.json. */
  readonly script: 'simulate' | 'model';
  /** What is said of a schedule that holds. */
  readonly success: string;
  draw(seed: number): Schedule;
  run(
    schedule: Schedule,
    database: SimulationDatabase,
    options: RunOptions,
  ): Promise<{
    readonly trace: readonly string[];
    readonly hash: string | null;
    readonly failure: string | null;
  }>;
  simulate(params: SimulateParams): Promise<Simulation>;
}

const PROGRESS_EVERY = 50;

/** The command line of a simulation: many seeds, or one with everything that happens in it. */
export async function runCommand<Schedule extends { readonly actions: readonly unknown[] }>(
  seeded: SeededRuns<Schedule>,
): Promise<void> {
  const usage = `npm run ${seeded.script} -- --runs N [--from SEED] [--engine sqlite|postgres] [--workers N]
npm run ${seeded.script} -- --seed SEED [--only 0,4,7] [--engine sqlite|postgres]`;
  const { values } = parseArgs({
    options: {
      runs: { type: 'string' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      only: { type: 'string' },
      engine: { type: 'string', default: 'sqlite' },
      workers: { type: 'string' },
    },
  });
  const engine = engineOf(values.engine);
  const server = engine === 'postgres' ? await postgresServer() : null;
  try {
    if (values.seed !== undefined) await replay(Number(values.seed));
    else if (values.runs !== undefined) await run(Number(values.from), Number(values.runs));
    else throw new Error(usage);
  } finally {
    await server?.stop();
  }

  /** One schedule with everything that happens in it; `--only` leaves out all actions but these. */
  async function replay(seed: number): Promise<void> {
    const databases = await openEngine(engine);
    const drawn = seeded.draw(seed);
    const only = values.only?.split(',').map(Number);
    const actions = drawn.actions.filter((_, index) => only?.includes(index) ?? true);
    const options = { isTraced: true, contract: await loadStripeContract() };
    const { trace, hash, failure } = await seeded.run({ ...drawn, actions }, await databases.open(), options);
    await databases.close();
    for (const line of trace) console.log(line);
    console.log(`\nseed ${seed}, ${actions.length} actions, hash ${hash}`);
    console.log(failure ?? seeded.success);
    process.exitCode = failure === null ? 0 : 1;
  }

  async function run(from: number, runs: number): Promise<void> {
    const startedAt = performance.now();
    const workers = values.workers === undefined ? {} : { workers: Number(values.workers) };
    let told = 0;
    const { failures, lines } = await seeded.simulate({
      from,
      runs,
      engine,
      ...workers,
      onProgress: (done, failed) => {
        for (const { seed, failure } of failed.slice(told))
          console.log(`\n${failure}\n${replayCommand(seed, engine, seeded.script)}`);
        told = failed.length;
        if (done % PROGRESS_EVERY === 0 || done === runs)
          process.stderr.write(`\r${done} of ${runs} schedules, ${failed.length} failed`);
      },
    });
    process.stderr.write('\n');
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const each = Math.round((seconds * 1_000) / lines.length);
    const [processor] = cpus();
    const machine = `${cpus().length} × ${processor?.model.trim() ?? 'unknown'}`;
    console.log(
      `| ${engine} | ${from}–${from + runs - 1} | ${lines.length} | ${failures.length} | ${seconds} s (${each} ms each) | ${machine}, Node ${process.version} |`,
    );
    process.exitCode = failures.length === 0 ? 0 : 1;
  }

  function engineOf(name: string): EngineName {
    if (name === 'sqlite' || name === 'postgres') return name;
    throw new Error(usage);
  }
}

/** A server of its own, unless `DATABASE_URL` names one. */
async function postgresServer() {
  const given = process.env['DATABASE_URL'];
  const own = given ? null : await startPostgres({ directory: FAST_FOLDER });
  process.env[SHARED_SERVER] = given ?? own?.url ?? '';
  return own;
}
