import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../test/support/virtual-clock.ts';
import type { Logger } from '../core/environment.ts';
import { type CallPriority, NotSentError, RateLimiter, type StripeCall } from './rate-limiter.ts';
import { endpointOf, type RateLimitOptions, rateLimitsOf } from './rate-limits.ts';

const SUBSCRIPTIONS = { method: 'GET', path: '/v1/subscriptions?customer=cus_1' };
const METER_EVENTS = { method: 'POST', path: '/v1/billing/meter_events' };
const LIVE: RateLimitOptions = { mode: 'live', is_connected: false, max_requests_per_second: null };
const TEST: RateLimitOptions = { ...LIVE, mode: 'test' };

/** A limiter on a clock of its own, and when each call was made. */
function createScene(options: RateLimitOptions) {
  const clock = createVirtualClock(0);
  const logged: object[] = [];
  const log = (fields: object) => logged.push(fields);
  const logger: Logger = { debug() {}, info: log, warn: log, error: log };
  const limiter = new RateLimiter({ clock, logger }, rateLimitsOf(options));
  const call = async (
    endpoint: Pick<StripeCall, 'method' | 'path'>,
    priority: CallPriority = 'background',
    takes_ms = 0,
  ) =>
    await limiter.call({ ...endpoint, priority }, async () => {
      const at = clock.now();
      await clock.sleep(takes_ms);
      return at;
    });
  const callMany = (count: number, ...of: Parameters<typeof call>) =>
    clock.run(Promise.all(Array.from({ length: count }, () => call(...of))));
  return { clock, limiter, logged, call, callMany };
}

