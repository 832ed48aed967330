import { describe, expect, test } from 'vitest';
import { HOUR } from './support/credits-scene.ts';
import { createSubscribingWorld } from './support/subscribing-world.ts';

const CREATE = { account: 'acct_1', plan: 'fee' } as const;

describe('direct creation', () => {
  test('the default payment method pays, and the account is on the plan at once', async () => {
    const { usage, customerWith, subscriptionsOf } = await createSubscribingWorld({ with_webhooks: false });
    const customer = await customerWith('acct_1', 'pm_card_visa');
    const created = await usage.subscriptions.create(CREATE);
    const [subscription] = await subscriptionsOf(customer);
    expect(created).toMatchObject({ status: 'active', plan: 'fee', stripe_subscription: subscription?.id });
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'fee' });
    expect(subscription).toMatchObject({ billing_mode: { type: 'flexible' } });
  });

  test('the same request makes one subscription, however often it is made, at once or later', async () => {
    const { usage, customerWith, subscriptionsOf } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    const [one, two] = await Promise.all([
      usage.subscriptions.create(CREATE),
      usage.subscriptions.create(CREATE),
    ]);
    expect(two.stripe_subscription).toBe(one.stripe_subscription);
    expect(await usage.subscriptions.create(CREATE)).toMatchObject({
      stripe_subscription: one.stripe_subscription,
    });
    expect(await subscriptionsOf(customer)).toHaveLength(1);
  });

  test.each(['500_after', '500_before'] as const)(
    'a %s of Stripe’s leaves one subscription',
    async (kind) => {
      const world = await createSubscribingWorld();
      const customer = await world.customerWith('acct_1', 'pm_card_visa');
      world.simulator.faults.add({ kind, method: 'POST', path: '/v1/subscriptions' });
      const creating = world.usage.subscriptions.create(CREATE);
      for (let turn = 0; turn < 200; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        world.clock.advance(500);
      }
      expect(await creating).toMatchObject({ status: 'active' });
      expect(await world.subscriptionsOf(customer)).toHaveLength(1);
    },
  );

  test('a crash after Stripe made it leaves one subscription, which the next call finds', async () => {
    const world = await createSubscribingWorld({ with_webhooks: false });
    const customer = await world.customerWith('acct_1', 'pm_card_visa');
    // The process dies while the answer is on its way: nothing of it is known here.
    const dying = world.open(async (input, init) => {
      const answer = await world.simulator.fetch(input, init);
      if (isCreation(input, init)) throw new Error('The process is gone.');
      return answer;
    });
    void dying.subscriptions.create(CREATE).catch(() => {});
    await until(async () => (await world.subscriptionsOf(customer)).length === 1);
    expect(await world.usage.subscriptions.create(CREATE)).toMatchObject({ status: 'active', plan: 'fee' });
    expect(await world.subscriptionsOf(customer)).toHaveLength(1);
  });

  test('of two at once that ask for different plans one is made, and the other is refused', async () => {
    const { usage, customerWith, subscriptionsOf } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    const settled = await Promise.allSettled([
      usage.subscriptions.create(CREATE),
      usage.subscriptions.create({ account: 'acct_1', plan: 'pro' }),
    ]);
    expect(settled.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(settled.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'already_subscribed' },
    });
    expect(await subscriptionsOf(customer)).toHaveLength(1);
  });

  test('a key tells requests apart: another one is refused while a subscription bills', async () => {
    const { usage, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    await usage.subscriptions.create({ ...CREATE, idempotency_key: 'a' });
    await usage.subscriptions.create({ ...CREATE, idempotency_key: 'a' });
    await expect(usage.subscriptions.create({ ...CREATE, idempotency_key: 'b' })).rejects.toMatchObject({
      code: 'already_subscribed',
    });
  });

  test('who has ended a subscription can have the same again on the same day', async () => {
    const { usage, stripe, customerWith, subscriptionsOf, settle } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    const first = await usage.subscriptions.create(CREATE);
    await stripe.subscriptions.cancel(first.stripe_subscription ?? '');
    await settle();
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({
      plan: 'free',
      subscription_status: 'canceled',
    });
    const second = await usage.subscriptions.create(CREATE);
    expect(second).toMatchObject({ status: 'active', plan: 'fee' });
    expect(second.stripe_subscription).not.toBe(first.stripe_subscription);
    expect(await subscriptionsOf(customer)).toHaveLength(2);
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'fee' });
  });

  test('a trial ends when it is said to', async () => {
    const { usage, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    const trial_end = '2026-02-01T00:00:00.000Z';
    expect(await usage.subscriptions.create({ ...CREATE, trial_end })).toMatchObject({
      status: 'trialing',
      trial_end,
    });
  });

  test.each([
    { trial_end: '2026-01-01' },
    { trial_end: '2029-01-01' },
    { trial_end: '2026-02-01', trial_days: 3 },
    { payment_behavior: 'pending_if_incomplete' },
    { success_url: 'https://app.example' },
  ])('%o is refused', async (change) => {
    const { usage } = await createSubscribingWorld();
    const refused = usage.subscriptions.create({ ...CREATE, ...change } as never);
    await expect(refused).rejects.toMatchObject({ code: 'invalid_parameter' });
  });
});

