import type { Clock, Instant } from '../core/environment.ts';

export interface MovableClockOptions {
  /** Where it starts, in milliseconds since 1970. Default: the machine's time. */
  readonly start?: Instant;
  /** Whether time passes by itself. Default: false, it stands still until it is moved. */
  readonly ticking?: boolean;
}

/** A clock that can be moved forward; whoever sleeps on it wakes when their time has come. */
export interface MovableClock extends Clock {
  /** Moves the clock to an instant; an instant that has passed changes nothing. */
  moveTo(instant: Instant): void;
  advance(ms: number): void;
}

interface Sleeper {
  readonly until: Instant;
  readonly wake: () => void;
}

export function createMovableClock({
  start = Date.now(),
  ticking = false,
}: MovableClockOptions = {}): MovableClock {
  const sleepers = new Set<Sleeper>();
  let startedAt = Date.now();
  let time = start;

  const now = () => (ticking ? time + Date.now() - startedAt : time);

  function moveTo(instant: Instant): void {
    if (instant <= now()) return;
    time = instant;
    startedAt = Date.now();
    for (const sleeper of [...sleepers]) if (sleeper.until <= instant) sleeper.wake();
  }

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = ticking ? setTimeout(() => sleeper.wake(), ms).unref() : undefined;
      const sleeper = {
        until: now() + ms,
        wake: () => {
          sleepers.delete(sleeper);
          clearTimeout(timer);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake);
    });
  }

  return { now, sleep, moveTo, advance: (ms) => moveTo(now() + ms) };
}
