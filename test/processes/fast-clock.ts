import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/index.ts';

export interface FastClockOptions {
  /** What it shows at the real instant `since`. */
  readonly start: number;
  readonly since: number;
  /** How many of its milliseconds pass in a real one. */
  readonly speed: number;
  /** How far it runs so fast; then it goes on like any other. Default: for ever. */
  readonly limit_ms?: number;
}

/** A clock that runs fast, so that reports close and leases run out all the time; alike in every process. */
export function createFastClock({
  start,
  since,
  speed,
  limit_ms = Number.POSITIVE_INFINITY,
}: FastClockOptions): Clock {
  return {
    now: () => {
      const passed_ms = Date.now() - since;
      const fast_ms = Math.min(passed_ms, limit_ms / speed);
      return start + Math.floor(fast_ms * speed + passed_ms - fast_ms);
    },
    sleep: async (ms, signal) => {
      // As the system's: only a wait that can be called off lets the process end.
      await sleep(ms / speed, undefined, signal ? { ref: false, signal } : {}).catch(() => {});
    },
  };
}
