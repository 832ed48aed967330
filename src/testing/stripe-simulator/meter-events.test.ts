import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCreditsScene, DAY, HOUR, MINUTE, refusal } from '../../../test/support/credits-scene.ts';

test('an accepted event is not counted before its lag has passed, and then exactly once', async () => {
  const { clock, simulator, stripe, meter, customer, report } = await createCreditsScene();
  const start = clock.time;
  await report(25);
  const [event] = simulator.events();
  const due = event?.due_at_ms ?? 0;
  expect(due).toBeGreaterThanOrEqual(start);
  expect(due).toBeLessThanOrEqual(start + 30 * MINUTE);
  expect(simulator.nextEventAt()).toBe(due);

  const summary = async () => {
    const { data } = await stripe.billing.meters.listEventSummaries(meter.id, {
      customer: customer.id,
      start_time: start / 1000,
      end_time: start / 1000 + 60,
    });
    return data.map(({ aggregated_value }) => aggregated_value);
  };
  clock.time = due - 1;
  expect(await summary()).toEqual([0]);
  expect(simulator.counted(customer.id, 'credits', start, start + MINUTE)).toBe(0);
  for (const time of [due, due + 1, due + DAY]) {
    clock.time = time;
    expect(await summary()).toEqual([25]);
    expect(simulator.counted(customer.id, 'credits', start, start + MINUTE)).toBe(25);
  }
  expect(simulator.nextEventAt()).toBeNull();
});

test('the lags depend on the seed and on nothing else', async () => {
  const lags = async (seed: number) => {
    const { clock, simulator, report } = await createCreditsScene({ seed });
    for (let count = 0; count < 5; count += 1) await report(1);
    return simulator.events().map(({ due_at_ms }) => due_at_ms - clock.time);
  };
  expect(new Set(await lags(7)).size).toBe(5);
  expect(await lags(7)).toEqual(await lags(7));
  expect(await lags(7)).not.toEqual(await lags(8));
});

test('a duplicate identifier is refused as documented, and counted once', async () => {
  const { clock, simulator, customer, report } = await createCreditsScene({ lag_minutes: [0, 0] });
  await report(25, { identifier: 'report-1' });
  const error = await refusal(report(25, { identifier: 'report-1' }));
  expect(error).toMatchObject({
    type: 'StripeInvalidRequestError',
    rawType: 'invalid_request_error',
    statusCode: 400,
    message: 'An event already exists with identifier report-1.',
  });
  expect(error.code).toBeUndefined();
  expect(error.headers?.['stripe-should-retry']).toBe('false');
  expect(error.requestId).toMatch(/^req_/);
  expect(simulator.counted(customer.id, 'credits', clock.time - DAY, clock.time + DAY)).toBe(25);
});

test('an identifier is forgotten after 24 hours, and the event then counts again', async () => {
  const { clock, simulator, customer, report } = await createCreditsScene({ lag_minutes: [0, 0] });
  const timestamp = clock.time;
  await report(25, { identifier: 'report-1', timestamp });
  clock.time += DAY - 1;
  await refusal(report(25, { identifier: 'report-1', timestamp }));
  clock.time += 1;
  await report(25, { identifier: 'report-1', timestamp });
  expect(simulator.counted(customer.id, 'credits', timestamp, timestamp + 1)).toBe(50);
});

test('a timestamp may be 35 days old and 5 minutes ahead, and not a second more', async () => {
  const { clock, report } = await createCreditsScene();
  await report(1, { timestamp: clock.time - 35 * DAY });
  await report(1, { timestamp: clock.time + 5 * MINUTE });
  const past = await refusal(report(1, { timestamp: clock.time - 35 * DAY - 1000 }));
  expect(past).toMatchObject({ statusCode: 400, code: 'timestamp_too_far_in_past', param: 'timestamp' });
  const future = await refusal(report(1, { timestamp: clock.time + 5 * MINUTE + 1000 }));
  expect(future).toMatchObject({ statusCode: 400, code: 'timestamp_in_future', param: 'timestamp' });
});

test.each(['', 'ten', '1e3', '0x10', '1,000', 'NaN', '1.5.1', '٣'])(
  'the value %j is refused',
  async (value) => {
    const { simulator, report } = await createCreditsScene();
    const { statusCode } = await refusal(report(value));
    expect(statusCode).toBe(400);
    expect(simulator.events()).toEqual([]);
  },
);