describe('payments that fail', () => {
  test('a first payment that fails waits for the customer, who pays on the invoice’s page', async () => {
    const { usage, simulator, customerWith, settle } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_chargeCustomerFail');
    const created = await usage.subscriptions.create(CREATE);
    expect(created).toMatchObject({ status: 'incomplete', action: 'pay' });
    // Nothing is bought yet.
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: null });

    const body = new URLSearchParams({ action: 'pay', payment_method: 'pm_card_visa' });
    const paid = await simulator.fetch(created.hosted_invoice_url ?? '', { method: 'POST', body });
    expect(paid.status).toBe(303);
    await settle();
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'active',
      action: null,
      hosted_invoice_url: null,
    });
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'fee' });
  });

  test('a payment that must be confirmed says so, and where', async () => {
    const { usage, simulator, customerWith, settle } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_authenticationRequired');
    const created = await usage.subscriptions.create(CREATE);
    expect(created).toMatchObject({ status: 'incomplete', action: 'confirm' });
    const shown = await simulator.fetch(created.hosted_invoice_url ?? '');
    expect(await shown.text()).toContain('Confirm the payment');
    const body = new URLSearchParams({ action: 'confirm' });
    await simulator.fetch(created.hosted_invoice_url ?? '', { method: 'POST', body });
    await settle();
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'active',
      action: null,
    });
  });

  test('without a try the payment waits in the same way', async () => {
    const { usage, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    const created = await usage.subscriptions.create({ ...CREATE, payment_behavior: 'default_incomplete' });
    expect(created).toMatchObject({ status: 'incomplete', action: 'pay' });
  });

  test('what nobody pays within 23 hours has never been a subscription', async () => {
    const { usage, customerWith, passDays } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_chargeCustomerFail');
    await usage.subscriptions.create(CREATE);
    await passDays(1);
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'incomplete_expired',
      action: null,
    });
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: null });
  });

  test('a customer who chooses anew leaves no unpaid subscription behind', async () => {
    const { usage, stripe, customerWith, subscriptionsOf } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_chargeCustomerFail');
    await usage.subscriptions.create(CREATE);
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: card.id } });
    await usage.subscriptions.create({ account: 'acct_1', plan: 'pro' });
    const statuses = (await subscriptionsOf(customer)).map(({ status }) => status);
    expect(statuses).toEqual(['active', 'incomplete_expired']);
  });

  test('a declined card can be replaced and the same request made again', async () => {
    const { usage, stripe, customerWith } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_chargeCustomerFail');
    const strict = { ...CREATE, payment_behavior: 'error_if_incomplete' } as const;
    await expect(usage.subscriptions.create(strict)).rejects.toMatchObject({ code: 'payment_failed' });
    await expect(usage.subscriptions.create(strict)).rejects.toMatchObject({ code: 'payment_failed' });
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: card.id } });
    expect(await usage.subscriptions.create(strict)).toMatchObject({ status: 'active' });
  });

  test('a renewal that fails makes it past due, and paying it active again', async () => {
    const { usage, stripe, customerWith, passTime, clock } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    await usage.subscriptions.create(CREATE);
    const card = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: card.id } });
    await passTime(Date.UTC(2026, 1, 10, 14));
    const due = await usage.subscriptions.get({ account: 'acct_1' });
    expect(due).toMatchObject({ status: 'past_due', action: 'pay', plan: 'fee' });
    expect(due.hosted_invoice_url).toContain('/pages/invoices/in_');

    const [invoice] = (await stripe.invoices.list({ customer, status: 'open' })).data;
    const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.invoices.pay(invoice?.id ?? '', { payment_method: good.id });
    await passTime(clock.now() + HOUR);
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'active',
      action: null,
    });
  });

  test('a payment of which no webhook tells is noticed within a day', async () => {
    const { usage, stripe, customerWith, passDays } = await createSubscribingWorld({ with_webhooks: false });
    const customer = await customerWith('acct_1', 'pm_card_chargeCustomerFail');
    await usage.subscriptions.create(CREATE);
    const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    const [invoice] = (await stripe.invoices.list({ customer, status: 'open' })).data;
    await stripe.invoices.pay(invoice?.id ?? '', { payment_method: good.id });
    await passDays(1.1);
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'active',
      action: null,
    });
  });
});

function isCreation(input: unknown, init: RequestInit | undefined): boolean {
  return String(input).endsWith('/v1/subscriptions') && init?.method === 'POST';
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 10_000; turn += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('It never happened.');
}
