import type { Clock, Instant } from '../core/environment.ts';
import { DAY_MS, MINUTE_MS } from '../core/instant.ts';

/** Clocks that are kept by NTP differ by less, and `Date` tells whole seconds. */
const TOLERANCE_MS = MINUTE_MS;
/** No machine's clock is known to be further off; whoever answers so is not Stripe. */
const MAX_AHEAD_MS = DAY_MS;

/** What an answer said of the time at Stripe, and when it came. */
interface Answer {
  readonly stripe_time: Instant;
  /** By the monotonic clock: a clock that was wrong is set right at some time, and Stripe's does not move with it. */
  readonly came_at: number;
}

/** Stripe's clock, by the `Date` of its last answer (RFC 9110, section 6.6.1). */
export class StripeClock {
  readonly #clock: Clock;
  /** null = nothing was answered yet. */
  #answer: Answer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The time at Stripe where that is more than a minute ahead of our clock; otherwise our clock's. */
  now(): Instant {
    const now = this.#clock.now();
    if (this.#answer === null) return now;
    const { stripe_time, came_at } = this.#answer;
    const atStripe = Math.floor(stripe_time + this.#monotonic() - came_at);
    return atStripe - now > TOLERANCE_MS ? atStripe : now;
  }

  /** @param date the header of an answer that has just come; what is no date changes nothing. */
  answered(date: string | undefined): void {
    const stripe_time = Date.parse(date ?? '');
    if (Number.isNaN(stripe_time) || stripe_time - this.#clock.now() > MAX_AHEAD_MS) return;
    this.#answer = { stripe_time, came_at: this.#monotonic() };
  }

  #monotonic(): number {
    return this.#clock.monotonic?.() ?? this.#clock.now();
  }
}
