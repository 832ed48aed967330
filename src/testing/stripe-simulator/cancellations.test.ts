import { expect, test } from 'vitest';
import { DAY, FEBRUARY_28, HOUR, MINUTE, refusal } from '../../../test/support/credits-scene.ts';
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
    expect(bills()).toEqual(invoice_now ? [['paid', 240]] : []);
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
  expect(bills()).toEqual([['paid', 240]]);
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

test('a subscription can end at any instant: its usage is billed, what was paid in advance is credited', async () => {
  for (const [proration_behavior, total] of [
    ['create_prorations', 20 - 500],
    ['none', 20],
  ] as const) {
    const { clock, stripe, simulator, subscribe, licensed, price, report, bills } =
      await createPlanChangeScene();
    const seat = await licensed(1_000);
    const { id } = await subscribe({ items: [{ price: price.id }, { price: seat.id }] });
    const cancel_at = FEBRUARY_28 / 1000 - 14 * 86_400;
    const ending = await stripe.subscriptions.update(id, { cancel_at, proration_behavior });
    expect(ending).toMatchObject({ cancel_at, cancel_at_period_end: false, canceled_at: clock.time / 1000 });
    const upcoming = await stripe.invoices.createPreview({ subscription: id });
    expect(upcoming.period_end).toBe(cancel_at);
    expect(simulator.nextEventAt()).toBe(cancel_at * 1000);
    clock.time = cancel_at * 1000 - MINUTE;
    await report(10);
    clock.time = cancel_at * 1000;
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
      status: 'canceled',
      ended_at: cancel_at,
    });
    clock.time += HOUR;
    expect(bills()).toEqual([
      ['paid', 1_000],
      ['paid', total],
    ]);
  }
});

test('the end can be put off and taken back; a date replaces the end of the period and the other way', async () => {
  const { clock, stripe, subscribe } = await createPlanChangeScene();
  const { id } = await subscribe();
  const end = FEBRUARY_28 / 1000;
  expect(await stripe.subscriptions.update(id, { cancel_at: 'min_period_end' })).toMatchObject({
    cancel_at: end,
    cancel_at_period_end: false,
  });
  expect(await stripe.subscriptions.update(id, { cancel_at_period_end: true })).toMatchObject({
    cancel_at: end,
    cancel_at_period_end: true,
  });
  expect(await stripe.subscriptions.update(id, { cancel_at: end + 86_400 })).toMatchObject({
    cancel_at: end + 86_400,
    cancel_at_period_end: false,
  });
  expect(await stripe.subscriptions.update(id, { cancel_at: '' })).toMatchObject({
    cancel_at: null,
    canceled_at: null,
  });
  expect(await refusal(stripe.subscriptions.update(id, { cancel_at: clock.time / 1000 }))).toMatchObject({
    param: 'cancel_at',
  });
  const both = stripe.subscriptions.update(id, { cancel_at: end, cancel_at_period_end: true });
  expect(await refusal(both)).toMatchObject({ code: 'parameters_exclusive' });
  clock.time = (end + 2 * 86_400) * 1000;
  expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
});
