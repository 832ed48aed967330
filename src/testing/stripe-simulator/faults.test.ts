import { expect, test } from 'vitest';
import { createCreditsScene, HOUR, MINUTE, refusal } from '../../../test/support/credits-scene.ts';

const EVENTS = '/v1/billing/meter_events';

async function scene() {
  const created = await createCreditsScene({ lag_minutes: [0, 0] });
  const { simulator, customer, clock } = created;
  return { ...created, counted: () => simulator.counted(customer.id, 'credits', 0, clock.time + HOUR) };
}

test('a 429 says when to come back and has no effect', async () => {
  const { simulator, report, counted } = await scene();
  simulator.faults.add({ kind: '429', path: EVENTS, retry_after_s: 7 });
  const error = await refusal(report(25, { key: 'k' }));
  expect(error).toMatchObject({ type: 'StripeRateLimitError', statusCode: 429, code: 'rate_limit' });
  expect(error.headers).toMatchObject({ 'retry-after': '7', 'stripe-rate-limited-reason': 'global-rate' });
  expect(counted()).toBe(0);
  await report(25, { key: 'k' });
  expect(counted()).toBe(25);
});

test('a 409 has no effect and is not remembered', async () => {
  const { simulator, report, counted } = await scene();
  simulator.faults.add({ kind: '409', path: EVENTS });
  expect(await refusal(report(25, { key: 'k' }))).toMatchObject({
    statusCode: 409,
    code: 'idempotency_key_in_use',
    rawType: 'idempotency_error',
  });
  expect(counted()).toBe(0);
  await report(25, { key: 'k' });
  expect(counted()).toBe(25);
});

test.each([
  ['reset', 0],
  ['reset_after', 25],
] as const)('a %s is a connection error after which %d is counted', async (kind, expected) => {
  const { simulator, report, counted } = await scene();
  simulator.faults.add({ kind, path: EVENTS });
  expect((await refusal(report(25))).type).toBe('StripeConnectionError');
  expect(counted()).toBe(expected);
  expect(simulator.requests().at(-1)).toMatchObject({ status: null, body: null, fault: kind });
});

test('after a lost answer the same key gets the answer', async () => {
  const { simulator, stripe } = await scene();
  simulator.faults.add({ kind: 'reset_after', path: '/v1/customers' });
  const create = () => stripe.customers.create({ name: 'Grace' }, { idempotencyKey: 'k' });
  await refusal(create());
  const { id } = await create();
  expect(simulator.requests().at(-1)).toMatchObject({ replayed: true });
  expect(await stripe.customers.retrieve(id)).toMatchObject({ name: 'Grace' });
});

test('a hanging request ends with the timeout of the client, without effect', async () => {
  const { simulator, stripe, customer, counted } = await scene();
  simulator.faults.add({ kind: 'hang', path: EVENTS });
  const event = { event_name: 'credits', payload: { stripe_customer_id: customer.id, value: '25' } };
  const error = await refusal(stripe.billing.meterEvents.create(event, { timeout: 10 }));
  expect(error).toMatchObject({ type: 'StripeConnectionError', message: expect.stringMatching(/timeout/) });
  expect(counted()).toBe(0);
});

test('a request that its sender gave up can take effect later, as a zombie', async () => {
  const { clock, simulator, report, counted, customer } = await scene();
  simulator.faults.add({ kind: 'reset', path: EVENTS, effect_after_ms: 10 * MINUTE });
  const send = () => report(25, { identifier: 'report-1', key: 'k' });
  await refusal(send());
  expect(simulator.nextEventAt()).toBe(clock.time + 10 * MINUTE);
  expect(await refusal(send())).toMatchObject({ statusCode: 409 });
  clock.time += 10 * MINUTE - 1;
  expect(counted()).toBe(0);
  clock.time += 1;
  expect(counted()).toBe(25);
  await refusal(report(25, { identifier: 'report-1', key: 'k:2' }));
  expect(simulator.counted(customer.id, 'credits', 0, clock.time + HOUR)).toBe(25);
});

test('a zombie that comes after its repetition is a duplicate', async () => {
  const { clock, simulator, report, counted } = await scene();
  simulator.faults.add({ kind: 'reset', path: EVENTS, effect_after_ms: HOUR });
  await refusal(report(25, { identifier: 'report-1', key: 'k:1' }));
  await report(25, { identifier: 'report-1', key: 'k:2' });
  clock.time += 2 * HOUR;
  expect(counted()).toBe(25);
});

test.each(['html_200', 'empty_200'] as const)(
  'an %s answer is an error to the SDK, without effect',
  async (kind) => {
    const { simulator, report, counted } = await scene();
    simulator.faults.add({ kind, path: EVENTS });
    expect((await refusal(report(25))).message).toBe('Invalid JSON received from the Stripe API');
    expect(counted()).toBe(0);
    expect(simulator.requests().at(-1)).toMatchObject({ status: 200, body: null, fault: kind });
  },
);

test('an other_200 answers with somebody else’s event, without effect', async () => {
  const { simulator, report, counted } = await scene();
  simulator.faults.add({ kind: 'other_200', path: EVENTS });
  await report(25, { identifier: 'mine' });
  expect(simulator.requests().at(-1)).toMatchObject({ status: 200, body: { identifier: 'other' } });
  expect(counted()).toBe(0);
});

test('an event can be accepted and rejected later', async () => {
  const { simulator, report, counted, clock } = await scene();
  simulator.faults.add({ kind: 'reject_async', code: 'meter_event_invalid_value' });
  await report(25, { identifier: 'a', key: 'a:1' });
  await report(5, { identifier: 'b' });
  expect(counted()).toBe(5);
  expect(simulator.asyncErrors()).toMatchObject([
    { identifier: 'a', idempotency_key: 'a:1', code: 'meter_event_invalid_value', at_ms: clock.time },
  ]);
  expect(simulator.events().map(({ status }) => status)).toEqual(['rejected', 'counted']);
});

test('a fault hits the requests that it names, after those that it skips, as often as it says', async () => {
  const { simulator, stripe } = await scene();
  simulator.faults.add({ kind: '429', method: 'GET', path: /^\/v1\/customers\/[^/]+$/, skip: 1, times: 2 });
  const statuses: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    await stripe.customers.create({});
    statuses.push((await refusal(stripe.customers.retrieve('cus_x'))).statusCode ?? 0);
  }
  expect(statuses).toEqual([404, 429, 429, 404, 404]);
});

test('an outage lasts until the faults are cleared', async () => {
  const { simulator, stripe } = await scene();
  simulator.faults.add({ kind: 'reset', times: Number.POSITIVE_INFINITY });
  for (let count = 0; count < 3; count += 1) await refusal(stripe.customers.create({}));
  simulator.faults.clear();
  await stripe.customers.create({});
});
