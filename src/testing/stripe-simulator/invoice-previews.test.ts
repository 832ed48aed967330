import fc from 'fast-check';
import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { DAY, FEBRUARY_28, HOUR, MINUTE, refusal } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';

/** What of a line must come true. */
const told = ({ amount, description, quantity, period, pricing, parent }: Stripe.InvoiceLineItem) => ({
  amount,
  description,
  quantity,
  period,
  price: pricing?.price_details?.price,
  proration: parent?.subscription_item_details?.proration,
});

test('the upcoming invoice bills what is counted by now, what waits for it, and the next period in advance', async () => {
  const { stripe, customer, subscribe, licensed, price, report, clock } = await createPlanChangeScene();
  const seat = await licensed(1_000);
  const { id } = await subscribe({ items: [{ price: price.id }, { price: seat.id }] });
  clock.time += DAY;
  await report(10);
  await stripe.invoiceItems.create({ customer: customer.id, amount: 7, currency: 'usd' });
  const upcoming = await stripe.invoices.createPreview({ customer: customer.id });
  expect(upcoming).toMatchObject({
    status: 'draft',
    billing_reason: 'upcoming',
    total: 1_027,
    created: FEBRUARY_28 / 1000,
    period_end: FEBRUARY_28 / 1000,
    parent: { subscription_details: { subscription: id } },
  });
  expect(upcoming.id).toMatch(/^upcoming_in/);
  const [, cycle] = await (async () => {
    clock.time = FEBRUARY_28;
    return (await stripe.invoices.list({ subscription: id })).data.reverse();
  })();
  expect(cycle?.lines.data.map(told)).toEqual(upcoming.lines.data.map(told));
});

test('a preview of a swap shows its prorations, or the invoice that it would make at once', async () => {
  const { stripe, subscribe, dearer, report, clock } = await createPlanChangeScene();
  const subscription = await subscribe();
  clock.time += DAY;
  await report(100, { timestamp: clock.time - MINUTE });
  const items = [{ id: subscription.items.data[0]?.id ?? '', price: dearer.id }];
  const preview = async (proration_behavior: 'create_prorations' | 'always_invoice' | 'none') => {
    const invoice = await stripe.invoices.createPreview({
      subscription: subscription.id,
      subscription_details: { items, proration_behavior },
    });
    return invoice.lines.data.map(({ amount, pricing }) => [amount, pricing?.price_details?.price]);
  };
  const [old] = subscription.items.data;
  expect(await preview('create_prorations')).toEqual([
    [200, old?.price.id],
    [0, dearer.id],
  ]);
  expect(await preview('always_invoice')).toEqual([[200, old?.price.id]]);
  expect(await preview('none')).toEqual([[0, dearer.id]]);
  expect(await stripe.subscriptions.retrieve(subscription.id)).toEqual(subscription);
});

test('a preview of a cancellation shows the last invoice, one of a new subscription the first', async () => {
  const { stripe, customer, subscribe, licensed, price, report, clock } = await createPlanChangeScene();
  const seat = await licensed(1_000);
  const { id } = await subscribe({ items: [{ price: price.id }, { price: seat.id }] });
  clock.time = FEBRUARY_28 - 14 * DAY;
  await report(10, { timestamp: clock.time - MINUTE });
  const last = await stripe.invoices.createPreview({
    subscription: id,
    subscription_details: { cancel_now: true },
  });
  expect([last.total, last.parent?.subscription_details?.subscription_proration_date]).toEqual([
    20 - 500,
    clock.time / 1000,
  ]);
  await stripe.subscriptions.cancel(id, { invoice_now: true, prorate: true });
  const [made] = (await stripe.invoices.list({ subscription: id })).data;
  expect(made?.lines.data.map(told)).toEqual(last.lines.data.map(told));

  const first = await stripe.invoices.createPreview({
    customer: customer.id,
    subscription_details: { items: [{ price: seat.id, quantity: 3 }] },
  });
  expect(first).toMatchObject({ total: 3_000, lines: { data: [{ quantity: 3 }] } });
  expect((await stripe.subscriptions.list({ customer: customer.id })).data).toEqual([]);
});

