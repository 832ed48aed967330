import { expect, test } from 'vitest';
import { createCreditsScene, MINUTE, refusal } from '../../../test/support/credits-scene.ts';

test('of a meter only its display name can change, and its event name is taken while it is active', async () => {
  const { clock, stripe, meter } = await createCreditsScene();
  const again = () =>
    stripe.billing.meters.create({
      display_name: 'Again',
      event_name: 'credits',
      default_aggregation: { formula: 'sum' },
    });
  expect(await refusal(again())).toMatchObject({ statusCode: 400, param: 'event_name' });
  clock.time += MINUTE;
  const renamed = await stripe.billing.meters.update(meter.id, { display_name: 'Coins' });
  expect({ ...renamed }).toEqual({ ...meter, display_name: 'Coins', updated: clock.time / 1000 });

  const inactive = await stripe.billing.meters.deactivate(meter.id);
  expect(inactive).toMatchObject({
    status: 'inactive',
    status_transitions: { deactivated_at: clock.time / 1000 },
  });
  expect((await refusal(stripe.billing.meters.deactivate(meter.id))).statusCode).toBe(400);
  const second = await again();
  expect(await refusal(stripe.billing.meters.reactivate(meter.id))).toMatchObject({ param: 'event_name' });
  const listed = await stripe.billing.meters.list({ status: 'active' });
  expect(listed.data.map(({ id }) => id)).toEqual([second.id]);
  expect((await stripe.billing.meters.retrieve(meter.id)).status).toBe('inactive');
});

test('metadata is merged, and an empty value unsets its key', async () => {
  const { stripe, customer } = await createCreditsScene();
  await stripe.customers.update(customer.id, { metadata: { a: '1', b: '2' } });
  const changed = await stripe.customers.update(customer.id, { name: 'Grace', metadata: { a: '', c: '3' } });
  expect(changed).toMatchObject({ name: 'Grace', email: 'ada@example.com', metadata: { b: '2', c: '3' } });
  expect((await stripe.customers.update(customer.id, { metadata: '' })).metadata).toEqual({});
});

test('a deleted customer is shown as deleted, can no longer be changed, and has no live subscription', async () => {
  const { simulator, stripe, customer, price } = await createCreditsScene({ lag_minutes: [0, 0] });
  const { id } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  expect(await stripe.customers.del(customer.id)).toMatchObject({ id: customer.id, deleted: true });
  expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ deleted: true });
  expect(await refusal(stripe.customers.update(customer.id, { name: 'x' }))).toMatchObject({
    statusCode: 404,
    code: 'resource_missing',
  });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  expect(simulator.nextEventAt()).toBeNull();
});

test('products are created once under an id of their own', async () => {
  const { stripe } = await createCreditsScene();
  const product = await stripe.products.create({ id: 'pro', name: 'Pro', unit_label: 'seat' });
  expect(await stripe.products.retrieve('pro')).toMatchObject({ name: 'Pro', unit_label: 'seat' });
  expect(product.created).toBeGreaterThan(0);
  expect(await refusal(stripe.products.create({ id: 'pro', name: 'Pro' }))).toMatchObject({
    code: 'resource_already_exists',
  });
  expect((await refusal(stripe.products.retrieve('other'))).statusCode).toBe(404);
});
