import type { Instant } from '../core/environment.ts';

export interface TokenBucketOptions {
  /** Calls a second, in the long run. */
  readonly per_second: number;
  /** Calls at once after a pause; from 1. */
  readonly burst: number;
}

/** Of the tokens of a full bucket, background calls leave so many to interactive ones. */
const RESERVED_SHARE = 0.5;
/** What a 429 leaves of the rate. */
const SLOWED_SHARE = 0.5;
const LEAST_SHARE = 0.05;
/** How much of the full rate comes back in a second. */
const RECOVERY_PER_SECOND = 0.01;
/** Answers to calls that were on their way when the rate was lowered do not lower it again. */
const SLOWED_AT_MOST_EVERY_MS = 1_000;
/** A longer wait than this is asked of one report, not of everybody. */
const MAX_PAUSE_MS = 60_000;
/** Tokens are fractions; the last bit of one must not cost a wait. */
const ROUNDING = 1e-9;

/** Calls that may be made: refilled with time, lowered when Stripe says that it was too much, and raised slowly. */
export class TokenBucket {
  readonly #fullRate: number;
  readonly #burst: number;
  readonly #reserve: number;
  #rate: number;
  #tokens: number;
  #countedAt: Instant = Number.NEGATIVE_INFINITY;
  #pausedUntil: Instant = Number.NEGATIVE_INFINITY;
  #slowedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor({ per_second, burst }: TokenBucketOptions) {
    this.#fullRate = per_second;
    this.#rate = per_second;
    this.#burst = Math.max(1, burst);
    this.#reserve = Math.max(0, Math.min(this.#burst - 1, Math.floor(this.#burst * RESERVED_SHARE)));
    this.#tokens = this.#burst;
  }

  /** Calls a second at the moment. */
  get perSecond(): number {
    return this.#rate;
  }

  /** Milliseconds until there is a token for a call; 0 = now. */
  waitFor(isInteractive: boolean, now: Instant): number {
    this.#refill(now);
    const missing = 1 + (isInteractive ? 0 : this.#reserve) - this.#tokens;
    const wait_ms = missing <= ROUNDING ? 0 : (missing / this.#rate) * 1_000;
    return Math.max(wait_ms, this.#pausedUntil - now, 0);
  }

  /** Takes the token that is there. */
  take(): void {
    this.#tokens -= 1;
  }

  /** Stripe refused a call for its rate. @returns whether this lowered ours. */
  slowDown(now: Instant, retry_after_ms: number): boolean {
    this.#refill(now);
    this.#pausedUntil = Math.max(this.#pausedUntil, now + Math.min(retry_after_ms, MAX_PAUSE_MS));
    if (now - this.#slowedAt < SLOWED_AT_MOST_EVERY_MS) return false;
    this.#slowedAt = now;
    this.#tokens = Math.min(this.#tokens, 0);
    this.#rate = Math.max(this.#rate * SLOWED_SHARE, this.#fullRate * LEAST_SHARE);
    return true;
  }

  /** Time that a clock was set back counts as none, and a pause is no longer for it. */
  #refill(now: Instant): void {
    const set_back_ms = Math.max(0, this.#countedAt - now);
    this.#pausedUntil -= set_back_ms;
    this.#slowedAt -= set_back_ms;
    const passed_s = Math.max(0, now - this.#countedAt) / 1_000;
    this.#countedAt = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + passed_s * this.#rate);
    this.#rate = Math.min(this.#fullRate, this.#rate + passed_s * RECOVERY_PER_SECOND * this.#fullRate);
  }
}