test('there is no preview for nobody, for who has ended, in another currency, or of what is not simulated', async () => {
  const { stripe, customer, subscribe } = await createPlanChangeScene();
  const preview = (params: Stripe.InvoiceCreatePreviewParams) =>
    refusal(stripe.invoices.createPreview(params));
  const { id } = await subscribe();
  expect(await preview({})).toMatchObject({ code: 'parameter_missing' });
  expect(await preview({ subscription: 'sub_x' })).toMatchObject({ param: 'subscription' });
  expect(await preview({ subscription: id, currency: 'eur' })).toMatchObject({ param: 'currency' });
  expect(await preview({ subscription: id, preview_mode: 'recurring' })).toMatchObject({ statusCode: 400 });
  await stripe.subscriptions.cancel(id);
  for (const params of [{ subscription: id }, { customer: customer.id }]) {
    expect(await preview(params)).toMatchObject({ statusCode: 404, code: 'invoice_upcoming_none' });
  }
});

test('for any change, what a preview says is what the change bills', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seats: fc.integer({ min: 1, max: 9 }),
        changedSeats: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
        usage: fc.integer({ min: 0, max: 3_000 }),
        after_s: fc.integer({ min: 1, max: 27 * 86_400 }),
        isSwapped: fc.boolean(),
        isInPlace: fc.boolean(),
        anchor: fc.constantFrom('now' as const, 'unchanged' as const),
        trial_period_days: fc.constantFrom(null, 28),
        mode: fc.constantFrom('flexible' as const, 'classic' as const),
        proration_behavior: fc.constantFrom('always_invoice' as const, 'create_prorations' as const),
      }),
      async (given) => {
        const { stripe, clock, subscribe, licensed, price, dearer, report } = await createPlanChangeScene();
        const seat = await licensed(777);
        const { id, items } = await subscribe({
          items: [{ price: price.id }, { price: seat.id, quantity: given.seats }],
          billing_mode: { type: given.mode },
          ...(given.trial_period_days === null ? {} : { trial_period_days: given.trial_period_days }),
        });
        clock.time += given.after_s * 1_000;
        if (given.usage > 0) await report(given.usage, { timestamp: clock.time - 1_000 });
        const [metered, seats] = items.data.map((item) => item.id);
        const swap = given.isInPlace
          ? [{ id: metered ?? '', price: dearer.id }]
          : [{ id: metered ?? '', deleted: true }, { price: dearer.id }];
        const change = {
          items: [
            ...(given.isSwapped ? swap : []),
            { id: seats ?? '', ...(given.changedSeats === null ? {} : { quantity: given.changedSeats }) },
          ],
          billing_cycle_anchor: { type: given.anchor },
          proration_behavior: given.proration_behavior,
        };
        const preview = await stripe.invoices.createPreview({
          subscription: id,
          subscription_details: change,
        });
        const updated = await stripe.subscriptions.update(id, change);
        const isAtOnce = (await stripe.invoices.list({ subscription: id })).data.length > 1;
        const end = Math.min(...updated.items.data.map((item) => item.current_period_end));
        if (!isAtOnce) clock.time = end * 1_000;
        const [made] = (await stripe.invoices.list({ subscription: id })).data;
        // Items that were added in a preview have no id yet.
        expect(made?.lines.data.map(told)).toEqual(preview.lines.data.map(told));
        expect(made?.total).toBe(preview.total);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test('a draft of the cycle is what the preview said an hour before, and then follows what is counted', async () => {
  const { stripe, clock, subscribe, report, bills } = await createPlanChangeScene();
  const { id } = await subscribe();
  clock.time = FEBRUARY_28 - HOUR;
  await report(10);
  const { total } = await stripe.invoices.createPreview({ subscription: id });
  clock.time = FEBRUARY_28;
  await stripe.invoices.list({ subscription: id });
  expect(bills()[0]).toEqual(['draft', total]);
  await report(10, { timestamp: FEBRUARY_28 - MINUTE });
  expect(bills()[0]).toEqual(['draft', 2 * total]);
});
