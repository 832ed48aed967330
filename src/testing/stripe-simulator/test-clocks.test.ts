import Stripe from 'stripe';
import { expect, test } from 'vitest';
import { DAY, FEBRUARY_28, HOUR, JANUARY_31, refusal } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';
import { createMovableClock } from '../movable-clock.ts';
import { createStripeSimulator } from './stripe-simulator.ts';

const START_S = JANUARY_31 / 1000;

async function createClockScene() {
  const clock = createMovableClock({ start: JANUARY_31 });
  const scene = await createPlanChangeScene({ clock });
  return { ...scene, clock };
}

test('advancing a test clock moves the clock of the simulator, and what is due by then has happened', async () => {
  const { clock, stripe, subscribe, report, bills } = await createClockScene();
  const testClock = await stripe.testHelpers.testClocks.create({ frozen_time: START_S, name: 'A month' });
  expect(testClock).toMatchObject({ frozen_time: START_S, status: 'ready', name: 'A month' });
  await subscribe();
  await report(10, { timestamp: JANUARY_31 });
  const target = (FEBRUARY_28 + HOUR) / 1000;
  const advancing = await stripe.testHelpers.testClocks.advance(testClock.id, { frozen_time: target });
  expect(advancing).toMatchObject({
    status: 'advancing',
    status_details: { advancing: { target_frozen_time: target } },
  });
  expect(clock.now()).toBe(target * 1000);
  expect(await stripe.testHelpers.testClocks.retrieve(testClock.id)).toMatchObject({
    status: 'ready',
    frozen_time: target,
  });
  expect(bills()).toEqual([['paid', 20]]);
  expect((await stripe.testHelpers.testClocks.list()).data.map(({ id }) => id)).toEqual([testClock.id]);
});

test('customers made with a test clock show it, with all that is theirs, and go with it', async () => {
  const { stripe, price } = await createClockScene();
  const { id: test_clock } = await stripe.testHelpers.testClocks.create({ frozen_time: START_S + 86_400 });
  const customer = await stripe.customers.create({ test_clock });
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
    billing_mode: { type: 'classic' },
    expand: ['latest_invoice'],
  });
  expect([customer.test_clock, subscription.test_clock, subscription.created]).toEqual([
    test_clock,
    test_clock,
    START_S + 86_400,
  ]);
  expect(subscription.latest_invoice).toMatchObject({ test_clock });
  await stripe.testHelpers.testClocks.del(test_clock);
  expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ deleted: true });
  expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('canceled');
  expect((await refusal(stripe.testHelpers.testClocks.retrieve(test_clock))).statusCode).toBe(404);
  expect(await refusal(stripe.customers.create({ test_clock }))).toMatchObject({ param: 'test_clock' });
});

test('time never goes back, and a clock that cannot be moved is not', async () => {
  const { stripe } = await createClockScene();
  const { id } = await stripe.testHelpers.testClocks.create({ frozen_time: START_S });
  const past = { frozen_time: START_S - 1 };
  expect(await refusal(stripe.testHelpers.testClocks.create(past))).toMatchObject({ param: 'frozen_time' });
  expect(await refusal(stripe.testHelpers.testClocks.advance(id, past))).toMatchObject({
    param: 'frozen_time',
  });

  const simulator = createStripeSimulator({ clock: { now: () => JANUARY_31 } });
  const httpClient = Stripe.createFetchHttpClient(simulator.fetch);
  const fixed = new Stripe('sk_test_fixed', { httpClient }).testHelpers.testClocks;
  const later = { frozen_time: (JANUARY_31 + DAY) / 1000 };
  const clock = await fixed.create({ frozen_time: START_S });
  for (const call of [fixed.create(later), fixed.advance(clock.id, later)]) {
    const error = await refusal(call);
    expect([error.statusCode, error.message]).toEqual([400, expect.stringContaining('moveTo')]);
  }
});
