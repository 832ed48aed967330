import { describe, expect, test } from 'vitest';
import { DAY, HOUR } from './support/credits-scene.ts';
import { createWorld } from './support/world.ts';

/** An app whose account is linked to a customer, and Stripe's answer to whoever asks for its subscriptions. */
async function createUnansweredWorld(answer: () => Response | null, stripe_customer?: string) {
  const world = await createWorld({
    stripe_fetch: async (input, init) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      const isAsked = pathname === '/v1/subscriptions';
      return (isAsked ? answer() : null) ?? (await world.simulator.fetch(input, init));
    },
  });
  const { customer } = await world.subscribe();
  await world.usage.accounts.set({ account: 'acct_1', stripe_customer: stripe_customer ?? customer.id });
  await world.usage.increment({ account: 'acct_1', quantity: 70 });
  world.clock.advance(HOUR);
  return {
    ...world,
    customer,
    firstReport: async () => (await world.usage.reports.list({ account: 'acct_1' })).reports[0],
    counted: () => world.simulator.counted(customer.id, 'credits', 0, world.clock.now()),
  };
}

const refusal = (status: number, message: string) => () =>
  Response.json({ error: { type: 'invalid_request_error', message } }, { status });

describe('usage of a customer that Stripe does not know', () => {
  const unknownCustomer = refusal(400, "No such customer: 'cus_typo'");

  test('is held at once, in Stripe’s words, and is a discrepancy', async () => {
    const world = await createUnansweredWorld(unknownCustomer, 'cus_typo');
    await expect(world.usage.report()).resolves.toMatchObject({ held: 1, waiting: 0 });
    expect(await world.firstReport()).toMatchObject({
      status: 'held',
      reason: 'customer_refused',
      last_error: "No such customer: 'cus_typo'",
    });
    expect(world.alarms).toMatchObject([{ alarm: 'customer_refused' }]);
    const { lines, discrepancies } = await world.usage.reconcile({ account: 'acct_1' });
    expect(discrepancies).toBe(1);
    expect(lines[0]?.causes.map(({ cause }) => cause)).toContain('held');
  });

  test('is sent as soon as the account has the right one', async () => {
    const world = await createUnansweredWorld(() => null, 'cus_typo');
    await world.usage.report();
    expect(await world.firstReport()).toMatchObject({ status: 'held', reason: 'customer_refused' });
    await world.usage.accounts.set({ account: 'acct_1', stripe_customer: world.customer.id });
    await expect(world.usage.report()).resolves.toMatchObject({ reported: 1 });
    await world.passTime(world.clock.now() + 2 * HOUR);
    expect(world.counted()).toBe(70);
  });

  test('waits for a subscription again when the right customer has none', async () => {
    const world = await createUnansweredWorld(() => null, 'cus_typo');
    await world.usage.report();
    const { id } = await world.stripe.customers.create({});
    await world.usage.accounts.set({ account: 'acct_1', stripe_customer: id });
    await expect(world.usage.report()).resolves.toMatchObject({ waiting: 1 });
    expect(await world.firstReport()).toMatchObject({ status: 'closed', reason: 'unlinked' });
  });

  test('is not sent by whoever resolves it so, since it would be held again', async () => {
    const world = await createUnansweredWorld(unknownCustomer);
    await world.usage.report();
    const decision = { account: 'acct_1', meter: 'credits', report: 1, as: 'send', reason: 'Try' } as const;
    await expect(world.usage.reports.resolve(decision)).rejects.toMatchObject({
      code: 'report_not_decidable',
      message: expect.stringContaining('set another one'),
    });
  });
});

describe('usage while Stripe does not say what bills its account', () => {
  const revoked = refusal(401, 'Invalid API Key provided');

  test('waits, and is said to wait', async () => {
    const world = await createUnansweredWorld(revoked);
    await expect(world.usage.report()).resolves.toMatchObject({ waiting: 1, held: 0 });
    expect(await world.firstReport()).toMatchObject({
      status: 'closed',
      last_error: 'Invalid API Key provided',
    });
    const { lines, discrepancies } = await world.usage.reconcile({ account: 'acct_1' });
    expect(discrepancies).toBe(1);
    expect(lines[0]?.causes.map(({ cause }) => cause)).toContain('unread');
  });

  test('is held once Stripe would no longer take it, and goes on when Stripe answers again', async () => {
    let isRevoked = true;
    const world = await createUnansweredWorld(() => (isRevoked ? revoked() : null));
    await world.usage.report();
    world.clock.advance(33 * DAY);
    await expect(world.usage.report()).resolves.toMatchObject({ waiting: 1 });
    world.clock.advance(DAY + HOUR);
    await expect(world.usage.report()).resolves.toMatchObject({ held: 1 });
    expect(await world.firstReport()).toMatchObject({ status: 'held', reason: 'too_old' });
    isRevoked = false;
    // Its own invoice is final: it is on the next one.
    await world.passTime(world.clock.now() + 2 * DAY);
    expect(world.counted()).toBe(70);
  });
});
