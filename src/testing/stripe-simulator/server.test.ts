import Stripe from 'stripe';
import { afterEach, expect, test } from 'vitest';
import { createCreditsScene, MINUTE, refusal } from '../../../test/support/credits-scene.ts';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listeningScene() {
  const scene = await createCreditsScene({ lag_minutes: [0, 0] });
  const server = await scene.simulator.listen();
  closing.push(scene.simulator.close);
  const { host, port, protocol } = server;
  const overHttp = new Stripe('sk_test_x', { host, port, protocol, telemetry: false, maxNetworkRetries: 0 });
  return { ...scene, server, overHttp };
}

test('over HTTP and in process it is one account', async () => {
  const { clock, simulator, stripe, overHttp, customer, price, meter, server } = await listeningScene();
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  const { id } = await overHttp.subscriptions.create(
    { customer: customer.id, items: [{ price: price.id }] },
    { idempotencyKey: 'over-http' },
  );
  await overHttp.billing.meterEvents.create({
    event_name: 'credits',
    payload: { stripe_customer_id: customer.id, value: '25' },
  });
  expect(simulator.counted(customer.id, 'credits', clock.time, clock.time + 1)).toBe(25);
  const summaries = await overHttp.billing.meters.listEventSummaries(meter.id, {
    customer: customer.id,
    start_time: clock.time / 1000,
    end_time: clock.time / 1000 + 60,
  });
  expect(summaries.data).toMatchObject([{ aggregated_value: 25 }]);
  const expand = ['items.data.price.tiers'];
  const seen = await overHttp.subscriptions.retrieve(id, { expand });
  expect({ ...seen }).toEqual({ ...(await stripe.subscriptions.retrieve(id, { expand })) });
  expect((await overHttp.subscriptions.cancel(id, { invoice_now: true })).status).toBe('canceled');
  expect(simulator.invoices(customer.id).at(-1)).toMatchObject({ total: 0 });
});

test('refusals arrive with their code and headers', async () => {
  const { overHttp, customer } = await listeningScene();
  const event = {
    event_name: 'credits',
    payload: { stripe_customer_id: customer.id, value: '25' },
    identifier: 'report-1',
  };
  await overHttp.billing.meterEvents.create(event);
  const error = await refusal(overHttp.billing.meterEvents.create(event));
  expect(error.message).toBe('An event already exists with identifier report-1.');
  expect(error.headers).toMatchObject({ 'stripe-should-retry': 'false' });
});

test('the SDK repeats a request once on its own when the connection was reset, so the key must hold', async () => {
  const { clock, simulator, overHttp, customer } = await listeningScene();
  simulator.faults.add({ kind: 'reset_after' });
  await overHttp.billing.meterEvents.create({
    event_name: 'credits',
    payload: { stripe_customer_id: customer.id, value: '25' },
  });
  const last = simulator.requests().slice(-2);
  expect(last.map(({ fault, replayed }) => [fault, replayed])).toEqual([
    ['reset_after', false],
    [null, true],
  ]);
  expect(simulator.counted(customer.id, 'credits', clock.time, clock.time + MINUTE)).toBe(25);

  simulator.faults.add({ kind: 'reset', times: 2 });
  expect((await refusal(overHttp.customers.create({}))).type).toBe('StripeConnectionError');
});

test('hanging and unreadable answers are errors to the SDK', async () => {
  const { simulator, overHttp } = await listeningScene();
  simulator.faults.add({ kind: 'hang' });
  expect((await refusal(overHttp.customers.create({}, { timeout: 30 }))).message).toMatch(/timeout/);
  simulator.faults.add({ kind: 'html_200' });
  expect((await refusal(overHttp.customers.create({}))).message).toMatch(/Invalid JSON/);
  simulator.faults.add({ kind: 'empty_200' });
  expect((await refusal(overHttp.customers.create({}))).message).toMatch(/Invalid JSON/);
});

test('requests that arrive together are answered one after the other', async () => {
  const { clock, simulator, overHttp, customer } = await listeningScene();
  const send = () =>
    overHttp.billing.meterEvents.create({
      event_name: 'credits',
      payload: { stripe_customer_id: customer.id, value: '1' },
      identifier: 'same',
    });
  const results = await Promise.allSettled(Array.from({ length: 20 }, send));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(simulator.counted(customer.id, 'credits', clock.time, clock.time + MINUTE)).toBe(1);
});

test('a port that is taken is an error', async () => {
  const { simulator, server } = await listeningScene();
  await expect(simulator.listen({ port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
