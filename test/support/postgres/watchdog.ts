/**
 * Outlives the process that started a server, so that not even SIGKILL leaves the server behind. Standard input is a
 * pipe that this process holds: every line is the pid of what now runs in the folder (0 = nothing), and its end means
 * that the process is gone. Then what runs is stopped and the folder removed.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { eventually, isAlive, killWithChildren, sendSignal } from './processes.ts';

const STOP_TIMEOUT_MS = 10_000;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: watchdog.ts <folder>');

let pid = 0;
for await (const line of createInterface({ input: process.stdin })) pid = Number(line);
if (pid > 0) {
  sendSignal(pid, 'SIGQUIT'); // PostgreSQL's immediate shutdown, which also frees its shared memory.
  if (!(await eventually(() => !isAlive(pid), STOP_TIMEOUT_MS))) {
    const killed = killWithChildren(pid);
    await eventually(() => !killed.some(isAlive), STOP_TIMEOUT_MS);
  }
}
rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
