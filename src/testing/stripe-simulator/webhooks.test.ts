import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { expect, onTestFinished, test } from 'vitest';
import { createCreditsScene, DAY, HOUR, MINUTE } from '../../../test/support/credits-scene.ts';
import { FAST_FOLDER } from '../../../test/support/fast-folder.ts';
import {
  createSimulatedStripe,
  type SimulatedStripeOptions,
} from '../../../test/support/simulated-stripe.ts';

const SECRET = 'whsec_snapshot';
const THIN_SECRET = 'whsec_thin';

interface Received {
  readonly body: string;
  readonly signature: string;
}

/** A scene whose endpoint keeps what it gets and answers as it is told. */
async function createEndpointScene(options: SimulatedStripeOptions = {}) {
  const received: Received[] = [];
  const endpoint = { answer: () => new Response(null, { status: 200 }) };
  const scene = await createCreditsScene({
    lag_minutes: [0, 0],
    webhooks: {
      deliver: async (request) => {
        const signature = request.headers.get('Stripe-Signature') ?? '';
        received.push({ body: await request.text(), signature });
        return endpoint.answer();
      },
      secret: SECRET,
      thin_secret: THIN_SECRET,
    },
    ...options,
  });
  /** Goes from event to event, delivering, until an instant. */
  const passUntil = async (to: number) => {
    for (;;) {
      await scene.simulator.deliverWebhooks();
      const next = scene.simulator.nextEventAt();
      scene.clock.time = next === null || next > to ? to : next;
      if (scene.clock.time === to) break;
    }
    await scene.simulator.deliverWebhooks();
  };
  const types = () => received.map(({ body }) => String(JSON.parse(body).type));
  const subscribe = (params: Partial<Stripe.SubscriptionCreateParams> = {}) =>
    scene.stripe.subscriptions.create({
      customer: scene.customer.id,
      items: [{ price: scene.price.id }],
      // With an invoice from the start.
      billing_mode: { type: 'classic' },
      ...params,
    });
  return { ...scene, received, endpoint, passUntil, types, subscribe };
}

test('a subscription tells of its start, its changes and its end, and its invoices of theirs', async () => {
  const { stripe, subscribe, passUntil, types, clock, received } = await createEndpointScene();
  const { id } = await subscribe({ trial_period_days: 7 });
  await passUntil(clock.time);
  expect(types()).toEqual([
    'customer.subscription.created',
    'invoice.created',
    'invoice.finalized',
    'invoice.paid',
  ]);
  received.splice(0);
  await passUntil(clock.time + 8 * DAY);
  expect(types()).toEqual([
    'invoice.created',
    'customer.subscription.updated',
    'invoice.finalized',
    'invoice.paid',
  ]);
  const trialEnd: Stripe.CustomerSubscriptionUpdatedEvent = JSON.parse(received[1]?.body ?? '');
  expect(trialEnd.data.object).toMatchObject({ id, status: 'active' });
  expect(trialEnd.data.previous_attributes).toMatchObject({ status: 'trialing' });
  expect(trialEnd.data.previous_attributes).not.toHaveProperty('customer');
  received.splice(0);
  await stripe.subscriptions.update(id, { cancel_at_period_end: true });
  await passUntil(clock.time + 32 * DAY);
  expect(types()).toEqual([
    'customer.subscription.updated',
    'invoice.created',
    'customer.subscription.deleted',
    'invoice.finalized',
    'invoice.paid',
  ]);
});

test('an update that changes nothing tells of nothing; ending at once tells of the end', async () => {
  const { stripe, subscribe, passUntil, types, received, clock } = await createEndpointScene();
  const { id } = await subscribe();
  await passUntil(clock.time);
  received.splice(0);
  await stripe.subscriptions.update(id, { cancel_at_period_end: false });
  await stripe.subscriptions.cancel(id, { invoice_now: true });
  await passUntil(clock.time);
  expect(types()).toEqual([
    'invoice.created',
    'invoice.finalized',
    'invoice.paid',
    'customer.subscription.deleted',
  ]);
});

