import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { EngineName } from './engine.ts';
import type { SeedLine } from './seed-lines.ts';

export interface SimulateParams {
  /** The first seed. */
  readonly from: number;
  /** How many seeds. */
  readonly runs: number;
  readonly engine: EngineName;
  /** Processes. Default: one per processor. */
  readonly workers?: number;
  /** Writes every schedule's trace, for its hash. Default: false. */
  readonly traced?: boolean;
  /** Options of Node for the processes, as to load the product with a change. */
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** After so many failures the rest is not worth the time. Default: 3. */
  readonly enough_failures?: number;
  readonly onProgress?: (done: number, failures: readonly SeedLine[]) => void;
  /** The program of the processes. Default: the simulation's. */
  readonly program?: string;
}

export interface Simulation {
  readonly lines: readonly SeedLine[];
  readonly failures: readonly SeedLine[];
}

const ENOUGH_FAILURES = 3;
const PROGRAM = fileURLToPath(new URL('./run-seeds.ts', import.meta.url));

/** Runs seeds in several processes, and stops at the first failures. */
export async function simulate(params: SimulateParams): Promise<Simulation> {
  const workers = Math.min(params.workers ?? availableParallelism(), params.runs);
  const lines: SeedLine[] = [];
  const failures: SeedLine[] = [];
  const children: ChildProcess[] = [];
  const onLine = (line: SeedLine) => {
    lines.push(line);
    if (line.failure !== null) failures.push(line);
    params.onProgress?.(lines.length, failures);
    if (failures.length >= (params.enough_failures ?? ENOUGH_FAILURES))
      for (const child of children) child.kill();
  };
  const endings = Array.from({ length: workers }, (_, index) => {
    const child = start(params, index, workers);
    children.push(child);
    return ended(child, onLine);
  });
  const messages = await Promise.all(endings);
  const isComplete = lines.length === params.runs || failures.length > 0;
  if (!isComplete) throw new Error(`The simulation ended early.\n${messages.join('\n')}`);
  return { lines: lines.sort((a, b) => a.seed - b.seed), failures };
}

/** The command that runs one seed again, with everything that happens in it. */
export function replayCommand(seed: number, engine: EngineName, script = 'simulate'): string {
  return `npm run ${script} -- --seed ${seed}${engine === 'sqlite' ? '' : ` --engine ${engine}`}`;
}

function start(params: SimulateParams, index: number, workers: number): ChildProcess {
  const { from, runs, engine, traced = false, execArgv = [], env = {}, program = PROGRAM } = params;
  const args = [
    `--from=${from + index}`,
    `--to=${from + runs - 1}`,
    `--step=${workers}`,
    `--engine=${engine}`,
  ];
  if (traced) args.push('--traced');
  return spawn(process.execPath, [...execArgv, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
}

/** @returns what it said of its own failure. */
function ended(child: ChildProcess, onLine: (line: SeedLine) => void): Promise<string> {
  const { stdout, stderr } = child;
  let message = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    message += text;
  });
  if (stdout) createInterface({ input: stdout }).on('line', (line) => onLine(JSON.parse(line)));
  return new Promise((resolve) => {
    child.on('close', () => resolve(message));
  });
}