/** The most instants in any window of a second. */
function mostInASecond(instants: readonly number[]): number {
  const sorted = instants.toSorted((a, b) => a - b);
  let from = 0;
  let most = 0;
  for (const [index, at] of sorted.entries()) {
    while ((sorted[from] ?? 0) <= at - 1_000) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}

describe('calls', () => {
  test.each<[string, RateLimitOptions, { method: string; path: string }, number, number]>([
    ['a sandbox, whatever is called', TEST, METER_EVENTS, 25, 20],
    ['a live account: one endpoint', LIVE, SUBSCRIPTIONS, 25, 20],
    ['a live account: meter events', LIVE, METER_EVENTS, 1_000, 800],
    ['a connected account: meter events', { ...LIVE, is_connected: true }, METER_EVENTS, 100, 80],
    ['a cap of the app', { ...LIVE, max_requests_per_second: 10 }, METER_EVENTS, 12, 10],
    ['an account with raised limits', { ...LIVE, max_requests_per_second: 160 }, SUBSCRIPTIONS, 50, 40],
  ])(
    'stay below the limit in every second and near the rate: %s',
    async (_, options, endpoint, limit, rate) => {
      const scene = createScene(options);
      const seconds = 12;
      const instants = await scene.callMany(rate * seconds, endpoint);
      expect(mostInASecond(instants)).toBeLessThanOrEqual(limit);
      expect(scene.clock.now()).toBeLessThan(seconds * 1_000 + 100);
      expect(scene.clock.now()).toBeGreaterThan(seconds * 1_000 * 0.8);
    },
  );

  test('to all endpoints together stay below the limit of a live account', async () => {
    const scene = createScene(LIVE);
    const paths = [
      '/v1/customers',
      '/v1/prices',
      '/v1/invoices',
      '/v1/subscriptions',
      '/v1/events',
      '/v1/products',
    ];
    const calls = Array.from({ length: 200 }, () =>
      paths.map((path) => scene.call({ method: 'GET', path })),
    ).flat();
    const instants = await scene.clock.run(Promise.all(calls));
    expect(mostInASecond(instants)).toBeLessThanOrEqual(100);
    expect(scene.clock.now()).toBeLessThan(15_100);
  });

  test('to an endpoint that is used up do not hold up those to another', async () => {
    const scene = createScene(LIVE);
    const lists = Promise.all(Array.from({ length: 100 }, () => scene.call(SUBSCRIPTIONS)));
    await scene.clock.run(scene.call(METER_EVENTS));
    expect(scene.clock.now()).toBe(0);
    await scene.clock.run(lists);
  });

  test('of the same kind are made in the order in which they came', async () => {
    const scene = createScene(TEST);
    const made: number[] = [];
    const calls = Array.from({ length: 60 }, async (_, index) => {
      await scene.call(METER_EVENTS);
      made.push(index);
    });
    await scene.clock.run(Promise.all(calls));
    expect(made).toEqual(made.toSorted((a, b) => a - b));
  });

  test('that somebody waits for are made at once while the background has hundreds waiting', async () => {
    const scene = createScene(TEST);
    const background = Promise.all(Array.from({ length: 300 }, () => scene.call(METER_EVENTS)));
    const waits: number[] = [];
    await scene.clock.run(
      (async () => {
        for (let round = 0; round < 10; round += 1) {
          await scene.clock.sleep(500);
          const asked = scene.clock.now();
          waits.push((await scene.call(SUBSCRIPTIONS, 'interactive')) - asked);
        }
      })(),
    );
    expect(Math.max(...waits)).toBe(0);
    await scene.clock.run(background);
  });

  test('of the background have their turns, however much is asked interactively', async () => {
    const scene = createScene(TEST);
    const made = { interactive: 0, background: 0 };
    const keepAsking = async (priority: CallPriority) => {
      while (scene.clock.now() < 20_000) {
        await scene.call(SUBSCRIPTIONS, priority);
        made[priority] += 1;
      }
    };
    const callers = Array.from({ length: 40 }, (_, index) =>
      keepAsking(index < 8 ? 'background' : 'interactive'),
    );
    await scene.clock.run(Promise.all(callers));
    expect(made.background / made.interactive).toBeCloseTo(1 / 3, 1);
  });

  test('that find no turn in time are given up, say that nothing was sent, and leave their place to others', async () => {
    const scene = createScene({ ...TEST, max_requests_per_second: 1 });
    const calls = Array.from({ length: 40 }, () => scene.call(METER_EVENTS));
    const results = await scene.clock.run(Promise.allSettled(calls));
    const made = results.filter(({ status }) => status === 'fulfilled');
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(made).toHaveLength(20);
    expect(
      refused.every((error) => error instanceof NotSentError && error.message.startsWith('Not sent')),
    ).toBe(true);
    const asked = scene.clock.now();
    expect((await scene.clock.run(scene.call(METER_EVENTS))) - asked).toBeLessThanOrEqual(1_000);
  });

  test('count as under way until they are answered', async () => {
    const scene = createScene(TEST);
    const calls = Array.from({ length: 10 }, () => scene.call(METER_EVENTS, 'background', 5_000));
    await scene.clock.run(scene.clock.sleep(10));
    expect(scene.limiter.load('background')).toEqual({ in_flight: 2, waiting: 8 });
    expect(scene.limiter.load('interactive')).toEqual({ in_flight: 0, waiting: 0 });
    await scene.clock.run(Promise.all(calls));
    expect(scene.limiter.load('background')).toEqual({ in_flight: 0, waiting: 0 });
  });
});

describe('a 429', () => {
  const call: StripeCall = { ...SUBSCRIPTIONS, priority: 'background' };

  test('holds calls back for as long as Stripe asks, halves their rate, and gives it back slowly', async () => {
    const scene = createScene(TEST);
    scene.limiter.slowDown(call, { retry_after_ms: 3_000, reason: 'global-rate' });
    const instants = await scene.callMany(100, SUBSCRIPTIONS, 'interactive');
    expect(Math.min(...instants)).toBeGreaterThanOrEqual(3_000);
    expect(instants.filter((at) => at >= 5_000 && at < 6_000).length).toBeLessThanOrEqual(12);
    await scene.clock.run(scene.clock.sleep(60_000));
    const later = scene.clock.now();
    await scene.callMany(100, SUBSCRIPTIONS, 'interactive');
    expect(scene.clock.now() - later).toBeLessThan(5_100);
  });

  test('is logged with its reason and the rate that follows from it', () => {
    const scene = createScene(TEST);
    scene.limiter.slowDown(call, { retry_after_ms: 1_000, reason: 'global-rate' });
    expect(scene.logged).toEqual([
      {
        endpoint: 'GET /v1/subscriptions',
        priority: 'background',
        reason: 'global-rate',
        retry_after_ms: 1_000,
        requests_per_second: 10,
      },
    ]);
  });

  test('of one endpoint slows that endpoint only', async () => {
    const scene = createScene(LIVE);
    scene.limiter.slowDown(call, { retry_after_ms: 5_000, reason: 'endpoint-rate' });
    await scene.clock.run(scene.call({ method: 'GET', path: '/v1/customers/cus_1' }));
    expect(scene.clock.now()).toBe(0);
    expect(await scene.clock.run(scene.call(SUBSCRIPTIONS))).toBeGreaterThanOrEqual(5_000);
  });

  test.each(['resource-specific', null])(
    'about the lock of one object slows nobody: reason %s',
    async (reason) => {
      const scene = createScene(TEST);
      scene.limiter.slowDown(call, { retry_after_ms: 5_000, reason });
      expect(scene.logged).toMatchObject([{ reason, retry_after_ms: 5_000 }]);
      expect(await scene.clock.run(scene.call(SUBSCRIPTIONS))).toBe(0);
    },
  );

  test('of many calls that were under way at once counts once', async () => {
    const scene = createScene(TEST);
    for (let answer = 0; answer < 50; answer += 1) {
      scene.limiter.slowDown(call, { retry_after_ms: 1_000, reason: 'global-rate' });
    }
    expect(scene.logged).toHaveLength(1);
    expect((await scene.callMany(11, SUBSCRIPTIONS, 'interactive')).length).toBe(11);
    expect(scene.clock.now()).toBeLessThan(2_200);
  });
});

test('an endpoint is an operation, whatever object it is about', () => {
  expect(endpointOf('get', '/v1/prices/price_1NXvq3?expand[0]=tiers')).toBe('GET /v1/prices/:id');
  expect(endpointOf('GET', '/v1/billing/meters/mtr_00000001/event_summaries')).toBe(
    'GET /v1/billing/meters/:id/event_summaries',
  );
  expect(endpointOf('POST', '/v1/billing/meter_events')).toBe('POST /v1/billing/meter_events');
});