test('the SDK verifies what is delivered, and fetches the same; every event keeps to the contract', async () => {
  const { stripe, subscribe, passUntil, received, clock, meter } = await createEndpointScene();
  await subscribe();
  await stripe.billing.meters.deactivate(meter.id);
  await passUntil(clock.time);
  expect(received.length).toBeGreaterThan(4);
  for (const { body, signature } of received) {
    const event = stripe.webhooks.constructEvent(body, signature, SECRET, 300, undefined, clock.time);
    const fetched = await stripe.events.retrieve(event.id);
    expect({ ...fetched, pending_webhooks: 1 }).toEqual(event);
    const verify = (text: string, secret: string, at: number) => () =>
      stripe.webhooks.constructEvent(text, signature, secret, 300, undefined, at);
    expect(verify(body, THIN_SECRET, clock.time)).toThrow('No signatures found');
    expect(verify(JSON.stringify(event), SECRET, clock.time)).toThrow('No signatures found');
    expect(verify(body, SECRET, clock.time + 301_000)).toThrow('Timestamp outside the tolerance zone');
  }
  const { data } = await stripe.events.list({ limit: 100 });
  expect(data.map(({ id }) => id).reverse()).toEqual(received.map(({ body }) => JSON.parse(body).id));
  const meters = await stripe.events.list({ types: ['billing.meter.deactivated'] });
  expect(meters.data).toMatchObject([{ data: { object: { id: meter.id, status: 'inactive' } } }]);
});

test('asynchronous errors come as a thin event, once a minute, with examples by their idempotency keys', async () => {
  const { stripe, simulator, passUntil, received, report, clock, meter } = await createEndpointScene();
  simulator.faults.add({ kind: 'reject_async', times: 7 });
  simulator.faults.add({ kind: 'reject_async', code: 'archived_meter' });
  for (let index = 0; index < 8; index += 1) await report(1, { identifier: `r${index}`, key: `r${index}:1` });
  await passUntil(clock.time + 2 * MINUTE);
  const [notified, ...others] = received;
  expect(others).toEqual([]);
  const { body = '', signature = '' } = notified ?? {};
  expect(JSON.parse(body)).not.toHaveProperty('data');
  expect(() => stripe.webhooks.constructEvent(body, signature, THIN_SECRET, 1e9)).toThrow(/thin/);
  const notification = stripe.parseEventNotification(
    body,
    signature,
    THIN_SECRET,
    300,
    undefined,
    clock.time,
  );
  if (notification.type !== 'v1.billing.meter.error_report_triggered') throw new Error(notification.type);
  expect(notification.related_object).toMatchObject({ id: meter.id, type: 'billing.meter' });
  const { data } = await notification.fetchEvent();
  expect(data.reason.error_count).toBe(8);
  const sample = (index: number) => ({ request: { identifier: `r${index}:1` } });
  expect(data.reason.error_types).toMatchObject([
    {
      code: 'meter_event_customer_not_found',
      error_count: 7,
      sample_errors: [0, 1, 2, 3, 4].map(sample),
    },
    { code: 'archived_meter', error_count: 1, sample_errors: [sample(7)] },
  ]);
  const retrieved = await stripe.v2.core.events.retrieve(notification.id);
  expect(retrieved).toMatchObject({ id: notification.id, data: { reason: { error_count: 8 } } });
});

test('events that no meter takes are told of by an event of their own', async () => {
  const { stripe, simulator, passUntil, received, report, clock } = await createEndpointScene();
  simulator.faults.add({ kind: 'reject_async', code: 'no_meter' });
  await report(1, { key: 'k' });
  await passUntil(clock.time + 2 * MINUTE);
  const { id, type } = JSON.parse(received[0]?.body ?? '{}');
  expect(type).toBe('v1.billing.meter.no_meter_found');
  await expect(stripe.v2.core.events.retrieve(id)).resolves.toMatchObject({
    data: { reason: { error_types: [{ code: 'no_meter' }] } },
  });
});

test('what the endpoint refuses, or does not answer, is tried again for three days', async () => {
  const { simulator, subscribe, passUntil, endpoint, clock, received } = await createEndpointScene();
  const answers = [
    () => new Response(null, { status: 500 }),
    () => {
      throw new Error('The endpoint is down.');
    },
    () => new Response(null, { status: 302, headers: { Location: 'https://elsewhere.example' } }),
  ];
  let count = 0;
  endpoint.answer = () => {
    count += 1;
    return answers[(count - 1) % answers.length]?.() ?? new Response();
  };
  simulator.webhookFaults.add({ kind: 'drop', type: 'invoice.', times: Number.POSITIVE_INFINITY });
  const start = clock.time;
  await subscribe();
  await passUntil(start + 5 * DAY);
  const attempts = simulator.webhookAttempts();
  expect(new Set(attempts.map(({ event }) => event)).size).toBe(1);
  expect(attempts.slice(0, 3).map(({ status }) => status)).toEqual([500, null, 302]);
  expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, index) => index + 1));
  expect(attempts.length).toBeGreaterThan(8);
  expect((attempts.at(-1)?.at_ms ?? 0) - start).toBeGreaterThan(2 * DAY);
  expect((attempts.at(-1)?.at_ms ?? 0) - start).toBeLessThanOrEqual(3 * DAY);
  const signatures = new Set(received.map(({ signature }) => signature));
  expect(signatures.size).toBe(received.length);
});

