import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from '../support/compile-cache.ts';

/** A program of this folder that runs in a process of its own. */
export interface Program {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves at its first line, or when it ends without one. */
  readonly started: Promise<void>;
  /** Resolves when it has ended and everything it printed has been read. */
  readonly ended: Promise<ProgramEnd>;
}

export interface ProgramEnd {
  /** null = it was killed. */
  readonly code: number | null;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly execArgv?: readonly string[];
  /** One that hangs is killed after this, which its test then sees. Default: 100 seconds. */
  readonly max_run_ms?: number;
}

const MAX_RUN_MS = 100_000;

export function startProgram(
  file: string,
  args: readonly string[],
  { execArgv = [], max_run_ms = MAX_RUN_MS }: ProgramOptions = {},
): Program {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [...execArgv, path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: max_run_ms,
    killSignal: 'SIGKILL',
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }, // Programs are started by the thousand.
  });
  const lines: string[] = [];
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const reader = createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    start();
  });
  const allRead = once(reader, 'close');
  const ended = once(child, 'close').then(async ([code]) => {
    await allRead;
    start();
    return { code: typeof code === 'number' ? code : null, stderr };
  });
  return { child, lines, started, ended };
}
