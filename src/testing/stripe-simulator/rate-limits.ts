import type { Route } from './route.ts';
import { StripeError } from './stripe-error.ts';

/** Which of Stripe's limits a simulator keeps (docs.stripe.com/rate-limits). */
export type SimulatedLimits = 'live' | 'sandbox';

/** Requests a second; null: meter events count as any other request. */
const ALLOWED = {
  live: { total: 100, endpoint: 25, meter_events: 1_000 },
  sandbox: { total: 25, endpoint: 25, meter_events: null },
} as const;
const WINDOW_MS = 1_000;
const METER_EVENTS = '/v1/billing/meter_events';

/**
 * Counts requests and refuses those beyond the limits. How Stripe cuts its seconds is not documented: here no window of
 * a second, wherever it begins, may hold more than a limit, which is harsher than counting by whole seconds. Refused
 * requests do not count.
 */
export class RateLimits {
  readonly #limits: SimulatedLimits | null;
  /** Arrivals of the last second, oldest first, by what they count against. */
  readonly #arrivals = new Map<string, number[]>();

  /** @param limits null: every request is let through. */
  constructor(limits: SimulatedLimits | null) {
    this.#limits = limits;
  }

  /** @throws StripeError 429 when a limit is reached. */
  admit({ method, path }: Pick<Route, 'method' | 'path'>, now_ms: number): void {
    if (this.#limits === null) return;
    const { total, endpoint, meter_events } = ALLOWED[this.#limits];
    const own = { name: `${method} ${path}`, allowed: endpoint, reason: 'endpoint-rate' };
    const shared = { name: 'total', allowed: total, reason: 'global-rate' };
    const hasOwnLimit = path === METER_EVENTS && meter_events !== null;
    const counted = hasOwnLimit ? [{ ...own, allowed: meter_events }] : [shared, own];
    const windows = counted.map((limit) => ({ ...limit, arrivals: this.#recent(limit.name, now_ms) }));
    for (const { arrivals, allowed, reason } of windows) {
      if (arrivals.length >= allowed) throw rateLimited({ reason });
    }
    for (const { arrivals } of windows) arrivals.push(now_ms);
  }

  #recent(name: string, now_ms: number): number[] {
    const arrivals = this.#arrivals.get(name) ?? [];
    this.#arrivals.set(name, arrivals);
    const first = arrivals.findIndex((at_ms) => at_ms > now_ms - WINDOW_MS);
    arrivals.splice(0, first === -1 ? arrivals.length : first);
    return arrivals;
  }
}

/** Stripe's refusal of a request that came too soon, in the words of its documentation. */
export function rateLimited({
  retry_after_s = 1,
  reason = 'global-rate',
}: {
  readonly retry_after_s?: number | undefined;
  readonly reason?: string | undefined;
}): StripeError {
  return new StripeError('Request rate limit exceeded.', {
    status: 429,
    code: 'rate_limit',
    headers: { 'Retry-After': String(retry_after_s), 'Stripe-Rate-Limited-Reason': reason },
  });
}
