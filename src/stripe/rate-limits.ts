import type { TokenBucketOptions } from './token-bucket.ts';

export interface RateLimitOptions {
  /** Of the secret key. */
  readonly mode: 'live' | 'test';
  /** Whether calls name a connected account (`Stripe-Account`), for which meter events have no limit of their own. */
  readonly is_connected: boolean;
  /** null = not configured. */
  readonly max_requests_per_second: number | null;
}

/** How fast Stripe is called, by what is called. */
export interface RateLimits {
  /** Every call; null = no limit but the others. */
  readonly all: TokenBucketOptions | null;
  /** Every call but meter events, where those have a limit of their own. */
  readonly total: TokenBucketOptions;
  /** Each endpoint for itself. */
  readonly endpoint: TokenBucketOptions;
  /** null = they count as any other call. */
  readonly meter_events: TokenBucketOptions | null;
}

/** Calls a second that Stripe allows an account (docs.stripe.com/rate-limits). */
const ALLOWED = {
  live: { total: 100, endpoint: 25, meter_events: 1_000 },
  test: { total: 25, endpoint: 25, meter_events: null },
} as const;
/** What we take of it in the long run: the rest is for other processes and for what the app itself asks of Stripe. */
const USED_SHARE = 0.8;
/** What we take at once. Together they stay below the limit in whichever second Stripe counts. */
const BURST_SHARE = 0.16;
/** As many calls a second as nobody makes: for tests, whose clock stands still while calls are made. */
const UNLIMITED_FROM = 10_000;
const METER_EVENTS = 'POST /v1/billing/meter_events';

/**
 * Stripe's limits with a margin. `max_requests_per_second` caps all calls together; where it is more than the usual,
 * Stripe has raised the account's limits, and all of them count as raised; from 10,000 nothing is limited.
 *
 * @returns null = no limit.
 */
export function rateLimitsOf({
  mode,
  is_connected,
  max_requests_per_second: cap,
}: RateLimitOptions): RateLimits | null {
  if (cap !== null && cap >= UNLIMITED_FROM) return null;
  const { total, endpoint, meter_events } = ALLOWED[mode];
  const raised = Math.max(1, (cap ?? 0) / (total * USED_SHARE));
  const share = (allowed: number) => ({
    per_second: allowed * raised * USED_SHARE,
    burst: allowed * raised * BURST_SHARE,
  });
  return {
    all: cap === null ? null : { per_second: cap, burst: (cap * BURST_SHARE) / USED_SHARE },
    total: share(total),
    endpoint: share(endpoint),
    meter_events: meter_events === null || is_connected ? null : share(meter_events),
  };
}

/** Which limits a call counts against; `endpoint` as `endpointOf` names it. */
export function limitsOn(endpoint: string, limits: RateLimits): readonly (keyof RateLimits)[] {
  const all = limits.all === null ? [] : (['all'] as const);
  if (endpoint !== METER_EVENTS) return [...all, 'total', 'endpoint'];
  // Without a limit of its own the endpoint has none either: a connected account may send 100 meter events a second.
  return [...all, limits.meter_events === null ? 'total' : 'meter_events'];
}

/** An operation of Stripe's API, whatever object it is about: `GET /v1/prices/:id`. */
export function endpointOf(method: string, path: string): string {
  const [pathname = ''] = path.split('?');
  const segments = pathname
    .split('/')
    .map((segment, index) => (index > 1 && IS_ID.test(segment) ? ':id' : segment));
  return `${method.toUpperCase()} ${segments.join('/')}`;
}

/** Collections and verbs are lower-case words; ids have digits or capitals. */
const IS_ID = /[^a-z_]/;
