import { expect, test } from 'vitest';
import { DAY, HOUR } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';

const endBehavior = (missing_payment_method: 'cancel' | 'create_invoice' | 'pause') => ({
  trial_period_days: 7,
  trial_settings: { end_behavior: { missing_payment_method } },
});

test.each([
  ['pause', 'paused'],
  ['cancel', 'canceled'],
  ['create_invoice', 'active'],
] as const)('a trial that ends without a payment method, to %s, leaves it %s', async (behavior, status) => {
  for (const isEndedByHand of [true, false]) {
    const { clock, stripe, subscribe, report, bills } = await createPlanChangeScene();
    const { id, trial_settings } = await subscribe(endBehavior(behavior));
    expect(trial_settings?.end_behavior.missing_payment_method).toBe(behavior);
    await report(10);
    if (isEndedByHand) await stripe.subscriptions.update(id, { trial_end: 'now' });
    else clock.time += 7 * DAY;
    const ended = await stripe.subscriptions.retrieve(id);
    expect(ended).toMatchObject({ status, trial_end: clock.time / 1_000 });
    expect(ended.ended_at).toBe(status === 'canceled' ? clock.time / 1_000 : null);
    clock.time += 40 * DAY;
    if (status !== 'active') expect(bills()).toEqual([]);
  }
});

test('a customer who has left a payment method is billed when the trial ends', async () => {
  const { clock, stripe, customer, subscribe, report, bills } = await createPlanChangeScene();
  const { id } = await subscribe(endBehavior('pause'));
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.customers.update(customer.id, {
    invoice_settings: { default_payment_method: card.id },
  });
  clock.time += 8 * DAY;
  await report(10);
  clock.time += 31 * DAY + HOUR;
  expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
  expect(bills().at(-1)).toEqual(['paid', 20]);
});

test('a subscription that its trial has paused bills from its resumption on', async () => {
  const { clock, stripe, subscribe, report, bills } = await createPlanChangeScene();
  const { id } = await subscribe(endBehavior('pause'));
  clock.time += 10 * DAY;
  await report(5);
  clock.time += DAY;
  await stripe.subscriptions.resume(id, { billing_cycle_anchor: { type: 'now' } });
  clock.time += DAY;
  await report(10);
  clock.time += 40 * DAY;
  expect(bills().at(0)).toEqual(['paid', 20]);
});
