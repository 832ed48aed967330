import type { Clock } from '../../src/index.ts';

/** A clock whose time passes only while everybody sleeps, and then at once to when the first of them wakes. */
export interface VirtualClock extends Clock {
  /** Lets time pass until the work is done. */
  run<Result>(work: Promise<Result>): Promise<Result>;
}

interface Sleeper {
  readonly until: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Rounds of the event loop in which whoever is awake gets to the next sleep or to the end. */
const ROUNDS = 4;
/** More sleeps than this in one piece of work is a loop that makes no progress. */
const MAX_SLEEPS = 20_000_000;

export function createVirtualClock(start = Date.UTC(2026, 0, 10, 12)): VirtualClock {
  const sleepers: Sleeper[] = [];
  let now = start;
  let order = 0;

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      signal?.addEventListener('abort', wake);
      insert(sleepers, { until: Math.ceil(now + ms), order: order++, wake });
    });
  }

  async function run<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    for (let sleeps = 0; ; sleeps += 1) {
      for (let round = 0; round < ROUNDS && !isDone; round += 1) await new Promise(setImmediate);
      if (isDone) return await work;
      if (sleeps === MAX_SLEEPS) throw new Error('Time passes and nothing gets done.');
      const next = sleepers.pop();
      if (!next) continue; // something else than this clock is waited for
      now = Math.max(now, next.until);
      next.wake();
    }
  }

  return { now: () => now, sleep, run };
}

/** Keeps the first to wake at the end. */
function insert(sleepers: Sleeper[], sleeper: Sleeper): void {
  let low = 0;
  let high = sleepers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = sleepers[middle];
    if (
      other &&
      (other.until > sleeper.until || (other.until === sleeper.until && other.order > sleeper.order))
    ) {
      low = middle + 1;
    } else high = middle;
  }
  sleepers.splice(low, 0, sleeper);
}
