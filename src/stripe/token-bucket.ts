import type { Clock } from '../core/environment.ts';

/**
 * Lets at most `perSecond` calls a second through, in the order they came, with bursts of one second's worth.
 * Stripe allows 100 calls a second in live mode and 25 in a sandbox (docs.stripe.com/rate-limits).
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  /** When the bucket would be full, were no further token taken. */
  #fullAt = 0;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
  }

  async take(): Promise<void> {
    const now = this.#clock.now();
    this.#fullAt = Math.max(this.#fullAt, now) + 1_000 / this.#perSecond;
    const wait_ms = this.#fullAt - now - 1_000;
    if (wait_ms > 0) await this.#clock.sleep(Math.ceil(wait_ms));
  }
}
