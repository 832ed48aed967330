import { expect, test } from 'vitest';
import { createBilled } from './billed.ts';

/** An account that subscribes and has a key of its own, another, and a customer whom no account has yet. */
async function createScene() {
  const billed = await createBilled();
  for (const account of ['own', 'other']) await billed.subscribe(account);
  const customerOf = async (account: string) =>
    (await billed.usage.accounts.get({ account })).stripe_customer;
  const { id } = await billed.stripe.customers.create({ name: 'free' });
  return {
    ...billed,
    customerOf,
    free: id,
    taken: await customerOf('other'),
    restricted: await billed.createKey(['admin'], 'own'),
    set: (key: string, body: object) => billed.send('PUT', '/v1/account', { key, body }),
  };
}

test('a key that is restricted to an account cannot say which Stripe customer it is, nor learns which are taken', async () => {
  const { set, customerOf, restricted, free, taken } = await createScene();
  const before = await customerOf('own');
  for (const stripe_customer of [free, taken, before, 'cus_unknown', null]) {
    const { status, json } = await set(restricted, { stripe_customer, plan: 'pro' });
    expect([status, json.code, json.field]).toEqual([403, 'forbidden', 'stripe_customer']);
  }
  const { status, json } = await set(restricted, { stripe_subscription: 'sub_1' });
  expect([status, json.code, json.field]).toEqual([403, 'forbidden', 'stripe_subscription']);
  expect(await customerOf('own')).toBe(before);
});

test('nor where the account has none yet', async () => {
  const { set, createKey, get, free, usage } = await createScene();
  await usage.increment({ account: 'new' });
  const key = await createKey(['admin'], 'new');
  expect((await set(key, { stripe_customer: free })).status).toBe(403);
  expect((await get('/v1/invoices', key)).json).toEqual({ invoices: [], next: null });
});

test('it sets the plan of its account, and corrects its usage in either direction', async () => {
  const { createKey, set, post, usage } = await createScene();
  await usage.increment({ account: 'new', quantity: 10 });
  const key = await createKey(['admin'], 'new');
  expect((await set(key, { plan: 'free' })).json).toMatchObject({ account: 'new', plan: 'free' });
  expect((await post('/v1/adjustments', key, { quantity: -3, reason: 'Twice.' })).status).toBe(200);
  expect((await usage.get({ account: 'new' })).quantity).toBe(7);
});

test('a key for every account links and unlinks', async () => {
  const { set, customerOf, createKey, free } = await createScene();
  const admin = await createKey(['admin']);
  expect((await set(admin, { account: 'own', stripe_customer: free })).status).toBe(200);
  expect(await customerOf('own')).toBe(free);
  expect((await set(admin, { account: 'own', stripe_customer: null })).status).toBe(200);
  expect(await customerOf('own')).toBeNull();
});