test('a value has at most 15 digits; negative values and fractions are values', async () => {
  const { clock, simulator, customer, report } = await createCreditsScene({ lag_minutes: [0, 0] });
  for (const value of ['999999999999999', '-999999999999999', '0.5', '007']) await report(value);
  expect(simulator.counted(customer.id, 'credits', clock.time, clock.time + 1)).toBe(7.5);
  expect(await refusal(report('1000000000000000'))).toMatchObject({
    code: 'meter_event_value_too_many_digits',
  });
});

test('an unknown meter, an archived meter and an incomplete payload are refused at once', async () => {
  const { stripe, meter, customer, simulator } = await createCreditsScene();
  const send = (event_name: string, payload: Record<string, string>) =>
    refusal(stripe.billing.meterEvents.create({ event_name, payload }));
  const payload = { stripe_customer_id: customer.id, value: '1' };
  expect(await send('debits', payload)).toMatchObject({ statusCode: 400, code: 'no_meter' });
  expect(await send('credits', { value: '1' })).toMatchObject({ code: 'meter_event_no_customer_defined' });
  expect(await send('credits', { stripe_customer_id: customer.id })).toMatchObject({
    code: 'meter_event_value_not_found',
  });
  await stripe.billing.meters.deactivate(meter.id);
  expect(await send('credits', payload)).toMatchObject({ code: 'archived_meter' });
  await stripe.billing.meters.reactivate(meter.id);
  expect(simulator.events()).toEqual([]);
});

test('events of unknown and deleted customers are accepted, and rejected later', async () => {
  const { clock, simulator, stripe, customer, report } = await createCreditsScene();
  await stripe.billing.meterEvents.create(
    { event_name: 'credits', payload: { stripe_customer_id: 'cus_unknown', value: '1' }, identifier: 'a' },
    { idempotencyKey: 'a:1' },
  );
  await report(1, { identifier: 'b' });
  await stripe.customers.del(customer.id);
  expect(simulator.asyncErrors()).toEqual([]);
  clock.time += 30 * MINUTE;
  expect(simulator.counted(customer.id, 'credits', 0, clock.time)).toBe(0);
  const errors = simulator
    .asyncErrors()
    .map(({ identifier, code, idempotency_key }) => [identifier, code, idempotency_key]);
  expect(errors.sort()).toEqual([
    ['a', 'meter_event_customer_not_found', 'a:1'],
    ['b', 'meter_event_customer_not_found', expect.stringMatching(/^stripe-node-retry-/)],
  ]);
});

test('an event whose meter is archived before it is counted is rejected', async () => {
  const { clock, simulator, stripe, meter, report } = await createCreditsScene({ lag_minutes: [1, 1] });
  await report(1);
  await stripe.billing.meters.deactivate(meter.id);
  clock.time += MINUTE;
  expect(simulator.asyncErrors()).toMatchObject([{ code: 'archived_meter' }]);
});

test.each([
  ['sum', 12],
  ['count', 3],
  ['last', 4],
] as const)('a meter with the formula %s counts by it', async (formula, expected) => {
  const { clock, simulator, stripe, customer } = await createCreditsScene({ lag_minutes: [0, 0] });
  await stripe.billing.meters.create({
    display_name: 'M',
    event_name: 'm',
    default_aggregation: { formula },
  });
  for (const [value, age] of [
    ['3', 60],
    ['4', 0],
    ['5', 120],
  ] as const) {
    await stripe.billing.meterEvents.create({
      event_name: 'm',
      payload: { stripe_customer_id: customer.id, value },
      timestamp: clock.time / 1000 - age,
    });
  }
  expect(simulator.counted(customer.id, 'm', clock.time - HOUR, clock.time + 1)).toBe(expected);
});

test('whatever the order of events and time, what is counted is the sum of accepted events whose lag has passed', async () => {
  const step = fc.oneof(
    fc.record({ value: fc.integer({ min: 1, max: 1000 }), identifier: fc.constantFrom('a', 'b', 'c', 'd') }),
    fc.record({ wait: fc.integer({ min: 1, max: 20 * 60 * MINUTE }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.integer(), async (steps, seed) => {
      const { clock, simulator, customer, report } = await createCreditsScene({ seed: seed >>> 0 });
      for (const one of steps) {
        if ('wait' in one) clock.time += one.wait;
        else await report(one.value, { identifier: one.identifier }).catch(() => {});
        const counted = simulator.counted(customer.id, 'credits', 0, clock.time + DAY);
        const due = simulator.events().filter(({ due_at_ms }) => due_at_ms <= clock.time);
        expect(counted).toBe(due.reduce((sum, { value }) => sum + Number(value), 0));
      }
    }),
    { numRuns: 40 },
  );
});
