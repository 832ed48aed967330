import type { CallLoad } from '../core/billing-provider.ts';
import type { Environment, Instant } from '../core/environment.ts';
import { endpointOf, limitsOn, type RateLimits } from './rate-limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** `interactive`: somebody waits for it. `background`: the report job, which has time. */
export type CallPriority = 'interactive' | 'background';

export interface StripeCall {
  readonly priority: CallPriority;
  readonly method: string;
  /** With or without its query. */
  readonly path: string;
}

/** What Stripe says when it refuses a call with 429. */
export interface RateLimited {
  /** Null = it does not say. */
  readonly retry_after_ms: number | null;
  /** `Stripe-Rate-Limited-Reason`, such as `global-rate`; null = it does not say. */
  readonly reason: string | null;
}

/** A call that was not made: no turn came up in time. It had no effect at Stripe. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
  readonly retry_after_ms: number;

  constructor(message: string, retry_after_ms: number) {
    super(message);
    this.retry_after_ms = retry_after_ms;
  }
}

interface Waiter {
  readonly arrival: number;
  readonly deadline: Instant;
  readonly go: () => void;
  readonly giveUp: (error: NotSentError) => void;
}

/** Calls of one priority to one endpoint, which all need the same tokens. */
interface Lane {
  readonly priority: CallPriority;
  readonly buckets: readonly TokenBucket[];
  readonly waiters: Waiter[];
}

/** A sent report counts as abandoned after a minute; within that, a call waits for its turn and takes place. */
const MAX_WAIT_MS = 20_000;
/** So many interactive calls go before background calls that wait; then one of those has its turn. */
const INTERACTIVE_IN_A_ROW = 3;
const MAX_WAITING = 10_000;
/** Endpoints with a bucket of their own, of which we call a dozen; further ones share one. */
const MAX_ENDPOINTS = 100;
const DEFAULT_RETRY_AFTER_MS = 1_000;

/**
 * Calls Stripe no faster than it allows. Interactive calls go first, and find tokens that background calls leave to
 * them; within a priority the oldest call goes first that has its tokens. However much is asked interactively, one call in
 * four is left to the background: reports have to reach Stripe before their invoices are final.
 */
export class RateLimiter {
  readonly #environment: Pick<Environment, 'clock' | 'logger'>;
  readonly #limits: RateLimits | null;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #lanes = new Map<string, Lane>();
  readonly #inFlight = { interactive: 0, background: 0 };
  /** Interactive calls that went before background calls since one of those went. */
  #wentBefore = 0;
  #waiting = 0;
  #arrivals = 0;
  /** When the earliest of the sleeps under way ends. */
  #wakesAt: Instant = Number.POSITIVE_INFINITY;

  /** @param limits null = every call is made at once. */
  constructor(environment: Pick<Environment, 'clock' | 'logger'>, limits: RateLimits | null) {
    this.#environment = environment;
    this.#limits = limits;
  }

  /** Makes a call when its turn has come. @throws NotSentError when none comes; whatever `run` throws. */
  async call<Result>(call: StripeCall, run: () => Promise<Result>): Promise<Result> {
    await this.#turn(call);
    this.#inFlight[call.priority] += 1;
    try {
      return await run();
    } finally {
      this.#inFlight[call.priority] -= 1;
    }
  }

  /**
   * Stripe refused a call with 429. Only what it says of our rate slows everybody down: a lock on one object, for which
   * it gives the reason `resource-specific` or none, is the trouble of whoever wants the object.
   */
  slowDown({ priority, method, path }: StripeCall, { retry_after_ms, reason }: RateLimited): void {
    const { clock, logger } = this.#environment;
    const endpoint = endpointOf(method, path);
    const fields = { endpoint, priority, reason, retry_after_ms };
    const bucket =
      this.#limits && reason !== null ? this.#slowedBucket(endpoint, reason, this.#limits) : null;
    if (bucket === null) logger.info(fields, 'Stripe asks to repeat a call later');
    else if (bucket.slowDown(clock.now(), retry_after_ms ?? DEFAULT_RETRY_AFTER_MS)) {
      const requests_per_second = bucket.perSecond;
      logger.warn({ ...fields, requests_per_second }, 'Stripe asks to call it less often');
    }
  }

  load(priority: CallPriority): CallLoad {
    const lanes = [...this.#lanes.values()].filter((lane) => lane.priority === priority);
    const waiting = lanes.reduce((sum, { waiters }) => sum + waiters.length, 0);
    return { in_flight: this.#inFlight[priority], waiting };
  }

  #now(): Instant {
    return this.#environment.clock.now();
  }

  #slowedBucket(endpoint: string, reason: string, limits: RateLimits): TokenBucket | null {
    const kinds = limitsOn(endpoint, limits);
    const own = kinds.find((kind) => kind === 'endpoint' || kind === 'meter_events');
    const shared = kinds.find((kind) => kind === 'total');
    const [first, second] = reason.startsWith('endpoint-') ? [own, shared] : [shared, own];
    const kind = /^(global|endpoint)-/.test(reason) ? (first ?? second) : undefined;
    return kind === undefined ? null : this.#bucket(kind, endpoint, limits);
  }

