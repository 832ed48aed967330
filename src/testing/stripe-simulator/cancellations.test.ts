import { expect, test } from 'vitest';
import { DAY, FEBRUARY_28, HOUR, MINUTE } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';

test('cancelling with an invoice bills what waited for one; without it that stays pending', async () => {
  for (const invoice_now of [true, false]) {
    const { clock, stripe, subscribe, dearer, report, bills } = await createPlanChangeScene();
    const { id, items } = await subscribe();
    clock.time += DAY;
    await report(100, { timestamp: clock.time - MINUTE });
    await stripe.subscriptions.update(id, { items: [{ id: items.data[0]?.id ?? '', price: dearer.id }] });
    await report(4);
    clock.time += DAY;
    await stripe.subscriptions.cancel(id, { invoice_now });
    clock.time += 60 * DAY;
    expect(bills()).toEqual(
      invoice_now
        ? [
            ['paid', 0],
            ['paid', 240],
          ]
        : [['paid', 0]],
    );
  }
});

test('without an invoice the credit for unused time waits for one', async () => {
  const { clock, stripe, subscribe, licensed, bills } = await createPlanChangeScene();
  const seat = await licensed(1_000);
  const { id, customer } = await subscribe({ items: [{ price: seat.id }] });
  clock.time = FEBRUARY_28 - 14 * DAY;
  await stripe.subscriptions.cancel(id, { prorate: true });
  expect(bills()).toEqual([['paid', 1_000]]);
  const { data } = await stripe.invoiceItems.list({ customer: String(customer), pending: true });
  expect(data.map(({ amount, proration }) => [amount, proration])).toEqual([[-500, true]]);
});

test('what waits for an invoice is on the last one of a subscription that ends at its period end', async () => {
  const { clock, stripe, subscribe, dearer, report, bills } = await createPlanChangeScene();
  const { id, items } = await subscribe({ cancel_at_period_end: true });
  clock.time += DAY;
  await report(100, { timestamp: clock.time - MINUTE });
  await stripe.subscriptions.update(id, { items: [{ id: items.data[0]?.id ?? '', price: dearer.id }] });
  await report(4);
  clock.time = FEBRUARY_28 + HOUR;
  expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  expect(bills()).toEqual([
    ['paid', 0],
    ['paid', 240],
  ]);
});

test('what the customer said about a cancellation is kept, and can be completed after the end', async () => {
  const { stripe, subscribe } = await createPlanChangeScene();
  const { id } = await subscribe();
  const canceled = await stripe.subscriptions.cancel(id, {
    cancellation_details: { comment: 'Too dear.', feedback: 'too_expensive' },
  });
  expect(canceled.cancellation_details).toMatchObject({
    comment: 'Too dear.',
    feedback: 'too_expensive',
    reason: 'cancellation_requested',
  });
  const corrected = await stripe.subscriptions.update(id, { cancellation_details: { comment: '' } });
  expect(corrected.cancellation_details).toMatchObject({ comment: null, feedback: 'too_expensive' });
});