test('an endpoint that answers again gets what it missed, once', async () => {
  const { subscribe, passUntil, endpoint, clock, types, received } = await createEndpointScene();
  endpoint.answer = () => new Response(null, { status: 503 });
  await subscribe();
  await passUntil(clock.time);
  received.splice(0);
  endpoint.answer = () => new Response(null, { status: 204 });
  await passUntil(clock.time + HOUR);
  expect(types().sort()).toEqual([
    'customer.subscription.created',
    'invoice.created',
    'invoice.finalized',
    'invoice.paid',
  ]);
});

test('events are dropped, doubled, delayed and reordered on demand, the same for the same seed', async () => {
  const run = async (seed: number) => {
    const { simulator, subscribe, passUntil, types, clock } = await createEndpointScene({ seed });
    const always = { times: Number.POSITIVE_INFINITY };
    simulator.webhookFaults.add({ kind: 'drop', type: 'invoice.paid' });
    simulator.webhookFaults.add({ kind: 'duplicate', ...always, skip: 1 });
    simulator.webhookFaults.add({ kind: 'reorder', ...always, within_ms: HOUR, probability: 0.9 });
    await subscribe();
    await passUntil(clock.time + 2 * HOUR);
    return types();
  };
  const runs = await Promise.all([1, 2, 3, 4].map(run));
  expect(await Promise.all([1, 2, 3, 4].map(run))).toEqual(runs);
  expect(new Set(runs.map(String)).size).toBeGreaterThan(1);
  for (const types of runs) {
    expect(types.toSorted()).toEqual([
      'customer.subscription.created',
      'invoice.created',
      'invoice.created',
      'invoice.finalized',
      'invoice.finalized',
    ]);
  }
});

test('a delayed event comes as late as asked for', async () => {
  const { simulator, subscribe, clock } = await createEndpointScene();
  simulator.webhookFaults.add({ kind: 'delay', times: 4, within_ms: 2 * HOUR });
  await subscribe();
  await simulator.deliverWebhooks();
  expect(simulator.webhookAttempts()).toEqual([]);
  expect(simulator.nextEventAt()).toBe(clock.time + 2 * HOUR);
});

test('events and their deliveries survive with the state file', async () => {
  const folder = mkdtempSync(join(FAST_FOLDER, 'stripe-webhooks-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const state_file = join(folder, 'stripe.db');
  const { simulator, subscribe, passUntil, endpoint, clock, report } = await createEndpointScene({
    state_file,
  });
  endpoint.answer = () => new Response(null, { status: 500 });
  simulator.faults.add({ kind: 'reject_async' });
  await report(1, { key: 'k' });
  await subscribe();
  await passUntil(clock.time);
  await simulator.close();
  const types: string[] = [];
  const again = createSimulatedStripe({
    clock,
    state_file,
    webhooks: {
      deliver: async (request) => {
        types.push(String(((await request.json()) as { type: unknown }).type));
        return new Response();
      },
      secret: SECRET,
      thin_secret: THIN_SECRET,
    },
  });
  clock.time += 2 * HOUR;
  await again.simulator.deliverWebhooks();
  expect(types.toSorted()).toEqual([
    'customer.subscription.created',
    'invoice.created',
    'invoice.finalized',
    'invoice.paid',
    'v1.billing.meter.error_report_triggered',
  ]);
  await again.simulator.close();
});

test('an endpoint is reached over HTTP as well', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      bodies.push(`${request.method} ${request.headers['content-type']} ${JSON.parse(body).type}`);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const { simulator, subscribe } = await createCreditsScene({
    webhooks: { deliver: `http://127.0.0.1:${port}/webhooks`, secret: SECRET },
  }).then((scene) => ({
    ...scene,
    subscribe: () =>
      scene.stripe.subscriptions.create({
        customer: scene.customer.id,
        items: [{ price: scene.price.id }],
        billing_mode: { type: 'classic' },
      }),
  }));
  await subscribe();
  await simulator.deliverWebhooks();
  expect(bodies[0]).toBe('POST application/json; charset=utf-8 customer.subscription.created');
  expect(bodies).toHaveLength(4);
});

test('without an endpoint nothing is kept; without a second one thin events are not', async () => {
  const { stripe, simulator, customer, price, report, clock } = await createCreditsScene({
    lag_minutes: [0, 0],
  });
  await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  await simulator.deliverWebhooks();
  expect((await stripe.events.list()).data).toEqual([]);
  simulator.faults.add({ kind: 'reject_async' });
  await report(1);
  clock.time += 5 * MINUTE;
  simulator.settle();
  expect(simulator.webhookAttempts()).toEqual([]);
});
