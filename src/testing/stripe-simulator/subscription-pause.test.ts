import { expect, test } from 'vitest';
import { DAY, FEBRUARY_28, HOUR, MINUTE, refusal } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene, type PlanChangeScene } from '../../../test/support/plan-change-scene.ts';

const MIDDLE = FEBRUARY_28 - 14 * DAY;

/** Ten credits used and half of the month of a seat, when the middle of the first period has come. */
async function halfPastScene(): Promise<PlanChangeScene & { readonly id: string }> {
  const scene = await createPlanChangeScene();
  const seat = await scene.licensed(1_000);
  const { id } = await scene.subscribe({ items: [{ price: scene.price.id }, { price: seat.id }] });
  scene.clock.time = MIDDLE;
  await scene.report(10, { timestamp: MIDDLE - MINUTE });
  return { ...scene, id };
}

test('a pause settles what was used and what was paid, and nothing is billed until the subscription is resumed', async () => {
  const { clock, simulator, stripe, id, report, bills } = await halfPastScene();
  const paused = await stripe.subscriptions.pause(id, { invoicing_behavior: 'invoice' });
  expect(paused).toMatchObject({
    status: 'paused',
    status_details: {
      paused: {
        type: 'subscription',
        transitioned_at: MIDDLE / 1_000,
        subscription: { type: 'pause_requested' },
      },
    },
    pause_collection: null,
  });
  expect(bills()[1]).toEqual(['paid', 20 - 500]);
  expect(simulator.nextEventAt()).toBeNull();
  await report(1_000);
  clock.time += 60 * DAY;
  expect(bills()).toHaveLength(2);
  const none = stripe.invoices.createPreview({ subscription: id });
  expect(await refusal(none)).toMatchObject({ code: 'invoice_upcoming_none' });

  const resumed = await stripe.subscriptions.resume(id);
  const now_s = clock.time / 1000;
  expect(resumed).toMatchObject({ status: 'active', billing_cycle_anchor: now_s });
  expect(resumed.status_details).toBeUndefined();
  expect(resumed.items.data.map((item) => item.current_period_start)).toEqual([now_s, now_s]);
  expect(bills()[2]).toEqual(['paid', 1_000]);
  await report(3);
  clock.time = (resumed.items.data[0]?.current_period_end ?? 0) * 1000 + HOUR;
  expect(bills()[3]).toEqual(['paid', 6 + 1_000]);
});

test('resumed in its old cycle, a subscription is charged for the rest of the period', async () => {
  const { clock, stripe, id, bills } = await halfPastScene();
  await stripe.subscriptions.pause(id);
  clock.time += 7 * DAY;
  const resumed = await stripe.subscriptions.resume(id, { billing_cycle_anchor: { type: 'unchanged' } });
  expect(resumed.items.data.map((item) => item.current_period_end)).toEqual(
    [0, 1].map(() => FEBRUARY_28 / 1000),
  );
  clock.time = FEBRUARY_28 + HOUR;
  // What waited for an invoice: the usage before the pause, the credit, and the charge for the last quarter.
  expect(bills()).toEqual([
    ['paid', 1_000],
    ['paid', 20 - 500 + 250 + 1_000],
  ]);
});

test('a pause can drop the usage and keep what was paid', async () => {
  const { clock, stripe, id, bills } = await halfPastScene();
  await stripe.subscriptions.pause(id, {
    bill_for: { outstanding_usage_through: { type: 'none' }, unused_time_from: { type: 'none' } },
    invoicing_behavior: 'invoice',
  });
  clock.time += DAY;
  await stripe.subscriptions.cancel(id, { invoice_now: true, prorate: true });
  expect(bills()).toEqual([['paid', 1_000]]);
});

test('a paused subscription ends at its date, with an invoice of what waits for one only', async () => {
  const { clock, simulator, stripe, id, report, bills } = await halfPastScene();
  const cancel_at = FEBRUARY_28 / 1000 + 86_400;
  await stripe.subscriptions.update(id, { cancel_at });
  await stripe.subscriptions.pause(id);
  await report(1_000);
  simulator.settle();
  expect(simulator.nextEventAt()).toBe(cancel_at * 1000);
  clock.time = cancel_at * 1000 + HOUR;
  expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  expect(bills()).toEqual([
    ['paid', 1_000],
    ['paid', 20 - 500],
  ]);
});

test('only what is active is paused, only what is paused resumed, and a paused one keeps its items', async () => {
  const { stripe, subscribe, id, dearer } = await halfPastScene();
  const trialing = await subscribe({ trial_period_days: 7 });
  for (const call of [stripe.subscriptions.pause(trialing.id), stripe.subscriptions.resume(id)]) {
    expect((await refusal(call)).statusCode).toBe(400);
  }
  await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' } });
  expect((await refusal(stripe.subscriptions.pause(id))).statusCode).toBe(400);
  await stripe.subscriptions.update(id, { pause_collection: '' });
  const { items } = await stripe.subscriptions.pause(id);
  const change = { id: items.data[0]?.id ?? '', price: dearer.id };
  expect(await refusal(stripe.subscriptions.update(id, { items: [change] }))).toMatchObject({
    param: 'items',
  });
  expect(
    (await refusal(stripe.subscriptionItems.update(change.id, { price: change.price }))).statusCode,
  ).toBe(400);
  expect(await stripe.subscriptions.update(id, { metadata: { a: 'b' } })).toMatchObject({ status: 'paused' });
});
