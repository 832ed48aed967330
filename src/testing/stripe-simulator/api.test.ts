import { expect, test } from 'vitest';
import { JANUARY_31 } from '../../../test/support/credits-scene.ts';
import { createStripeSimulator } from './stripe-simulator.ts';

// These requests are ones that the SDK would not send, so they go to the simulator directly.
function createSimulator() {
  const simulator = createStripeSimulator({ clock: { now: () => JANUARY_31 } });
  const send = async (method: string, path: string, body?: string, key: string | null = 'sk_test_x') => {
    const response = await simulator.fetch(`https://api.stripe.com${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return { simulator, send };
}

test.each([null, '', 'sk_live_x', 'pk_test_x', 'whsec_x'])('the key %j is refused', async (key) => {
  const { status, body } = await createSimulator().send('GET', '/v1/prices', undefined, key);
  expect(status).toBe(401);
  expect(body).toMatchObject({ error: { type: 'invalid_request_error' } });
  expect(JSON.stringify(body)).not.toContain('sk_live_x');
});

test('any secret or restricted test key is accepted', async () => {
  const { send } = createSimulator();
  for (const key of ['sk_test_x', 'rk_test_51AbC']) {
    expect((await send('GET', '/v1/prices', undefined, key)).status).toBe(200);
  }
});

test.each([
  ['GET', '/v1/unicorns'],
  ['GET', '/'],
  ['PUT', '/v1/prices'],
  ['GET', '/v1/customers/search'],
  ['POST', '/v1/invoices/in_1/send'],
])("an unknown route (%s %s) is a 404 in Stripe's format", async (method, path) => {
  const { status, body, headers } = await createSimulator().send(method, path);
  expect(status).toBe(404);
  expect(body).toMatchObject({ error: { message: expect.stringContaining(`${method}: ${path}`) } });
  expect(headers.get('Request-Id')).toMatch(/^req_\d+$/);
});

test.each([
  ['/v1/prices', 'colour=red', 'parameter_unknown', 'colour'],
  ['/v1/prices', 'unit_amount=1', 'parameter_missing', 'currency'],
  ['/v1/prices', 'currency=usd&unit_amount=1.5', 'parameter_invalid_integer', 'unit_amount'],
  ['/v1/prices', 'currency=usd&active=yes', undefined, 'active'],
  ['/v1/prices', 'currency=usd&tiers_mode=volumetric', undefined, 'tiers_mode'],
  ['/v1/prices', 'currency=usd&recurring=month', undefined, 'recurring'],
  ['/v1/prices', 'currency=usd&tiers[a][up_to]=1', undefined, 'tiers'],
  ['/v1/prices', 'currency=usd&tiers[0][color]=1', 'parameter_unknown', 'tiers[0][color]'],
  ['/v1/prices', 'currency=usd&unit_amount_decimal=1.1234567890123', undefined, 'unit_amount_decimal'],
  ['/v1/prices', 'currency=', 'parameter_invalid_empty', 'currency'],
  ['/v1/customers', `metadata[${'k'.repeat(41)}]=x`, undefined, `metadata[${'k'.repeat(41)}]`],
  ['/v1/customers', 'metadata=x', undefined, 'metadata'],
  ['/v1/billing/meter_events', 'event_name=a&payload[a][b]=1', undefined, 'payload[a]'],
  [
    '/v1/billing/meter_events',
    `event_name=a&payload[a]=1&identifier=${'i'.repeat(101)}`,
    undefined,
    'identifier',
  ],
])('%s refuses %s', async (path, params, code, param) => {
  const { simulator, send } = createSimulator();
  const { status, body } = await send('POST', path, params);
  expect(status).toBe(400);
  const { error } = body as { error: Record<string, unknown> };
  expect(error).toMatchObject({ type: 'invalid_request_error', param });
  expect(error['code']).toBe(code);
  expect(simulator.events()).toEqual([]);
});

test('a rejected promise is all that a lost connection leaves', async () => {
  const { simulator, send } = createSimulator();
  simulator.faults.add({ kind: 'reset' });
  await expect(send('GET', '/v1/prices')).rejects.toMatchObject({
    message: 'fetch failed',
    cause: { code: 'ECONNRESET' },
  });
});

test('closing ends the requests that hang', async () => {
  const { simulator, send } = createSimulator();
  simulator.faults.add({ kind: 'hang' });
  const hanging = expect(send('GET', '/v1/prices')).rejects.toThrow('fetch failed');
  await new Promise((resolve) => setImmediate(resolve));
  await simulator.close();
  await hanging;
});
