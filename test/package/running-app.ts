import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { InstalledApp, RunOptions } from './installed-app.ts';

export interface RunningApp {
  readonly url: string;
  /** Asks it to stop. @returns its exit code; null = a signal ended it. */
  stop(): Promise<number | null>;
}

const POLL_MS = 50;
const MAX_POLLS = 600;

/** Starts a server, which ends with the test, and waits until it answers at `health`. */
export async function startApp(
  { directory }: InstalledApp,
  [command, ...args]: readonly [string, ...string[]],
  { health, env = {} }: RunOptions & { readonly health: string },
): Promise<RunningApp> {
  const port = await freePort();
  const options = {
    cwd: directory,
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: 'pipe',
  } as const;
  const server = spawn(command, args, options);
  const exit = once(server, 'exit');
  onTestFinished(() => void server.kill('SIGKILL'));
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += chunk));
  const url = `http://127.0.0.1:${port}`;
  for (let polls = 0; !(await answers(`${url}${health}`)); polls += 1) {
    if (server.exitCode !== null || polls === MAX_POLLS) {
      throw new Error(`${command} does not answer: ${output}`);
    }
    await sleep(POLL_MS);
  }
  return {
    url,
    async stop() {
      server.kill('SIGTERM');
      const [code] = await exit;
      return code;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
