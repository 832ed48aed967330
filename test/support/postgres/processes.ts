import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** It has ended, and only waits for its parent to notice. */
  readonly zombie: boolean;
}

const POLL_MS = 10;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  // Orphans stay zombies for ever in a container whose first process does not collect them.
  return listProcesses().some((entry) => entry.pid === pid && !entry.zombie);
}

/** SIGKILL for a process and its children at once. Returns their pids; they may need a moment to disappear. */
export function killWithChildren(pid: number): number[] {
  sendSignal(pid, 'SIGSTOP'); // So that it neither forks while its children are listed, nor sees them die.
  const pids = [pid, ...listProcesses().flatMap((entry) => (entry.parent === pid ? entry.pid : []))];
  for (const each of pids) sendSignal(each, 'SIGKILL');
  return pids;
}

/** Like `process.kill`, and a process that has just ended is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Looks again and again until the condition holds; false when it did not within the time. */
export async function eventually(condition: () => boolean, timeout_ms: number): Promise<boolean> {
  const deadline = performance.now() + timeout_ms;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function listProcesses(): ProcessEntry[] {
  return process.platform === 'linux' ? listFromProc() : listFromPs();
}

/** Slim Linux images have no `ps`. */
function listFromProc(): ProcessEntry[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // `pid (name) state parent …`, where the name may contain spaces and parentheses.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return { pid: Number(name), parent: Number(parent), zombie: state === 'Z' || state === 'X' };
    } catch {
      return []; // It ended while we were looking.
    }
  });
}

function listFromPs(): ProcessEntry[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, state] = line.trim().split(/\s+/);
    return state === undefined
      ? []
      : { pid: Number(pid), parent: Number(parent), zombie: state.startsWith('Z') };
  });
}
