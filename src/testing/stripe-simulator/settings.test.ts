import { expect, test } from 'vitest';
import { createCreditsScene, JANUARY_31, refusal } from '../../../test/support/credits-scene.ts';
import { createSimulatedStripe } from '../../../test/support/simulated-stripe.ts';
import { parseJsonBody } from './json-body.ts';
import { StripeError } from './stripe-error.ts';

test('the account and the time of its answers are told', async () => {
  const { stripe, simulator } = await createCreditsScene();
  expect(await stripe.accounts.retrieveCurrent()).toMatchObject({ object: 'account', id: 'acct_simulated' });
  const headers = { authorization: 'Bearer sk_test_1' };
  const answer = await simulator.fetch('https://api.stripe.com/v1/account', { headers });
  expect(Date.parse(answer.headers.get('date') ?? '')).toBe(JANUARY_31);
  const direct = simulator.answer({
    method: 'GET',
    path: '/v1/account',
    headers: new Map([['Authorization', 'Bearer sk_test_1']]),
    body: '',
  });
  expect(Date.parse(direct.headers['date'] ?? '')).toBe(JANUARY_31);
});

test('a restricted key without a permission is refused with 403, without effect', async () => {
  const { stripe, simulator } = await createCreditsScene();
  simulator.faults.add({ kind: '403', path: '/v1/products' });
  expect(await refusal(stripe.products.create({ name: 'x' }))).toMatchObject({ statusCode: 403 });
  expect((await stripe.products.list()).data).toHaveLength(1);
});

test('webhook endpoints are listed newest first, and tell their secret once', async () => {
  const { stripe } = createSimulatedStripe();
  const made = await stripe.webhookEndpoints.create({
    url: 'https://example.com/stripe',
    enabled_events: ['invoice.created'],
    metadata: { app: 'x' },
  });
  expect(made.secret).toMatch(/^whsec_/);
  await stripe.webhookEndpoints.create({ url: 'https://example.com/2', enabled_events: ['*'] });
  await stripe.webhookEndpoints.update(made.id, { disabled: true });
  const { data } = await stripe.webhookEndpoints.list();
  expect(data.map(({ status, enabled_events }) => [status, enabled_events])).toEqual([
    ['enabled', ['*']],
    ['disabled', ['invoice.created']],
  ]);
  expect(data[1]).not.toHaveProperty('secret');
  const wrong = stripe.webhookEndpoints.create({ url: 'example', enabled_events: ['*'] });
  expect(await refusal(wrong)).toMatchObject({ param: 'url' });
  const none = stripe.webhookEndpoints.update('we_x', { disabled: true });
  expect(await refusal(none)).toMatchObject({ code: 'resource_missing' });
});

test('event destinations for thin events are made with a JSON body, disabled and enabled', async () => {
  const { stripe } = createSimulatedStripe();
  const made = await stripe.v2.core.eventDestinations.create({
    name: 'Meter errors',
    type: 'webhook_endpoint',
    event_payload: 'thin',
    enabled_events: ['v1.billing.meter.error_report_triggered'],
    webhook_endpoint: { url: 'https://example.com/stripe' },
  });
  await stripe.v2.core.eventDestinations.disable(made.id);
  const listed = async () => (await stripe.v2.core.eventDestinations.list({ limit: 10 })).data;
  expect((await listed()).map(({ status }) => status)).toEqual(['disabled']);
  expect(await stripe.v2.core.eventDestinations.enable(made.id)).toMatchObject({ status: 'enabled' });
  expect(await refusal(stripe.v2.core.eventDestinations.enable('ed_x'))).toMatchObject({ statusCode: 404 });
});

test.each(['[]', '1', '{', `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`])(
  'a body of version 2 like %j is refused',
  (body) => {
    expect(() => parseJsonBody(body)).toThrow(StripeError);
  },
);

const UPDATES = {
  enabled: true,
  default_allowed_updates: ['price' as const],
  proration_behavior: 'always_invoice' as const,
};

