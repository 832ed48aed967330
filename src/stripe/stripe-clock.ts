import type { Clock, Instant } from '../core/environment.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../core/instant.ts';

/** Clocks that are kept by NTP differ by less, and `Date` tells whole seconds. */
const TOLERANCE_MS = MINUTE_MS;
/** How far an answer is behind by itself: `Date` leaves out what is less than a second, and an answer takes its time. */
const ANSWERING_MS = 2 * SECOND_MS;
/** No machine's clock is known to be further off; whoever answers so is not Stripe. */
const MAX_DIFFERENCE_MS = DAY_MS;

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
    const atStripe = this.#atStripe() ?? now;
    return atStripe - now > TOLERANCE_MS ? atStripe : now;
  }

  /** The time at Stripe where that is behind our clock by more than an answer is by itself; otherwise our clock's. */
  earliest(): Instant {
    const now = this.#clock.now();
    const behind_ms = now - (this.#atStripe() ?? now);
    return behind_ms > ANSWERING_MS && behind_ms <= MAX_DIFFERENCE_MS ? now - behind_ms : now;
  }

  /** @param date the header of an answer that has just come; what is no date changes nothing. */
  answered(date: string | undefined): void {
    const stripe_time = Date.parse(date ?? '');
    if (Number.isNaN(stripe_time) || stripe_time - this.#clock.now() > MAX_DIFFERENCE_MS) return;
    this.#answer = { stripe_time, came_at: this.#monotonic() };
  }

  /** null = Stripe has answered nothing yet. */
  #atStripe(): Instant | null {
    if (this.#answer === null) return null;
    const { stripe_time, came_at } = this.#answer;
    return Math.floor(stripe_time + this.#monotonic() - came_at);
  }

  #monotonic(): number {
    return this.#clock.monotonic?.() ?? this.#clock.now();
  }
}
