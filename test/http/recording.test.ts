import { describe, expect, test } from 'vitest';
import { createServed } from './served.ts';

describe('recording', () => {
  test('an increment is counted, and read back with its cost', async () => {
    const { post, get, createKey, usage } = createServed();
    const writer = await createKey(['write']);
    const reader = await createKey(['read']);
    await usage.accounts.set({ account: 'acct_1', plan: 'pro' });
    const answer = await post('/v1/usage', writer, { account: 'acct_1', quantity: 1_200 });
    expect([answer.status, answer.json]).toEqual([200, { recorded: true, duplicate: false }]);
    const read = await get('/v1/usage?account=acct_1', reader);
    expect([read.status, read.json.quantity, read.json.cost.amount]).toEqual([200, 1_200, 1_800]);
    const cost = await get('/v1/usage/cost?account=acct_1', reader);
    expect(cost.json).toMatchObject({ plan: 'pro', quantity: 1_200, limit: null, cost: { amount: 1_800 } });
    expect(cost.json.price.tiers).toHaveLength(2);
    const windows = await get(
      '/v1/usage/windows?account=acct_1&window=day&time_zone=Europe/Berlin&period_start=2026-01-10&period_end=2026-01-12',
      reader,
    );
    expect(windows.json.windows).toEqual([
      { start: '2026-01-10T00:00:00.000Z', end: '2026-01-10T23:00:00.000Z', quantity: 1_200 },
      { start: '2026-01-10T23:00:00.000Z', end: '2026-01-11T23:00:00.000Z', quantity: 0 },
      { start: '2026-01-11T23:00:00.000Z', end: '2026-01-12T00:00:00.000Z', quantity: 0 },
    ]);
  });

  test('a batch answers item by item, and a bad item does not refuse the others', async () => {
    const { post, createKey, usage } = createServed();
    const key = await createKey(['write']);
    const increments = [
      { account: 'a', quantity: 2 },
      { account: 'a', quantity: -1 },
      { account: 'b', quantity: 3, idempotency_key: 'k' },
      { account: 'b', quantity: 3, idempotency_key: 'k' },
      { account: 'b', quantity: 4, idempotency_key: 'k' },
      { account: 'a', quantitiy: 5 },
      null,
    ];
    const { status, json } = await post('/v1/usage/batch', key, { increments });
    expect(status).toBe(200);
    expect([json.recorded, json.duplicate, json.failed]).toEqual([2, 1, 4]);
    expect(json.results.map((result: { error?: { code: string } }) => result.error?.code ?? result)).toEqual([
      { recorded: true, duplicate: false },
      'invalid_quantity',
      { recorded: true, duplicate: false },
      { recorded: false, duplicate: true },
      'idempotency_conflict',
      'invalid_parameter',
      'invalid_parameter',
    ]);
    expect((await usage.get({ account: 'a' })).quantity).toBe(2);
    expect((await usage.get({ account: 'b' })).quantity).toBe(3);
  });

  test('the header Idempotency-Key is the key of the increment', async () => {
    const { post, createKey, usage } = createServed();
    const key = await createKey(['write']);
    const body = { account: 'a', quantity: 2 };
    const send = (header: string, more = {}) =>
      post('/v1/usage', key, { ...body, ...more }, { 'Idempotency-Key': header });
    expect((await send('k')).json).toEqual({ recorded: true, duplicate: false });
    expect((await send('"k"')).json).toEqual({ recorded: false, duplicate: true });
    expect((await send('k', { idempotency_key: 'k' })).json).toEqual({ recorded: false, duplicate: true });
    expect((await send('k', { idempotency_key: 'other' })).json).toMatchObject({
      status: 400,
      code: 'invalid_idempotency_key',
      field: 'Idempotency-Key',
    });
    // As a header arrives whose bytes are the UTF-8 of é: in the body it is another key.
    expect((await send('Ã©', { account: 'b' })).json).toMatchObject({
      status: 400,
      code: 'invalid_idempotency_key',
      field: 'Idempotency-Key',
    });
    expect((await usage.accounts.list()).accounts).toMatchObject([{ account: 'a' }]);
    const batch = { increments: [body] };
    const refused = await post('/v1/usage/batch', key, batch, { 'Idempotency-Key': 'k' });
    expect([refused.status, refused.json.code]).toEqual([400, 'invalid_idempotency_key']);
  });
});

test('the document is OpenAPI 3.1 and names every route', async () => {
  const { get } = createServed();
  const { json } = await get('/openapi.json');
  expect(json.openapi).toBe('3.1.0');
  expect(Object.keys(json.paths)).toContain('/v1/usage/windows');
  const page = await get('/reference');
  expect(page.text).toContain('<h1>Tallybook HTTP API</h1>');
});