  #bucket(kind: keyof RateLimits, endpoint: string, limits: RateLimits): TokenBucket {
    const hasRoom = this.#buckets.has(endpoint) || this.#buckets.size < MAX_ENDPOINTS;
    const name = kind === 'endpoint' && hasRoom ? endpoint : kind;
    const bucket = this.#buckets.get(name) ?? new TokenBucket(limits[kind] ?? limits.total);
    this.#buckets.set(name, bucket);
    return bucket;
  }

  #turn({ priority, method, path }: StripeCall): Promise<void> {
    const limits = this.#limits;
    if (limits === null) return Promise.resolve();
    if (this.#waiting >= MAX_WAITING) {
      return Promise.reject(new NotSentError('Not sent: too many calls to Stripe wait.', MAX_WAIT_MS));
    }
    return new Promise((go, giveUp) => {
      const deadline = this.#now() + MAX_WAIT_MS;
      this.#lane(priority, endpointOf(method, path), limits).waiters.push({
        arrival: this.#arrivals++,
        deadline,
        go,
        giveUp,
      });
      this.#waiting += 1;
      this.#serve();
    });
  }

  #lane(priority: CallPriority, endpoint: string, limits: RateLimits): Lane {
    const name = `${priority} ${endpoint}`;
    const known = this.#lanes.get(name);
    if (known) return known;
    const buckets = limitsOn(endpoint, limits).map((kind) => this.#bucket(kind, endpoint, limits));
    const lane: Lane = { priority, buckets, waiters: [] };
    this.#lanes.set(name, lane);
    return lane;
  }

  /** Lets everybody go who may, sends everybody away who has waited too long, and sleeps until that changes. */
  #serve(): void {
    const now = this.#now();
    let next = Number.POSITIVE_INFINITY;
    for (const [name, lane] of this.#lanes) {
      while ((lane.waiters[0]?.deadline ?? now + 1) <= now) {
        const error = new NotSentError(
          'Not sent: no turn came up within the limits of Stripe.',
          DEFAULT_RETRY_AFTER_MS,
        );
        this.#next(lane)?.giveUp(error);
      }
      if (lane.waiters.length === 0) this.#lanes.delete(name);
    }
    for (let lane = this.#ready(now); lane; lane = this.#ready(now)) {
      for (const bucket of lane.buckets) bucket.take();
      this.#next(lane)?.go();
      if (lane.priority === 'background') this.#wentBefore = 0;
      else if (this.load('background').waiting > 0) this.#wentBefore += 1;
    }
    for (const lane of this.#lanes.values()) {
      const [first] = lane.waiters;
      if (first) next = Math.min(next, first.deadline, now + this.#waitOf(lane, now));
    }
    if (next < this.#wakesAt) void this.#wakeAt(next);
  }

  #next(lane: Lane): Waiter | undefined {
    const waiter = lane.waiters.shift();
    if (waiter) this.#waiting -= 1;
    return waiter;
  }

  /** The lane whose first call is next. */
  #ready(now: Instant): Lane | null {
    let ready: Lane | null = null;
    for (const lane of this.#lanes.values()) {
      if (lane.waiters.length === 0 || this.#waitOf(lane, now) > 0) continue;
      if (ready === null || this.#goesBefore(lane, ready)) ready = lane;
    }
    return ready;
  }

  #waitOf({ buckets, priority }: Lane, now: Instant): number {
    const takesAll = priority === 'interactive' || this.#isBackgroundsTurn();
    return Math.max(...buckets.map((bucket) => bucket.waitFor(takesAll, now)));
  }

  #goesBefore(lane: Lane, other: Lane): boolean {
    if (lane.priority !== other.priority)
      return (lane.priority === 'background') === this.#isBackgroundsTurn();
    return (lane.waiters[0]?.arrival ?? 0) < (other.waiters[0]?.arrival ?? 0);
  }

  #isBackgroundsTurn(): boolean {
    return this.#wentBefore >= INTERACTIVE_IN_A_ROW;
  }

  async #wakeAt(instant: Instant): Promise<void> {
    this.#wakesAt = instant;
    await this.#environment.clock.sleep(Math.max(1, Math.ceil(instant - this.#now())));
    // An earlier sleep may have begun since; this one then changes nothing that it has not seen to.
    if (this.#wakesAt === instant) this.#wakesAt = Number.POSITIVE_INFINITY;
    this.#serve();
  }
}
