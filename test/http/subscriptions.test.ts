import { describe, expect, test } from 'vitest';
import { createBilled } from './billed.ts';
import { APP } from './operations.ts';

const MINUTE = 60_000;
const ACCOUNT = 'acct_1';
const OTHER = 'acct_2';

/** Two accounts on `pro` with three seats, at 2 cents a credit; `business` costs 1 cent, and 62 dollars a seat. */
async function createScene(lag_minutes?: readonly [number, number]) {
  const billed = await createBilled({ allowed_origins: [APP] }, lag_minutes);
  for (const account of [ACCOUNT, OTHER]) {
    await billed.subscribe(account);
    await billed.usage.increment({ account, quantity: 70 });
  }
  await billed.pass(MINUTE);
  const { token } = await billed.usage.tokens.create({ account: ACCOUNT });
  return {
    ...billed,
    token,
    admin: await billed.createKey(['admin']),
    own: await billed.createKey(['admin'], ACCOUNT),
  };
}

describe('a change of the plan', () => {
  test('is previewed with a browser token, made with a key, and invoiced as it was previewed', async () => {
    const { post, get, token, admin, pass, invoiced, atStripe } = await createScene();
    const preview = await post('/v1/plans/preview', token, { plan: 'business' });
    expect(preview.json).toMatchObject({
      account: ACCOUNT,
      plan: 'business',
      interval: 'month',
      seats: 3,
      meters: [
        {
          meter: 'credits',
          quantity: 70,
          before: { unit_amount_decimal: '2', amount: 140 },
          after: { unit_amount_decimal: '1', amount: 70 },
        },
      ],
    });
    const { now, proration_date } = preview.json;
    expect(now.lines).toContainEqual(
      expect.objectContaining({ meter: 'credits', quantity: 70, amount: 140 }),
    );
    expect(await atStripe(ACCOUNT)).toMatchObject([{ items: { 'tallybook:pro:month:@seats': 3 } }]);
    const body = { account: ACCOUNT, plan: 'business', proration_date };
    expect((await post('/v1/plans/change', admin, body)).json).toMatchObject({
      kind: 'plan',
      plan: 'business',
    });
    await pass(MINUTE);
    const change = await get('/v1/subscription/change', token);
    expect(change.json).toMatchObject({ account: ACCOUNT, change: 1, status: 'done', reason: null });
    expect((await invoiced(ACCOUNT))[0]).toBe(now.total);
    expect((await get('/v1/subscription', token)).json).toMatchObject({
      account: ACCOUNT,
      status: 'active',
      plan: 'business',
      seats: 3,
    });
  });

  test('is told to a browser without what it waits for', async () => {
    const { post, get, token, own } = await createScene([12, 12]);
    expect((await get('/v1/subscription/change', token)).text).toBe('null');
    const changed = await post('/v1/plans/change', own, { plan: 'business' });
    expect(changed.json).toMatchObject({ status: 'pending', reason: expect.any(String) });
    const seen = await get('/v1/subscription/change', token);
    expect(seen.json).toEqual({ ...changed.json, reason: null });
    expect((await get('/v1/subscription/change', own)).json).toEqual(changed.json);
  });

  test('to a plan that is not listed is previewed for keys; a browser learns nothing of it', async () => {
    const { post, admin, token } = await createScene();
    const preview = await post('/v1/plans/preview', admin, { account: ACCOUNT, plan: 'secret' });
    expect(preview.status).toBe(200);
    for (const plan of ['secret', 'platinum']) {
      const { status, json } = await post('/v1/plans/preview', token, { plan });
      expect([status, json.code]).toEqual([400, 'invalid_plan']);
      expect(JSON.stringify(json).replaceAll(plan, '')).not.toContain('secret');
    }
  });
});

describe('who may change what is billed', () => {
  const CHANGES: readonly [method: string, path: string, body: object][] = [
    ['POST', '/v1/plans/change', { plan: 'business' }],
    ['POST', '/v1/subscription/cancel', { when: 'now' }],
    ['POST', '/v1/subscription/pause', {}],
    ['POST', '/v1/subscription/resume', {}],
    ['POST', '/v1/subscription/portal', { return_url: APP }],
    ['PUT', '/v1/seats', { seats: 9 }],
    ['POST', '/v1/seats/add', { seats: 1 }],
  ];

  test.each(CHANGES)('%s %s: no browser, and no key that records or reads', async (method, path, body) => {
    const { send, token, createKey, atStripe } = await createScene();
    const before = await atStripe(ACCOUNT);
    for (const key of [token, await createKey(['read', 'write'], ACCOUNT)]) {
      const { status, json } = await send(method, path, { key, body });
      expect([status, json.code]).toEqual([403, 'forbidden']);
    }
    expect(await atStripe(ACCOUNT)).toEqual(before);
  });

  test.each(CHANGES)(
    '%s %s: a key of one account changes that one and no other',
    async (method, path, body) => {
      const { send, own, atStripe } = await createScene();
      const before = await atStripe(OTHER);
      const foreign = await send(method, path, { key: own, body: { ...body, account: OTHER } });
      expect([foreign.status, foreign.json.code]).toEqual([404, 'account_not_found']);
      expect(await atStripe(OTHER)).toEqual(before);
      expect([200, 204]).toContain((await send(method, path, { key: own, body })).status);
      expect(await atStripe(OTHER)).toEqual(before);
    },
  );
});

