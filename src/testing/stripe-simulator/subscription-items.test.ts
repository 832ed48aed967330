import { expect, test } from 'vitest';
import { DAY, FEBRUARY_28, refusal } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';

test('an item can be added, changed and removed by itself, with the same prorations as by its subscription', async () => {
  const { clock, stripe, subscribe, licensed, price, bills, endPeriod } = await createPlanChangeScene();
  const seat = await licensed(1_000);
  const { id } = await subscribe();
  clock.time = FEBRUARY_28 - 14 * DAY;
  const proration_behavior = 'always_invoice';
  const item = await stripe.subscriptionItems.create({
    subscription: id,
    price: seat.id,
    proration_behavior,
  });
  expect(item).toMatchObject({ quantity: 1, created: clock.time / 1000, subscription: id });
  await stripe.subscriptionItems.update(item.id, { quantity: 3, proration_behavior });
  expect((await stripe.subscriptionItems.retrieve(item.id)).quantity).toBe(3);
  const { data } = await stripe.subscriptionItems.list({ subscription: id });
  expect(data.map((entry) => entry.price.id)).toEqual([price.id, seat.id]);
  expect(await stripe.subscriptionItems.del(item.id)).toMatchObject({ id: item.id, deleted: true });
  expect((await refusal(stripe.subscriptionItems.retrieve(item.id))).statusCode).toBe(404);
  expect(bills().map(([, total]) => total)).toEqual([500, 1_000]);
  endPeriod();
  // What a removal credits waits for the next invoice by default.
  expect(bills().map(([, total]) => total)).toEqual([500, 1_000, -1_500]);
});

test('the last item cannot be removed, nor usage be cleared, and items of ended subscriptions stay as they are', async () => {
  const { stripe, subscribe, dearer } = await createPlanChangeScene();
  const { id, items } = await subscribe();
  const item = items.data[0]?.id ?? '';
  expect(await refusal(stripe.subscriptionItems.del(item))).toMatchObject({
    statusCode: 400,
    param: 'items',
  });
  expect(await refusal(stripe.subscriptionItems.del(item, { clear_usage: true }))).toMatchObject({
    statusCode: 400,
  });
  await stripe.subscriptions.cancel(id);
  expect(await refusal(stripe.subscriptionItems.update(item, { price: dearer.id }))).toMatchObject({
    code: 'invalid_canceled_subscription_fields',
  });
});
