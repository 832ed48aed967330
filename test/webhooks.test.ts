import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Stripe from 'stripe';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BillingProvider } from '../src/core/billing-provider.ts';
import { createUsage, type Usage } from '../src/index.ts';
import { composeUsage } from '../src/usage.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { temporaryDirectory } from './support/folders.ts';
import { createWorld, THIN_WEBHOOK_SECRET, WEBHOOK_SECRET, type WorldOptions } from './support/world.ts';

const ALWAYS = { times: Number.POSITIVE_INFINITY };
const THIN_EVENTS = { method: 'GET', path: '/v2/core/events' } as const;

/** A customer whom the product knows, without a subscription: its first look at Stripe finds nothing. */
async function createLinkedWorld(options: WorldOptions = {}) {
  const world = await createWorld({ with_webhooks: true, ...options });
  const customer = await world.stripe.customers.create({ name: 'Ada' });
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await world.usage.worker.tick();
  await world.usage.worker.tick();
  const subscribe = (params: Partial<Stripe.SubscriptionCreateParams> = {}) =>
    world.stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: world.price.id }],
      // With an invoice from the start.
      billing_mode: { type: 'classic' },
      ...params,
    });
  const period = async () => {
    const { period_start, period_end } = await world.usage.get({ account: 'acct_1' });
    return [Date.parse(period_start), Date.parse(period_end)];
  };
  const readings = () => world.simulator.requests().filter(({ path }) => path === '/v1/subscriptions').length;
  return { ...world, customer, subscribe, period, readings };
}

function periodOf(subscription: Stripe.Subscription): number[] {
  const [item] = subscription.items.data;
  return [(item?.current_period_start ?? 0) * 1_000, (item?.current_period_end ?? 0) * 1_000];
}

/** Signs a thin event of our own making, as the simulator never sends it. */
async function sendThin(world: { usage: Usage; stripe: Stripe; clock: { now(): number } }, id: string) {
  const payload = JSON.stringify({
    id,
    object: 'v2.core.event',
    type: 'v1.billing.meter.error_report_triggered',
    livemode: false,
    created: new Date(world.clock.now()).toISOString(),
  });
  const timestamp = Math.floor(world.clock.now() / 1_000);
  const header = { payload, secret: THIN_WEBHOOK_SECRET, timestamp };
  const request = new Request('https://app.example/hook', {
    method: 'POST',
    body: payload,
    headers: { 'Stripe-Signature': world.stripe.webhooks.generateTestHeaderString(header) },
  });
  return await world.usage.webhook(request);
}