test('a subscription is paused, cancelled to its end, and taken back', async () => {
  const { post, get, own, token, atStripe, usage } = await createScene();
  const seen = async () => {
    await usage.accounts.sync({ account: ACCOUNT });
    return (await get('/v1/subscription', token)).json;
  };
  expect((await post('/v1/subscription/pause', own, {})).status).toBe(204);
  expect(await atStripe(ACCOUNT)).toMatchObject([{ is_paused: true }]);
  const cancelled = await post('/v1/subscription/cancel', own, {});
  expect(cancelled.json).toMatchObject({ kind: 'cancel', change: null, plan: 'free' });
  expect(await seen()).toMatchObject({ status: 'active', cancel_at_period_end: true });
  expect((await post('/v1/subscription/resume', own, {})).status).toBe(204);
  expect(await atStripe(ACCOUNT)).toMatchObject([{ is_paused: false, cancel_at_period_end: false }]);
  expect(await seen()).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
});

describe('seats', () => {
  const SEATS = 'tallybook:pro:month:@seats';

  test('are read, set and added to, and Stripe has them', async () => {
    const { send, post, get, own, token, atStripe } = await createScene();
    expect((await get('/v1/seats', token)).json).toMatchObject({
      account: ACCOUNT,
      seats: 3,
      pending_seats: null,
      interval: 'month',
      price: { currency: 'usd', unit_amount_decimal: '3100' },
    });
    const body = { seats: 5, expected: 3 };
    expect((await send('PUT', '/v1/seats', { key: own, body })).json).toMatchObject({ seats: 5 });
    expect((await post('/v1/seats/add', own, { seats: -1 })).json).toMatchObject({ seats: 4 });
    expect(await atStripe(ACCOUNT)).toMatchObject([{ items: { [SEATS]: 4 } }]);
    const late = await send('PUT', '/v1/seats', { key: own, body });
    expect([late.status, late.json.code]).toEqual([409, 'seats_changed']);
    expect(await atStripe(ACCOUNT)).toMatchObject([{ items: { [SEATS]: 4 } }]);
  });

  test('are not added under an idempotency key, which would promise to count them once', async () => {
    const { post, own, atStripe } = await createScene();
    const { status, json } = await post('/v1/seats/add', own, { seats: 1 }, { 'Idempotency-Key': 'k1' });
    expect([status, json.code]).toEqual([400, 'invalid_idempotency_key']);
    expect(await atStripe(ACCOUNT)).toMatchObject([{ items: { [SEATS]: 3 } }]);
  });

  test.each([0, 1.5, 1_000_001, '2', null])('cannot be %j', async (seats) => {
    const { send, own } = await createScene();
    const { status, json } = await send('PUT', '/v1/seats', { key: own, body: { seats } });
    expect([status, json.code, json.field]).toEqual([400, 'invalid_parameter', 'seats']);
  });
});

describe('a limit', () => {
  test('is asked for by a page, to the last unit', async () => {
    const { get, token } = await createScene();
    const check = async (quantity: number) =>
      (await get(`/v1/limits/check?quantity=${quantity}`, token)).json;
    expect(await check(930)).toMatchObject({ allowed: true, limit: 1_000, used: 70, remaining: 930 });
    expect(await check(931)).toMatchObject({ allowed: false, limit: 1_000, used: 70, remaining: 930 });
    expect((await get('/v1/limits/check', token)).json).toMatchObject({ meter: 'credits', allowed: true });
  });

  test.each(['-1', '1.5', '1e3', '', '9999999999999999'])(
    'is of no quantity such as %j',
    async (quantity) => {
      const { get, token } = await createScene();
      const { status, json } = await get(`/v1/limits/check?quantity=${quantity}`, token);
      expect([status, json.code, json.field]).toEqual([400, 'invalid_quantity', 'quantity']);
    },
  );
});
