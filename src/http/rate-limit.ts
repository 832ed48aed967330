import type { Clock, Instant } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';

/** How many requests are let through within a second. */
export interface RateLimitSettings {
  /** Of one key or token; null = any number. */
  readonly per_key: number | null;
  /** Of one address; null = any number. */
  readonly per_ip: number | null;
  /** Of one account's browser tokens, of routes that ask Stripe; null = any number. */
  readonly stripe: number | null;
}

/** What a limit says of one request. */
export interface RateLimitState {
  readonly name: 'key' | 'ip' | 'stripe';
  readonly limit: number;
  /** Requests that are left in this second. */
  readonly remaining: number;
  readonly is_exceeded: boolean;
}

export const WINDOW_S = 1;
const WINDOW_MS = WINDOW_S * SECOND_MS;
/** Keys or addresses that are counted at once; beyond, the one that came first is forgotten. */
const MAX_COUNTED = 100_000;

/** Counts the requests of each key, or of each address, second by second, in this process. */
export class RateCounter {
  readonly #name: RateLimitState['name'];
  readonly #limit: number;
  readonly #clock: Pick<Clock, 'now'>;
  #second: Instant = 0;
  #counts = new Map<string, number>();

  constructor(name: RateLimitState['name'], limit: number, clock: Pick<Clock, 'now'>) {
    this.#name = name;
    this.#limit = limit;
    this.#clock = clock;
  }

  count(who: string): RateLimitState {
    const second = Math.floor(this.#clock.now() / WINDOW_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#counts = new Map();
    }
    const used = (this.#counts.get(who) ?? 0) + 1;
    this.#counts.set(who, used);
    if (this.#counts.size > MAX_COUNTED) this.#forgetFirst();
    const remaining = Math.max(0, this.#limit - used);
    return { name: this.#name, limit: this.#limit, remaining, is_exceeded: used > this.#limit };
  }

  #forgetFirst(): void {
    const [first] = this.#counts.keys();
    if (first !== undefined) this.#counts.delete(first);
  }
}

/**
 * The headers of draft-ietf-httpapi-ratelimit-headers: the policy, what is left of it, and in how many seconds it begins
 * anew. Where two limits apply, both are told.
 */
export function rateLimitHeaders(states: readonly RateLimitState[]): [name: string, value: string][] {
  if (states.length === 0) return [];
  return [
    ['RateLimit-Policy', states.map(({ name, limit }) => `"${name}";q=${limit};w=${WINDOW_S}`).join(', ')],
    ['RateLimit', states.map(({ name, remaining }) => `"${name}";r=${remaining};t=${WINDOW_S}`).join(', ')],
  ];
}