test('a portal configuration is changed field by field, and the first one is the default', async () => {
  const { stripe, price } = await createCreditsScene();
  const products = [{ product: String(price.product), prices: [price.id] }];
  const made = await stripe.billingPortal.configurations.create({
    name: 'Ours',
    metadata: { made_by: 'tallybook' },
    business_profile: { headline: 'Credits' },
    features: {
      invoice_history: { enabled: true },
      customer_update: { enabled: true, allowed_updates: ['email'] },
      subscription_cancel: { enabled: true, mode: 'immediately' },
      subscription_update: { ...UPDATES, products },
    },
  });
  const second = await stripe.billingPortal.configurations.create({
    features: { invoice_history: { enabled: true } },
  });
  expect([made.is_default, second.is_default]).toEqual([true, false]);
  const changed = await stripe.billingPortal.configurations.update(made.id, {
    name: '',
    login_page: { enabled: true },
    features: {
      subscription_cancel: { mode: 'at_period_end' },
      subscription_update: { enabled: false, default_allowed_updates: '' },
    },
  });
  expect(changed).toMatchObject({
    name: null,
    metadata: { made_by: 'tallybook' },
    business_profile: { headline: 'Credits', privacy_policy_url: null },
    features: {
      invoice_history: { enabled: true },
      subscription_cancel: { enabled: true, mode: 'at_period_end' },
      subscription_update: {
        enabled: false,
        default_allowed_updates: [],
        products: [{ prices: [price.id] }],
      },
    },
  });
  expect(await stripe.billingPortal.configurations.retrieve(made.id)).toMatchObject({
    login_page: { enabled: true },
  });
  await stripe.billingPortal.configurations.update(second.id, { active: false });
  const active = await stripe.billingPortal.configurations.list({ active: true });
  expect(active.data.map(({ id }) => id)).toEqual([made.id]);
  const inactive = await stripe.billingPortal.configurations.list({ is_default: false });
  expect(inactive.data.map(({ id }) => id)).toEqual([second.id]);
});

test('a portal that lets prices be switched needs prices that exist, and the default one stays active', async () => {
  const { stripe, price } = await createCreditsScene();
  const create = (products: { product: string; prices: string[] }[]) =>
    stripe.billingPortal.configurations.create({
      features: { subscription_update: { ...UPDATES, products } },
    });
  expect(await refusal(create([]))).toMatchObject({ statusCode: 400 });
  expect(await refusal(create([{ product: 'prod_x', prices: [price.id] }]))).toMatchObject({
    code: 'resource_missing',
  });
  const product = String(price.product);
  expect(await refusal(create([{ product, prices: ['price_x'] }]))).toMatchObject({
    code: 'resource_missing',
  });
  const { id } = await create([{ product, prices: [price.id] }]);
  const off = stripe.billingPortal.configurations.update(id, { active: false });
  expect(await refusal(off)).toMatchObject({ param: 'active' });
  expect(await refusal(stripe.billingPortal.configurations.retrieve('bpc_x'))).toMatchObject({
    statusCode: 404,
  });
});

test('of a price all but what it charges can change, and its lookup key moves only when asked to', async () => {
  const { stripe, price } = await createCreditsScene();
  const changed = await stripe.prices.update(price.id, {
    active: false,
    lookup_key: 'pro',
    nickname: 'Pro',
    metadata: { a: '1' },
  });
  expect(changed).toMatchObject({ active: false, lookup_key: 'pro', nickname: 'Pro', metadata: { a: '1' } });
  const other = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 1,
    product: String(price.product),
  });
  const move = { lookup_key: 'pro' };
  expect(await refusal(stripe.prices.update(other.id, move))).toMatchObject({ param: 'lookup_key' });
  await stripe.prices.update(other.id, { ...move, transfer_lookup_key: true });
  expect(await stripe.prices.retrieve(price.id)).toMatchObject({ lookup_key: null });
  expect(await stripe.prices.update(other.id, { lookup_key: 'pro' })).toMatchObject({ lookup_key: 'pro' });
});

test('the default price of a product is one of its own that is for sale, and stays so', async () => {
  const { stripe, price } = await createCreditsScene();
  const product = String(price.product);
  const other = await stripe.prices.create({ currency: 'usd', unit_amount: 1, product_data: { name: 'x' } });
  const wrong = stripe.products.update(product, { default_price: other.id });
  expect(await refusal(wrong)).toMatchObject({ param: 'default_price' });
  await stripe.products.update(product, { default_price: price.id });
  expect(await refusal(stripe.prices.update(price.id, { active: false }))).toMatchObject({ param: 'active' });
  expect(await stripe.products.retrieve(product)).toMatchObject({ default_price: price.id });
});

test('products are found by their ids, and change', async () => {
  const { stripe } = createSimulatedStripe();
  const made = await stripe.products.create({ id: 'tallybook_pro', name: 'Pro' });
  await stripe.products.create({ name: 'Other' });
  const again = stripe.products.create({ id: made.id, name: 'Pro' });
  expect(await refusal(again)).toMatchObject({ code: 'resource_already_exists' });
  const changed = await stripe.products.update(made.id, {
    name: 'Professional',
    active: false,
    description: 'x',
    unit_label: 'credit',
    metadata: { plan: 'pro' },
  });
  expect(changed).toMatchObject({
    name: 'Professional',
    active: false,
    description: 'x',
    metadata: { plan: 'pro' },
  });
  const { data } = await stripe.products.list({ ids: [made.id, 'prod_x'], active: false });
  expect(data).toEqual([changed].map(({ lastResponse: _, ...product }) => product));
});
