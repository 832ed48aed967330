import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CrashAccount } from './crash-account.ts';
import { CLOCK_SPEED } from './crash-calls.ts';
import { checkLedger } from './ledger-check.ts';
import { startProgram } from './programs.ts';
import { createRandom } from './random.ts';

export interface CrashLoopParams {
  readonly path: string;
  readonly kills: number;
  /** Goes on killing, three times as often at most, until so many reports were sealed. Default: 0. */
  readonly least_sealed?: number;
  readonly seed: number;
  /** Lets the writer acknowledge before the commit. */
  readonly hasty?: boolean;
}

export interface CrashLoopResult {
  /** Calls that were acknowledged, over all lives. */
  readonly acknowledged: number;
  /** Lives that ended before their first acknowledgement, as in the middle of opening the file. */
  readonly stillborn: number;
  readonly problems: readonly string[];
}

/** Most kills come this soon after the writer has begun to write. */
const MAX_LIFE_MS = 250;
/** The others come this soon after it was started. */
const MAX_START_MS = 400;
const SHARE_OF_EARLY_KILLS = 0.2;
const KILLS_BETWEEN_CHECKS = 10;

/** Starts a writer on the same file over and over and kills it at random moments. */
export async function crashLoop({
  path,
  kills,
  least_sealed = 0,
  seed,
  hasty = false,
}: CrashLoopParams): Promise<CrashLoopResult> {
  const account = new CrashAccount();
  const random = createRandom(seed);
  let stillborn = 0;
  let previous_start = 0;
  let start = Date.UTC(2026, 0, 10);
  let sealed = 0;
  for (let life = 1; life <= kills || (sealed < least_sealed && life <= 3 * kills); life += 1) {
    const started_at = Date.now();
    const options = { path, seed, life, start, previous_start };
    const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    const writer = startProgram('./crash-writer.ts', hasty ? [...args, '--hasty'] : args);
    if (random() >= SHARE_OF_EARLY_KILLS) {
      await writer.started;
      await sleep(random() * MAX_LIFE_MS);
    } else await sleep(random() * MAX_START_MS);
    writer.child.kill('SIGKILL');
    const { code, stderr } = await writer.ended;
    if (code !== null || stderr !== '') return { ...result(), problems: [`It ended by itself: ${stderr}`] };
    if (writer.lines.length === 0) stillborn += 1;
    for (const line of writer.lines) account.read(line);
    previous_start = start;
    start += (Date.now() - started_at) * CLOCK_SPEED;
    const problems = life % KILLS_BETWEEN_CHECKS === 0 ? problemsIn(path) : [];
    if (problems.length > 0) return { ...result(), problems };
  }
  return { ...result(), problems: problemsIn(path) };

  function problemsIn(database: string): string[] {
    const { events, reports, problems } = checkLedger(database);
    sealed = reports.filter(({ status }) => status !== 'open').length;
    return [...problems, ...account.problemsIn(events)];
  }

  function result() {
    return { acknowledged: account.acknowledged, stillborn };
  }
}

/** `node test/processes/crash-loop.ts --kills 1000 [--seed 7]` */
if (import.meta.main) {
  const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const kills = Number(values.kills ?? 50);
  const directory = mkdtempSync(join(tmpdir(), 'tallybook-crash-'));
  console.log(`node test/processes/crash-loop.ts --kills ${kills} --seed ${seed}`);
  try {
    const { acknowledged, stillborn, problems } = await crashLoop({
      path: join(directory, 'usage.db'),
      kills,
      seed,
    });
    console.log(`${kills} kills, ${stillborn} of them while opening; ${acknowledged} acknowledged calls`);
    for (const problem of problems.slice(0, 20)) console.error(problem);
    process.exitCode = problems.length === 0 ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
