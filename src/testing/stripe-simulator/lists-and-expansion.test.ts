import { expect, test } from 'vitest';
import { createCreditsScene, refusal } from '../../../test/support/credits-scene.ts';

test('pages cover a list once, in both directions', async () => {
  const { stripe } = await createCreditsScene();
  const product = (await stripe.products.create({ name: 'x' })).id;
  const created: string[] = [];
  for (let count = 0; count < 7; count += 1) {
    created.unshift((await stripe.prices.create({ currency: 'usd', product, unit_amount: count })).id);
  }
  const all = await stripe.prices.list({ product, limit: 3 }).autoPagingToArray({ limit: 100 });
  expect(all.map(({ id }) => id)).toEqual(created);

  const first = await stripe.prices.list({ product, limit: 3 });
  expect(first).toMatchObject({ has_more: true, url: '/v1/prices' });
  const before = await stripe.prices.list({ product, limit: 3, ending_before: created[6] ?? '' });
  expect(before.data.map(({ id }) => id)).toEqual(created.slice(3, 6));
  expect(before.has_more).toBe(true);
  const rest = await stripe.prices.list({ product, limit: 3, starting_after: created[4] ?? '' });
  expect(rest.data.map(({ id }) => id)).toEqual(created.slice(5));
  expect(rest.has_more).toBe(false);
});

test('a limit outside of 1 to 100 and an unknown cursor are refused', async () => {
  const { stripe } = await createCreditsScene();
  expect(await refusal(stripe.prices.list({ limit: 0 }))).toMatchObject({ statusCode: 400, param: 'limit' });
  expect(await refusal(stripe.prices.list({ limit: 101 }))).toMatchObject({
    statusCode: 400,
    param: 'limit',
  });
  expect(await refusal(stripe.prices.list({ starting_after: 'price_x' }))).toMatchObject({
    code: 'resource_missing',
    param: 'starting_after',
  });
});

test('ids are expanded along paths of at most four levels', async () => {
  const { stripe, customer, price } = await createCreditsScene();
  const { id } = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
    billing_mode: { type: 'classic' },
  });
  const subscription = await stripe.subscriptions.retrieve(id, {
    expand: ['customer', 'latest_invoice', 'items.data.price.tiers', 'items.data.price.product'],
  });
  expect(subscription).toMatchObject({
    customer: { id: customer.id, name: 'Ada' },
    latest_invoice: { object: 'invoice', total: 0 },
    items: { data: [{ price: { tiers: [{ up_to: 1000 }, { up_to: null }], product: { name: 'Credits' } } }] },
  });
  const list = await stripe.subscriptions.list({ customer: customer.id, expand: ['data.items.data.price'] });
  expect(list.data[0]?.items.data[0]?.price).not.toHaveProperty('tiers');

  const deep = stripe.subscriptions.list({ expand: ['data.items.data.price.tiers'] });
  expect(await refusal(deep)).toMatchObject({
    statusCode: 400,
    message: 'You cannot expand more than 4 levels of a property. Property: data.items.data.price.tiers',
  });
  expect((await refusal(stripe.subscriptions.retrieve(id, { expand: ['plan'] }))).message).toBe(
    'This property cannot be expanded (plan).',
  );
});
