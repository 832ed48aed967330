import type { Clock } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';

interface Wait {
  /** On the clock that goes on evenly: one that is put back would let bodies take hours. */
  readonly since: number;
  readonly expire: () => void;
}

/** How long a body may take to arrive. */
const WITHIN_MS = 10 * SECOND_MS;
/** How exactly that is kept. */
const CHECK_EVERY_MS = SECOND_MS;

/** Ends waits for bodies that do not arrive. One timer for all of them: one for each would cost more than reading it. */
export class BodyDeadline {
  readonly #clock: Clock;
  /** In the order in which they began. */
  readonly #waits = new Set<Wait>();
  #isWatching = false;
  /** A sleep with a signal keeps no process alive. */
  readonly #never = new AbortController().signal;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is read; null = it did not arrive in time. */
  async within<Result>(read: Promise<Result>): Promise<Result | null> {
    const late = Promise.withResolvers<null>();
    const wait = { since: this.#monotonic(), expire: () => late.resolve(null) };
    this.#waits.add(wait);
    if (!this.#isWatching) void this.#watch();
    try {
      return await Promise.race([read, late.promise]);
    } finally {
      this.#waits.delete(wait);
    }
  }

  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (this.#waits.size > 0) {
      await this.#clock.sleep(CHECK_EVERY_MS, this.#never);
      const latest = this.#monotonic() - WITHIN_MS;
      for (const wait of this.#waits) {
        if (wait.since > latest) break;
        wait.expire();
      }
    }
    this.#isWatching = false;
  }

  #monotonic(): number {
    return this.#clock.monotonic?.() ?? this.#clock.now();
  }
}