describe('what is done at Stripe', () => {
  test('a subscription made in the Dashboard is picked up within a tick', async () => {
    const world = await createLinkedWorld();
    world.clock.advance(HOUR);
    const subscription = await world.subscribe();
    expect(await world.period()).not.toEqual(periodOf(subscription));
    await world.simulator.deliverWebhooks();
    expect(await world.usage.worker.nextDueAt()).toBeLessThanOrEqual(world.clock.now());
    await world.usage.worker.tick();
    expect(await world.period()).toEqual(periodOf(subscription));
  });

  test('an event that comes while another process reads the subscriptions is not forgotten', async () => {
    let meanwhile = async () => {};
    const slow = (provider: BillingProvider): BillingProvider => ({
      ...provider,
      listSubscriptionItems: async (params) => {
        const read = await provider.listSubscriptionItems(params);
        const happens = meanwhile;
        meanwhile = async () => {};
        await happens();
        return read;
      },
    });
    const world = await createLinkedWorld();
    const subscription = await world.subscribe({ billing_mode: { type: 'flexible' } });
    await world.usage.accounts.sync({ account: 'acct_1' });
    for (const ticks of [0, 1]) {
      const other = world.open(world.simulator.fetch, { provider: slow });
      world.clock.advance(HOUR);
      meanwhile = async () => {
        world.clock.advance(1_000);
        await world.stripe.subscriptions.update(subscription.id, { cancel_at_period_end: ticks === 0 });
        await world.simulator.deliverWebhooks();
        for (let tick = 0; tick < ticks; tick += 1) await world.usage.worker.tick();
        world.clock.advance(1_000);
      };
      await other.accounts.sync({ account: 'acct_1' });
      await other.close();
      await world.usage.worker.tick();
      const { cancel_at_period_end } = await world.usage.subscriptions.get({ account: 'acct_1' });
      expect(cancel_at_period_end).toBe(ticks === 0);
    }
  });

  test('without the event it is picked up within a day', async () => {
    const world = await createLinkedWorld();
    world.simulator.webhookFaults.add({ kind: 'drop', ...ALWAYS });
    world.clock.advance(HOUR);
    const subscription = await world.subscribe();
    await world.simulator.deliverWebhooks();
    await world.usage.worker.tick();
    expect(await world.period()).not.toEqual(periodOf(subscription));
    await world.passTime(world.clock.now() + DAY);
    expect(await world.period()).toEqual(periodOf(subscription));
  });

  test('events that arrive together, and twice, cost one look at Stripe', async () => {
    const world = await createLinkedWorld();
    world.simulator.webhookFaults.add({ kind: 'duplicate', ...ALWAYS });
    world.clock.advance(HOUR);
    await world.subscribe();
    await world.simulator.deliverWebhooks();
    const attempts = world.simulator.webhookAttempts();
    expect(attempts).toHaveLength(8);
    expect(new Set(attempts.map(({ status }) => status))).toEqual(new Set([200]));
    const before = world.readings();
    for (let tick = 0; tick < 3; tick += 1) await world.usage.worker.tick();
    expect(world.readings() - before).toBe(1);
    const { events } = await world.usage.webhooks.list();
    expect(events.map(({ status }) => status)).toEqual(['handled', 'handled', 'handled', 'handled']);
  });

  test('usage.report() handles events too, where no worker runs', async () => {
    const world = await createLinkedWorld();
    world.clock.advance(HOUR);
    const subscription = await world.subscribe();
    await world.simulator.deliverWebhooks();
    await world.usage.report();
    expect(await world.period()).toEqual(periodOf(subscription));
  });

  test('one process receives, another handles', async () => {
    const world = await createLinkedWorld();
    const other = world.open();
    onTestFinished(() => other.close());
    world.endpoint.answer = (request) => other.webhook(request);
    world.clock.advance(HOUR);
    const subscription = await world.subscribe();
    await world.simulator.deliverWebhooks();
    await world.usage.worker.tick();
    expect(await world.period()).toEqual(periodOf(subscription));
  });

  test('an endpoint that was down is told later, and nothing is missed', async () => {
    const world = await createLinkedWorld();
    const { answer } = world.endpoint;
    world.endpoint.answer = async () => new Response(null, { status: 502 });
    world.clock.advance(HOUR);
    const subscription = await world.subscribe();
    await world.simulator.deliverWebhooks();
    world.endpoint.answer = answer;
    await world.passTime(world.clock.now() + 2 * MINUTE);
    expect(await world.period()).toEqual(periodOf(subscription));
  });

  test('while Stripe does not answer, the receiver does', async () => {
    const world = await createLinkedWorld();
    world.clock.advance(HOUR);
    const subscription = await world.subscribe();
    world.simulator.faults.add({ kind: 'reset', ...ALWAYS });
    await world.simulator.deliverWebhooks();
    expect(world.simulator.webhookAttempts().map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await world.usage.worker.tick();
    world.simulator.faults.clear();
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(await world.period()).toEqual(periodOf(subscription));
  });

  test('a meter that is deactivated is told of', async () => {
    const world = await createLinkedWorld();
    await world.stripe.billing.meters.deactivate(world.meter.id);
    await world.passTime(world.clock.now() + MINUTE);
    const { events } = await world.usage.webhooks.list();
    expect(events).toMatchObject([{ type: 'billing.meter.deactivated', status: 'handled' }]);
  });
});

describe('order (I17)', () => {
  test('six events lead to the same in all their orders, with the job in between anywhere', async () => {
    const world = await createLinkedWorld();
    const bodies: string[] = [];
    world.endpoint.answer = async (request) => {
      bodies.push(await request.text());
      return new Response();
    };
    world.clock.advance(HOUR);
    const first = await world.subscribe();
    await world.usage.report();
    const known = join(temporaryDirectory(), 'known.db');
    world.clock.advance(DAY);
    await world.stripe.subscriptions.update(first.id, { cancel_at_period_end: true });
    await world.simulator.deliverWebhooks();
    bodies.splice(0, bodies.length - 1);
    await world.stripe.subscriptions.cancel(first.id);
    const second = await world.subscribe();
    await world.simulator.deliverWebhooks();
    expect(bodies.map((body) => JSON.parse(body).type)).toEqual([
      'customer.subscription.updated',
      'customer.subscription.deleted',
      'customer.subscription.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.paid',
    ]);
    await world.usage.close();
    copyFileSync(world.path, known);
    const folder = temporaryDirectory();
    for (const [count, order] of permutations([...bodies.keys()]).entries()) {
      const path = join(folder, `${order.join('')}.db`);
      copyFileSync(known, path);
      const usage = openOn(world, path);
      for (const [position, index] of order.entries()) {
        const response = await deliverAgain(usage, world, bodies[index] ?? '');
        expect(response.status).toBe(200);
        if (position === count % order.length) await usage.worker.tick();
      }
      await usage.worker.tick();
      const { period_start, period_end } = await usage.get({ account: 'acct_1' });
      const seen = { order, period: [Date.parse(period_start), Date.parse(period_end)] };
      expect(seen).toEqual({ order, period: periodOf(second) });
      expect((await usage.webhooks.list({ status: 'handled' })).events).toHaveLength(6);
      await usage.close();
      rmSync(path);
    }
  }, 240_000);

  test.each([1, 2, 3])(
    'lost, doubled and disordered events (seed %i) change nothing about the bill',
    async (seed) => {
      const bill = async (isDisturbed: boolean) => {
        const world = await createLinkedWorld({ seed, random: () => 0.5 });
        if (isDisturbed) {
          world.simulator.webhookFaults.add({ kind: 'drop', ...ALWAYS, probability: 0.3 });
          world.simulator.webhookFaults.add({ kind: 'duplicate', ...ALWAYS, probability: 0.3 });
          world.simulator.webhookFaults.add({ kind: 'reorder', ...ALWAYS, within_ms: 3 * HOUR });
        }
        await world.subscribe();
        await world.passTime(world.clock.now() + DAY);
        for (let day = 0; day < 33; day += 1) {
          await world.usage.increment({ account: 'acct_1', quantity: 50 });
          await world.passTime(world.clock.now() + DAY);
        }
        const lines = await world.billedLines(world.customer.id);
        return lines.map(({ amount, quantity }) => ({ amount, quantity }));
      };
      const undisturbed = await bill(false);
      expect(undisturbed.length).toBeGreaterThan(0);
      expect(await bill(true)).toEqual(undisturbed);
    },
    120_000,
  );
});

describe('usage that Stripe accepted and rejected later', () => {
  async function createRejectedWorld(options: WorldOptions = {}) {
    const world = await createLinkedWorld({ lag_minutes: [0, 0], ...options });
    await world.subscribe();
    await world.passTime(world.clock.now() + HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 70 });
    world.clock.advance(HOUR);
    world.simulator.faults.add({ kind: 'reject_async' });
    await world.usage.report();
    const report = async () => (await world.usage.get({ account: 'acct_1' })).reports[0];
    return { ...world, report };
  }
  const WORDS = 'meter_event_customer_not_found: The customer of the event does not exist.';

  test('is known within two minutes, in Stripe’s words', async () => {
    const world = await createRejectedWorld();
    expect(await world.report()).toMatchObject({ status: 'reported', last_error: null });
    await world.passTime(world.clock.now() + 2 * MINUTE);
    expect(await world.report()).toMatchObject({ status: 'failed', reason: 'rejected', last_error: WORDS });
    const { events } = await world.usage.webhooks.list({ status: 'handled' });
    expect(events.map(({ type }) => type)).toContain('v1.billing.meter.error_report_triggered');
  });

  test('is found where an example names its request `idempotency_key`', async () => {
    const rewritten: string[] = [];
    const world = await createRejectedWorld();
    await world.usage.close();
    const usage = openOn(world, world.path, async (input, init) => {
      const response = await world.simulator.fetch(input, init);
      const text = await response.text();
      const body = text.replace(/"request":\{"identifier"/g, '"request":{"idempotency_key"');
      if (body !== text) rewritten.push(body);
      return new Response(body, response);
    });
    onTestFinished(() => usage.close());
    world.endpoint.answer = (request) => usage.webhook(request);
    world.clock.advance(2 * MINUTE);
    await world.simulator.deliverWebhooks();
    await usage.worker.tick();
    expect(rewritten).toHaveLength(1);
    expect((await usage.get({ account: 'acct_1' })).reports[0]).toMatchObject({
      reason: 'rejected',
      last_error: WORDS,
    });
  });

  test('is asked for again until Stripe answers, over hours, and nobody is bothered', async () => {
    const world = await createRejectedWorld();
    world.simulator.faults.add({ kind: '500_before', ...THIN_EVENTS, ...ALWAYS });
    await world.passTime(world.clock.now() + 20 * HOUR);
    expect(
      world.simulator.requests().filter(({ path }) => path.startsWith(THIN_EVENTS.path)).length,
    ).toBeLessThan(40);
    const { events } = await world.usage.webhooks.list({ status: 'pending' });
    expect(events).toMatchObject([{ attempts: 0, last_error: 'An unknown error occurred' }]);
    expect(world.errors).toEqual([]);
    world.simulator.faults.clear();
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(await world.report()).toMatchObject({ status: 'failed', reason: 'rejected', last_error: WORDS });
  }, 120_000);
});

describe('an event that cannot be handled', () => {
  test('is parked after eight attempts, delays nobody, and is shown', async () => {
    const world = await createLinkedWorld();
    world.clock.advance(HOUR);
    expect((await sendThin(world, 'evt_00_poisoned')).status).toBe(200);
    await world.usage.worker.tick();
    const subscription = await world.subscribe();
    await world.simulator.deliverWebhooks();
    await world.usage.worker.tick();
    expect(await world.period()).toEqual(periodOf(subscription));
    await world.passTime(world.clock.now() + DAY);
    const asked = () =>
      world.simulator.requests().filter(({ path }) => path.endsWith('evt_00_poisoned')).length;
    expect(asked()).toBe(8);
    const { events } = await world.usage.webhooks.list({ status: 'parked' });
    expect(events).toMatchObject([
      { event: 'evt_00_poisoned', attempts: 8, last_error: expect.stringContaining('No such event') },
    ]);
    expect(world.errors).toHaveLength(8);
    await world.usage.webhooks.retry({ event: 'evt_00_poisoned' });
    expect(await world.usage.webhooks.list({ status: 'pending' })).toMatchObject({
      events: [{ attempts: 0 }],
    });
    await world.usage.worker.tick();
    expect(asked()).toBe(9);
  }, 120_000);

  test('does not stop the others of its batch, whatever it throws', async () => {
    const world = await createLinkedWorld();
    await world.usage.close();
    const asked: string[] = [];
    const errors: unknown[] = [];
    const usage = composeUsage(
      optionsOf(world, world.path, (error) => errors.push(error)),
      {
        store: (store) => store,
        provider: (provider) => ({
          ...provider,
          readMeterErrors: ({ event_id }) => {
            asked.push(event_id);
            return Promise.reject(new TypeError(`${event_id} is poisoned.`));
          },
        }),
      },
    );
    onTestFinished(() => usage.close());
    world.endpoint.answer = (request) => usage.webhook(request);
    world.clock.advance(HOUR);
    for (const id of ['evt_00_a', 'evt_00_b', 'evt_zz_c']) await sendThin({ ...world, usage }, id);
    const subscription = await world.subscribe();
    await world.simulator.deliverWebhooks();
    await usage.worker.tick();
    expect(asked.toSorted()).toEqual(['evt_00_a', 'evt_00_b', 'evt_zz_c']);
    expect(errors).toHaveLength(3);
    const { period_start } = await usage.get({ account: 'acct_1' });
    expect(Date.parse(period_start)).toBe(periodOf(subscription)[0]);
  });

  test.each([
    [{ status: 'lost' }, 'invalid_parameter'],
    [{ limit: 0 }, 'invalid_parameter'],
    [{ after: "'; DROP" }, 'invalid_parameter'],
    [{ state: 'parked' }, 'invalid_parameter'],
  ])('listing with %j is refused', async (params, code) => {
    const { usage } = await createWorld();
    await expect(usage.webhooks.list(params as object)).rejects.toMatchObject({ code });
  });

  test('trying again what is not parked is refused', async () => {
    const { usage } = await createWorld();
    const error = { code: 'webhook_event_not_parked', status: 404 };
    await expect(usage.webhooks.retry({ event: 'evt_1' })).rejects.toMatchObject(error);
    await expect(usage.webhooks.retry({ event: '' })).rejects.toMatchObject({ code: 'invalid_parameter' });
  });

  test('pages of events follow each other', async () => {
    const world = await createLinkedWorld();
    for (const id of ['evt_a', 'evt_b', 'evt_c']) await sendThin(world, id);
    const first = await world.usage.webhooks.list({ limit: 2 });
    expect(first).toMatchObject({ events: [{ event: 'evt_a' }, { event: 'evt_b' }], next: 'evt_b' });
    const second = await world.usage.webhooks.list({ limit: 2, after: first.next ?? '' });
    expect(second).toMatchObject({ events: [{ event: 'evt_c' }], next: null });
  });
});

interface Scene {
  readonly clock: Awaited<ReturnType<typeof createWorld>>['clock'];
  readonly simulator: { readonly fetch: typeof fetch };
}

function optionsOf(
  { clock, simulator }: Scene,
  path: string,
  onError: (error: unknown) => void = () => {},
  stripeFetch: typeof fetch = simulator.fetch,
) {
  return {
    database: { path, thread: 'in_thread' },
    meters: { credits: {} },
    onError,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    environment: { clock },
    stripe: {
      secret_key: 'sk_test_simulated',
      webhook_secret: [WEBHOOK_SECRET, THIN_WEBHOOK_SECRET],
      max_requests_per_second: 1_000_000,
      config: { httpClient: Stripe.createFetchHttpClient(stripeFetch) },
    },
  } as const;
}

/** The product on another copy of its database. */
function openOn(scene: Scene, path: string, stripeFetch?: typeof fetch) {
  return createUsage(optionsOf(scene, path, undefined, stripeFetch));
}

/** An event as it was, signed anew: as when Stripe repeats it. */
async function deliverAgain(
  usage: Usage,
  { stripe, clock }: { stripe: Stripe; clock: { now(): number } },
  payload: string,
) {
  const header = { payload, secret: WEBHOOK_SECRET, timestamp: Math.floor(clock.now() / 1_000) };
  const headers = { 'Stripe-Signature': stripe.webhooks.generateTestHeaderString(header) };
  const init = { method: 'POST', body: payload, headers };
  return await usage.webhook(new Request('https://app.example/hook', init));
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}
