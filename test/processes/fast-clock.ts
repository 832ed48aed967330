import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/index.ts';

export interface FastClockOptions {
  /** What it shows at the real instant `since`. */
  readonly start: number;
  readonly since: number;
  /** How many of its milliseconds pass in a real one. */
  readonly speed: number;
}

/** A clock that runs fast, so that reports close and leases run out all the time; alike in every process. */
export function createFastClock({ start, since, speed }: FastClockOptions): Clock {
  return {
    now: () => start + Math.floor((Date.now() - since) * speed),
    sleep: async (ms, signal) => {
      await sleep(ms / speed, undefined, { ref: false, ...(signal ? { signal } : {}) }).catch(() => {});
    },
  };
}
