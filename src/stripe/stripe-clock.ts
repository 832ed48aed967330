import type { Clock } from '../core/environment.ts';
import { DAY_MS, MINUTE_MS } from '../core/instant.ts';

/** Clocks that are kept by NTP differ by less, and `Date` tells whole seconds. */
const TOLERANCE_MS = MINUTE_MS;
/** No machine's clock is known to be further off; whoever answers so is not Stripe. */
const MAX_AHEAD_MS = DAY_MS;

/** How Stripe's clock differs from ours, by the `Date` of its last answer (RFC 9110, section 6.6.1). */
export class StripeClock {
  readonly #clock: Clock;
  #ahead_ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds by which Stripe's clock is ahead of ours; 0 = it is not, or nothing was answered yet. */
  get ahead_ms(): number {
    return this.#ahead_ms;
  }

  /** @param date the header of an answer that has just come; what is no date changes nothing. */
  answered(date: string | undefined): void {
    const ahead_ms = Date.parse(date ?? '') - this.#clock.now();
    if (Number.isNaN(ahead_ms) || ahead_ms > MAX_AHEAD_MS) return;
    this.#ahead_ms = ahead_ms > TOLERANCE_MS ? ahead_ms : 0;
  }
}
