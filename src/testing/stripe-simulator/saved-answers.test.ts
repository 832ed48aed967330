import { expect, test } from 'vitest';
import { createCreditsScene, DAY, refusal } from '../../../test/support/credits-scene.ts';

test('a repeated Idempotency-Key replays the answer and has no second effect, for 24 hours', async () => {
  const { clock, simulator, stripe } = await createCreditsScene();
  const create = () => stripe.customers.create({ name: 'Grace' }, { idempotencyKey: 'key-1' });
  const first = await create();
  clock.time += DAY - 1;
  const again = await create();
  expect(again.id).toBe(first.id);
  expect(simulator.requests().at(-1)).toMatchObject({ replayed: true, idempotency_key: 'key-1' });
  clock.time += 1;
  expect((await create()).id).not.toBe(first.id);
});

test('a key is refused for other parameters and for another route', async () => {
  const { stripe } = await createCreditsScene();
  await stripe.customers.create({ name: 'Grace', metadata: { a: '1', b: '2' } }, { idempotencyKey: 'key-1' });
  // The order of parameters does not matter.
  await stripe.customers.create({ metadata: { b: '2', a: '1' }, name: 'Grace' }, { idempotencyKey: 'key-1' });
  for (const call of [
    stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'key-1' }),
    stripe.products.create({ name: 'Grace' }, { idempotencyKey: 'key-1' }),
  ]) {
    expect(await refusal(call)).toMatchObject({
      type: 'StripeIdempotencyError',
      rawType: 'idempotency_error',
      statusCode: 400,
    });
  }
});

test('a refused request can be corrected under its key', async () => {
  const { stripe } = await createCreditsScene();
  await refusal(
    stripe.prices.create({ currency: 'usd', unit_amount: 1, product: 'p' }, { idempotencyKey: 'k' }),
  );
  await stripe.products.create({ id: 'p', name: 'P' });
  const price = await stripe.prices.create(
    { currency: 'usd', unit_amount: 1, product: 'p' },
    { idempotencyKey: 'k' },
  );
  expect(price.product).toBe('p');
});

test.each(['500_before', '500_after'] as const)('a %s is saved and replayed for 24 hours', async (kind) => {
  const { clock, simulator, customer, report } = await createCreditsScene({ lag_minutes: [0, 0] });
  const timestamp = clock.time;
  simulator.faults.add({ kind, path: '/v1/billing/meter_events' });
  const send = () => report(25, { identifier: 'report-1', key: 'report-1:1', timestamp });
  expect(await refusal(send())).toMatchObject({
    statusCode: 500,
    type: 'StripeAPIError',
    rawType: 'api_error',
  });
  clock.time += DAY - 1;
  const replayed = await refusal(send());
  expect(replayed.statusCode).toBe(500);
  expect(replayed.headers?.['idempotent-replayed']).toBe('true');
  expect(simulator.counted(customer.id, 'credits', timestamp, timestamp + 1)).toBe(
    kind === '500_after' ? 25 : 0,
  );

  // Under a new key the truth comes out.
  const truth = report(25, { identifier: 'report-1', key: 'report-1:2', timestamp });
  if (kind === '500_after') expect((await refusal(truth)).message).toMatch(/already exists/);
  else await truth;
  expect(simulator.counted(customer.id, 'credits', timestamp, timestamp + 1)).toBe(25);
});
