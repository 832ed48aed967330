import { describe, expect, test } from 'vitest';
import { createCreditsScene, refusal } from '../../../test/support/credits-scene.ts';

describe('a simulator that keeps the limits', () => {
  test('of a sandbox refuses the 26th request of a second, whatever it asks for', async () => {
    const { stripe, clock, report } = await createCreditsScene({ limits: 'sandbox' });
    clock.time += 1_000;
    for (let request = 0; request < 20; request += 1) await report(1);
    for (let request = 0; request < 5; request += 1) await stripe.prices.list();
    const error = await refusal(report(1));
    expect(error).toMatchObject({ statusCode: 429, code: 'rate_limit' });
    expect(error.headers).toMatchObject({ 'retry-after': '1', 'stripe-rate-limited-reason': 'global-rate' });
    clock.time += 999;
    await refusal(stripe.prices.list());
    clock.time += 1;
    await report(1);
  });

  test('of a live account counts meter events by themselves, and each other endpoint', async () => {
    const { stripe, clock, customer, report } = await createCreditsScene({ limits: 'live' });
    clock.time += 1_000;
    for (let request = 0; request < 1_000; request += 1) await report(1);
    expect((await refusal(report(1))).headers?.['stripe-rate-limited-reason']).toBe('endpoint-rate');
    const calls = [
      () => stripe.prices.list(),
      () => stripe.billing.meters.list(),
      () => stripe.customers.retrieve(customer.id),
      () => stripe.subscriptions.list(),
    ];
    for (const call of calls) {
      for (let request = 0; request < 25; request += 1) await call();
      expect((await refusal(call())).statusCode).toBe(429);
    }
    expect((await refusal(stripe.invoices.list())).headers?.['stripe-rate-limited-reason']).toBe(
      'global-rate',
    );
  });

  test('refuses without effect', async () => {
    const { simulator, clock, report } = await createCreditsScene({ limits: 'sandbox' });
    clock.time += 1_000;
    for (let request = 0; request < 25; request += 1) await report(1);
    await refusal(report(1));
    expect(simulator.events()).toHaveLength(25);
  });
});

test('a simulator keeps no limits unless it is asked to', async () => {
  const { simulator, report } = await createCreditsScene();
  for (let request = 0; request < 200; request += 1) await report(1);
  expect(simulator.events()).toHaveLength(200);
});
