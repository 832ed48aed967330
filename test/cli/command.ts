import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src', 'cli', 'main.ts');

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which then ends. Default: there is no standard input. */
  readonly input?: string;
  readonly cwd?: string;
}

/** Starts the command line as a process of its own, as a terminal would. */
export function startCommand(args: readonly string[], { env = {}, input, cwd = ROOT }: CommandOptions = {}) {
  const process_ = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { ...process.env, NODE_ENV: '', ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    process_.kill('SIGKILL');
  });
  process_.stdin?.on('error', () => {}).end(input);
  return process_;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function runCommand(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
  const command = startCommand(args, options);
  const [stdout, stderr, code] = await Promise.all([
    textOf(command.stdout),
    textOf(command.stderr),
    exitCode(command),
  ]);
  return { code, stdout, stderr };
}

async function textOf(stream: Readable | null): Promise<string> {
  return stream ? await text(stream) : '';
}

/** null = a signal ended it. */
export async function exitCode(command: ChildProcess): Promise<number | null> {
  if (command.exitCode !== null || command.signalCode !== null) return command.exitCode;
  const [code]: (number | null)[] = await once(command, 'exit');
  return code ?? null;
}

/** What a process has written so far, and waiting for it to write something. */
export function outputOf(command: ChildProcess) {
  let written = '';
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  for (const stream of [command.stdout, command.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      written += chunk;
      tell();
    });
  }
  command.on('exit', tell);

  return {
    get text() {
      return written;
    },
    /** @throws when the process ends without having written it. */
    async waitFor(pattern: RegExp): Promise<string> {
      for (;;) {
        const found = pattern.exec(written);
        if (found) return found[0];
        if (command.exitCode !== null || command.signalCode !== null) {
          throw new Error(`The process ended without writing ${pattern}:\n${written}`);
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        listeners.add(resolve);
        await promise;
        listeners.delete(resolve);
      }
    },
  };
}
