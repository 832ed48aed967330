import type { Clock, Instant } from '../../../src/core/environment.ts';

interface Sleeper {
  readonly until: Instant;
  readonly wake: () => void;
}

/** The one time of a schedule. It stands still until it is moved. */
export class SimulatedClock implements Clock {
  #now: Instant;
  #sleepers: Sleeper[] = [];

  constructor(start: Instant) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  /** An instant that has passed changes nothing. */
  moveTo(instant: Instant): void {
    if (instant <= this.#now) return;
    this.#now = instant;
    const woken = this.#sleepers.filter(({ until }) => until <= instant);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > instant);
    for (const { wake } of woken) wake();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = { until: this.#now + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        resolve();
      });
    });
  }

  /** Moves on to whoever sleeps the shortest; false = nobody sleeps. */
  wakeNext(): boolean {
    if (this.#sleepers.length === 0) return false;
    this.moveTo(Math.min(...this.#sleepers.map(({ until }) => until)));
    return true;
  }

  /** The same time as a process sees it whose machine's clock is wrong. */
  skewed(skew_ms: number): Clock {
    return { now: () => this.#now + skew_ms, sleep: (ms, signal) => this.sleep(ms, signal) };
  }
}
