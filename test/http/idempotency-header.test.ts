import { expect, test } from 'vitest';
import { createBilled } from './billed.ts';
import { APP, readRoutes, sampleOf } from './operations.ts';

/** Routes that keep keys. */
const KEEPING = ['recordUsage', 'createSubscription', 'adjustUsage'];

const operations = await readRoutes();
const changing = operations.filter(({ access }) => access !== undefined && access.scope !== 'read');

test.each(changing.map((operation) => [operation.operationId, operation] as const))(
  '%s takes the header Idempotency-Key where it keeps keys, and otherwise refuses what it would promise',
  async (operationId, operation) => {
    const { send, createKey, subscribe, usage } = await createBilled({ allowed_origins: [APP] });
    await subscribe('a');
    const { path, method, body } = sampleOf(operation, 'a');
    const key = await createKey(['admin']);
    const before = await usage.get({ account: 'a' });
    const { status, json } = await send(method, path, { key, body, headers: { 'idempotency-key': 'k' } });
    if (KEEPING.includes(operationId)) return expect(json.code).not.toBe('invalid_idempotency_key');
    expect([status, json.code, json.field]).toEqual([400, 'invalid_idempotency_key', 'Idempotency-Key']);
    expect(await usage.get({ account: 'a' })).toEqual(before);
  },
);

test('what only reads lets it pass', async () => {
  const { send, createKey, subscribe } = await createBilled();
  await subscribe('a');
  const key = await createKey(['read']);
  const headers = { 'idempotency-key': 'k' };
  expect((await send('GET', '/v1/usage?account=a', { key, headers })).status).toBe(200);
  const body = { account: 'a', plan: 'business' };
  expect((await send('POST', '/v1/plans/preview', { key, body, headers })).status).toBe(200);
});
