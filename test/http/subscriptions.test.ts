import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createElsewhereWorld } from '../support/changing-elsewhere.ts';
import { createBilled } from './billed.ts';
import { APP } from './operations.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
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
  // Its last invoice would stay a draft.
  const refused = await post('/v1/subscription/cancel', own, {});
  expect([refused.status, refused.json.code]).toEqual([409, 'collection_paused']);
  expect((await post('/v1/subscription/resume', own, { drafts: 'keep' })).status).toBe(204);
  expect(await atStripe(ACCOUNT)).toMatchObject([{ is_paused: false }]);
  const cancelled = await post('/v1/subscription/cancel', own, {});
  expect(cancelled.json).toMatchObject({ kind: 'cancel', change: null, plan: 'free' });
  expect(await seen()).toMatchObject({ status: 'active', cancel_at_period_end: true });
  expect((await post('/v1/subscription/resume', own, {})).status).toBe(204);
  expect(await atStripe(ACCOUNT)).toMatchObject([{ is_paused: false, cancel_at_period_end: false }]);
  expect(await seen()).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
});

describe('an account', () => {
  const NEW = 'acct_3';
  const body = { account: NEW, plan: 'pro', seats: 2 };

  /** Who has paid here before, and has no subscription. */
  async function createCustomer(card = 'pm_card_visa') {
    const scene = await createScene();
    const customer = await scene.stripe.customers.create({
      payment_method: card,
      invoice_settings: { default_payment_method: card },
    });
    await scene.usage.accounts.set({ account: NEW, stripe_customer: customer.id });
    const { stripe } = scene;
    const subscriptions = async () =>
      (await stripe.subscriptions.list({ customer: customer.id, status: 'all' })).data;
    return { ...scene, subscriptions };
  }

  test('is subscribed once, however often the same request comes, by its content or its key', async () => {
    const { post, admin, subscriptions } = await createCustomer();
    const key = { 'Idempotency-Key': '"order-1"' };
    const first = await post('/v1/subscription', admin, body, key);
    expect(first.json).toMatchObject({ account: NEW, plan: 'pro', status: 'active', seats: 2 });
    expect((await post('/v1/subscription', admin, body, key)).json).toEqual(first.json);
    expect(await subscriptions()).toHaveLength(1);
    for (const other of [{}, { 'Idempotency-Key': 'order-2' }]) {
      const { status, json } = await post('/v1/subscription', admin, body, other);
      expect([status, json.code]).toEqual([409, 'already_subscribed']);
    }
    const both = await post('/v1/subscription', admin, { ...body, idempotency_key: 'order-3' }, key);
    expect([both.status, both.json.code]).toEqual([400, 'invalid_idempotency_key']);
    expect(await subscriptions()).toHaveLength(1);
  });

  test('whose card is declined is told what is left to do, or is not subscribed, as it was asked for', async () => {
    const { post, admin, subscriptions } = await createCustomer('pm_card_chargeCustomerFail');
    const strict = await post('/v1/subscription', admin, {
      ...body,
      payment_behavior: 'error_if_incomplete',
    });
    expect([strict.status, strict.json.code]).toEqual([402, 'payment_failed']);
    expect(await subscriptions()).toEqual([]);
    const made = await post('/v1/subscription', admin, body);
    expect(made.json).toMatchObject({ status: 'incomplete', action: 'pay' });
  });

  test('is read anew when it is asked for', async () => {
    const { post, get, own, token, stripe, atStripe } = await createScene();
    const { data } = await stripe.subscriptions.list({ limit: 100 });
    for (const { id } of data) await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect((await get('/v1/subscription', token)).json).toMatchObject({ cancel_at_period_end: false });
    const { json } = await post('/v1/account/sync', own, {});
    expect(json).toMatchObject({ account: ACCOUNT, cancel_at_period_end: true });
    expect(await atStripe(ACCOUNT)).toMatchObject([{ cancel_at_period_end: true }]);
  });
});

test('what a change made elsewhere left off its invoice is billed once, and it is kept who let it be', async () => {
  const world = await createElsewhereWorld({ billing_mode: 'classic', learning: 'by webhooks' });
  await world.swap('in place');
  await world.pass(3 * HOUR);
  const { secret, key } = await world.usage.keys.create({ scopes: ['admin'] });
  const bill = async (fields: object = {}) => {
    const body = { account: 'acct_1', period_start: '2026-01-10T12:00:00Z', amount: 140, reason: 'Swapped.' };
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify({ ...body, actor: 'ada', ...fields }) };
    const response = await world.usage.handler(new Request('http://localhost/v1/reconciliation/bill', init));
    return { status: response.status, json: await response.json() };
  };
  expect(await bill({ amount: 139 })).toMatchObject({ status: 409, json: { code: 'amount_changed' } });
  const billed = await bill();
  expect(billed).toMatchObject({
    status: 200,
    json: { meter: 'credits', quantity: 70, amount: 140, currency: 'usd', has_next_invoice: true },
  });
  expect(await bill()).toEqual(billed);
  const { data } = await world.stripe.invoiceItems.list({ customer: world.customer.id, limit: 100 });
  expect(data.filter(({ metadata }) => metadata?.['tallybook_bill'] !== undefined)).toHaveLength(1);
  const database = new DatabaseSync(world.path);
  onTestFinished(() => database.close());
  expect(database.prepare('SELECT actor, reason, amount FROM unflushed_bill').all()).toEqual([
    { actor: `ada (${key})`, reason: 'Swapped.', amount: 140 },
  ]);
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
