import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { createSubscribingWorld, type SubscribingWorld } from './support/subscribing-world.ts';

const PAGES = { success_url: 'https://app.example/ok', cancel_url: 'https://app.example/no' };
const PRO = { account: 'acct_1', plan: 'pro' } as const;
const START = Date.UTC(2026, 0, 10, 12);

describe('the instant that counts is Stripe’s, however late we learn of it', () => {
  test.each([
    ['webhooks that come hours late', 3 * HOUR],
    ['no webhook at all', null],
  ])('a Checkout that was completed earlier bills since then, with %s', async (_, delay) => {
    const world = await createSubscribingWorld({ with_webhooks: delay !== null });
    const { usage, simulator, clock, passTime } = world;
    if (delay !== null) simulator.webhookFaults.add({ kind: 'delay', within_ms: delay, times: 1_000 });
    await usage.accounts.set({ account: 'acct_1', plan: 'free' });
    await usage.increment({ account: 'acct_1', quantity: 7 });
    clock.advance(HOUR);
    const { checkout_session } = await usage.subscriptions.checkout({ ...PRO, ...PAGES });
    simulator.completeCheckout(checkout_session);
    clock.advance(5 * MINUTE);
    await usage.increment({ account: 'acct_1', quantity: 50 });
    // What is sealed now is sealed as free: nobody knows of the subscription.
    await usage.report();
    await passTime(Date.UTC(2026, 1, 11));
    expect(await billed(world)).toEqual([['paid', 100]]);
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'active',
      plan: 'pro',
    });
  });

  test('what was sealed as free past the start is re-issued, and what was before it never is', async () => {
    const world = await createSubscribingWorld({ with_webhooks: false });
    const { usage, stripe, simulator, clock, passTime, prices } = world;
    await usage.accounts.set({ account: 'acct_1', plan: 'free' });
    await usage.increment({ account: 'acct_1', quantity: 7 });
    clock.advance(10 * MINUTE);
    const customer = await stripe.customers.create();
    await stripe.subscriptions.create({ customer: customer.id, items: [{ price: prices.pro.id }] });
    clock.advance(MINUTE);
    await usage.increment({ account: 'acct_1', quantity: 30 });
    clock.advance(HOUR);
    await usage.report();
    const before = await usage.get({ account: 'acct_1' });
    expect(before.reports.filter(({ status }) => status === 'not_billable')).toMatchObject([
      { quantity: 37, reason: 'free' },
    ]);

    await usage.accounts.set({ account: 'acct_1', stripe_customer: customer.id });
    await usage.accounts.sync({ account: 'acct_1' });
    await usage.report();
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'pro' });
    await passTime(Date.UTC(2026, 1, 12));
    expect(simulator.counted(customer.id, 'credits', 0, Date.UTC(2027, 0))).toBe(30);
    expect(await billed(world)).toEqual([['paid', 60]]);
  });

  test('what was sealed as free is billed also where the subscription began in the second of the account', async () => {
    const world = await createSubscribingWorld({ with_webhooks: false });
    const { usage, stripe, simulator, clock, passTime, prices } = world;
    await usage.accounts.set({ account: 'acct_1', plan: 'free' });
    const customer = await stripe.customers.create();
    await stripe.subscriptions.create({ customer: customer.id, items: [{ price: prices.pro.id }] });
    clock.advance(MINUTE);
    await usage.increment({ account: 'acct_1', quantity: 30 });
    clock.advance(HOUR);
    await usage.report();
    await usage.accounts.set({ account: 'acct_1', stripe_customer: customer.id });
    await passTime(Date.UTC(2026, 1, 12));
    expect(simulator.counted(customer.id, 'credits', 0, Date.UTC(2027, 0))).toBe(30);
    expect(await billed(world)).toEqual([['paid', 60]]);
  });

  test('usage of a trial is never billed, usage after it is', async () => {
    const world = await createSubscribingWorld();
    const { usage, customerWith, passTime } = world;
    await customerWith('acct_1', 'pm_card_visa');
    await usage.subscriptions.create({ ...PRO, trial_days: 7 });
    await usage.increment({ account: 'acct_1', quantity: 1_000 });
    await passTime(START + 8 * DAY);
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'active',
      trial_end: '2026-01-17T12:00:00.000Z',
    });
    await usage.increment({ account: 'acct_1', quantity: 10 });
    await passTime(START + 40 * DAY);
    expect(await billed(world)).toEqual([['paid', 20]]);
  });

  test('usage after a trial that pauses its subscription is never billed, usage since it is resumed is', async () => {
    const world = await createSubscribingWorld();
    const { usage, stripe, simulator, passTime } = world;
    const customer = await stripe.customers.create({});
    const { data } = await stripe.prices.list({ lookup_keys: ['tallybook:pro:month:credits'] });
    const subscription = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: data[0]?.id ?? '' }],
      trial_period_days: 3,
      trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
    });
    await usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
    await passTime(START + 4 * DAY);
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({ status: 'paused' });
    await usage.increment({ account: 'acct_1', quantity: 500 });
    await passTime(START + 6 * DAY);
    await stripe.subscriptions.resume(subscription.id);
    await usage.increment({ account: 'acct_1', quantity: 7 });
    await passTime(START + 40 * DAY);
    expect(simulator.counted(customer.id, 'credits', 0, Date.UTC(2027, 0))).toBe(7);
    expect(await billed(world)).toEqual([['paid', 14]]);
  });

  test('a trial that is ended early bills since then, although nobody told us', async () => {
    const world = await createSubscribingWorld({ with_webhooks: false });
    const { usage, stripe, clock, customerWith, passTime } = world;
    await customerWith('acct_1', 'pm_card_visa');
    const { stripe_subscription } = await usage.subscriptions.create({ ...PRO, trial_days: 14 });
    await usage.increment({ account: 'acct_1', quantity: 5 });
    clock.advance(2 * DAY);
    await stripe.subscriptions.update(stripe_subscription ?? '', { trial_end: 'now' });
    clock.advance(HOUR);
    await usage.increment({ account: 'acct_1', quantity: 40 });
    await passTime(START + 40 * DAY);
    expect(await billed(world)).toEqual([['paid', 80]]);
  });

  test('a trial that is prolonged is not billed for longer', async () => {
    const world = await createSubscribingWorld({ with_webhooks: false });
    const { usage, stripe, clock, customerWith, passTime } = world;
    await customerWith('acct_1', 'pm_card_visa');
    const { stripe_subscription } = await usage.subscriptions.create({ ...PRO, trial_days: 3 });
    clock.advance(DAY);
    await stripe.subscriptions.update(stripe_subscription ?? '', { trial_end: (START + 20 * DAY) / 1_000 });
    await passTime(START + 5 * DAY);
    await usage.increment({ account: 'acct_1', quantity: 40 });
    await passTime(START + 21 * DAY);
    await usage.increment({ account: 'acct_1', quantity: 6 });
    await passTime(START + 55 * DAY);
    expect(await billed(world)).toEqual([['paid', 12]]);
  });
});

describe('subscriptions that others make', () => {
  test('one made elsewhere for an account’s customer puts the account on its plan', async () => {
    const { usage, stripe, prices, customerWith, settle } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    await stripe.subscriptions.create({ customer, items: [{ price: prices.seats.id, quantity: 4 }] });
    await settle();
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'active',
      plan: 'team',
      seats: 4,
      interval: 'month',
    });
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'team' });
  });

  test('the prices that it has decide, and not what its metadata once said', async () => {
    const { usage, stripe, prices, customerWith, settle } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    const metadata = { tallybook_plan: 'team' };
    await stripe.subscriptions.create({ customer, items: [{ price: prices.pro.id }], metadata });
    await settle();
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'pro' });
  });

  test('a price whose lookup key has moved on is known by its metadata', async () => {
    const { usage, stripe, prices, customerWith, settle } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    await stripe.prices.update(prices.pro.id, { metadata: { tallybook_plan: 'pro' } });
    await stripe.prices.create({
      currency: 'usd',
      product_data: { name: 'Credits' },
      recurring: { interval: 'month' },
      unit_amount: 1,
      lookup_key: 'tallybook:pro:month:credits',
      transfer_lookup_key: true,
    });
    await stripe.subscriptions.create({ customer, items: [{ price: prices.pro.id }] });
    await settle();
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'pro' });
  });

  test('a plan that was set without a subscription stays until Stripe says otherwise', async () => {
    const { usage, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    await usage.accounts.set({ account: 'acct_1', plan: 'pro' });
    await usage.accounts.sync({ account: 'acct_1' });
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({
      plan: 'pro',
      subscription_status: 'none',
    });
  });

  test('an account without a customer is linked by a subscription that names it', async () => {
    const { usage, stripe, prices, settle } = await createSubscribingWorld();
    await usage.accounts.set({ account: 'acct_1' });
    const customer = await stripe.customers.create();
    const metadata = { tallybook_account: 'acct_1' };
    await stripe.subscriptions.create({ customer: customer.id, items: [{ price: prices.pro.id }], metadata });
    await settle();
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({
      stripe_customer: customer.id,
      plan: 'pro',
    });
  });

  test('an account without a customer is linked by a Checkout that names it', async () => {
    const { usage, stripe, simulator, prices, settle } = await createSubscribingWorld();
    await usage.accounts.set({ account: 'acct_1' });
    const session = await stripe.checkout.sessions.create({
      mode: 'subscription',
      line_items: [{ price: prices.pro.id }],
      success_url: 'https://app.example',
      metadata: { tallybook_account: 'acct_1' },
    });
    simulator.completeCheckout(session.id);
    await settle();
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({
      plan: 'pro',
      subscription_status: 'active',
    });
  });

  test('an event that names an account is only a hint: what Stripe says of the subscription counts', async () => {
    const { usage, stripe, prices, simulator } = await createSubscribingWorld();
    await usage.accounts.set({ account: 'acct_1' });
    const customer = await stripe.customers.create();
    const metadata = { tallybook_account: 'acct_1' };
    const { id } = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: prices.pro.id }],
      metadata,
    });
    await stripe.subscriptions.update(id, { metadata: { tallybook_account: '' } });
    await simulator.deliverWebhooks();
    await usage.worker.tick();
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ stripe_customer: null });
  });

  test('nobody takes an account over that has a customer: it is an alarm', async () => {
    const world = await createSubscribingWorld();
    const { usage, stripe, prices, customerWith, settle, alarms, simulator } = world;
    await usage.accounts.set({ account: 'acct_1' });
    const stranger = await stripe.customers.create();
    const metadata = { tallybook_account: 'acct_1' };
    await stripe.subscriptions.create({ customer: stranger.id, items: [{ price: prices.pro.id }], metadata });
    await simulator.deliverWebhooks();
    const own = await customerWith('acct_1', 'pm_card_visa');
    await settle();
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({
      stripe_customer: own,
      plan: null,
    });
    expect(alarms).toMatchObject([
      { alarm: 'other_customer', account: 'acct_1', stripe_customer: stranger.id },
    ]);
  });

  test('events of customers and accounts that nobody knows are not kept', async () => {
    const { usage, stripe, prices, settle, simulator } = await createSubscribingWorld();
    const customer = await stripe.customers.create();
    const metadata = { tallybook_account: 'of another app' };
    await stripe.subscriptions.create({ customer: customer.id, items: [{ price: prices.pro.id }], metadata });
    await settle();
    expect((await usage.webhooks.list()).events).toEqual([]);
    expect(simulator.webhookAttempts().every(({ status }) => status === 200)).toBe(true);
  });
});

describe('linking what is there already', () => {
  test('a subscription is checked and read at once, and links its customer', async () => {
    const { usage, stripe, prices } = await createSubscribingWorld({ with_webhooks: false });
    const customer = await stripe.customers.create();
    const { id } = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: prices.pro.id }],
    });
    expect(await usage.accounts.set({ account: 'acct_1', stripe_subscription: id })).toMatchObject({
      stripe_customer: customer.id,
      plan: 'pro',
    });
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({ stripe_subscription: id });
  });

  test('a subscription of somebody else is refused, and nothing changes', async () => {
    const { usage, stripe, prices, customerWith } = await createSubscribingWorld();
    const own = await customerWith('acct_1', 'pm_card_visa');
    const other = await stripe.customers.create();
    const { id } = await stripe.subscriptions.create({
      customer: other.id,
      items: [{ price: prices.pro.id }],
    });
    for (const stripe_customer of [undefined, own]) {
      const link = {
        account: 'acct_1',
        stripe_subscription: id,
        ...(stripe_customer ? { stripe_customer } : {}),
      };
      await expect(usage.accounts.set(link)).rejects.toMatchObject({
        code: 'subscription_not_found',
        message: expect.stringContaining(other.id),
      });
    }
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ stripe_customer: own });
  });

  test('a customer whom another account has is refused', async () => {
    const { usage, stripe, prices, customerWith } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.pro.id }] });
    await expect(usage.accounts.set({ account: 'acct_2', stripe_subscription: id })).rejects.toMatchObject({
      code: 'stripe_customer_taken',
    });
  });

  test.each([['sub 1'], ['cus_1'], [1], [null]])('%o is no subscription', async (stripe_subscription) => {
    const { usage } = await createSubscribingWorld();
    const set = usage.accounts.set({ account: 'acct_1', stripe_subscription } as never);
    await expect(set).rejects.toMatchObject({ code: 'invalid_parameter' });
  });

  test('who is unlinked has no subscription any more', async () => {
    const { usage, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    await usage.subscriptions.create(PRO);
    await usage.accounts.set({ account: 'acct_1', stripe_customer: null });
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'none',
      synced_at: null,
    });
  });

  test('an account without a customer has nothing to be read, and an unknown one is refused', async () => {
    const { usage } = await createSubscribingWorld();
    await usage.accounts.set({ account: 'acct_1' });
    expect(await usage.accounts.sync({ account: 'acct_1' })).toMatchObject({ status: 'none' });
    await expect(usage.accounts.sync({ account: 'nobody' })).rejects.toMatchObject({
      code: 'account_not_found',
    });
    await expect(usage.subscriptions.get({ account: 'nobody' })).rejects.toMatchObject({
      code: 'account_not_found',
    });
  });
});

/** Status and total of the account's invoices that bill something. */
async function billed({ usage, stripe }: SubscribingWorld): Promise<[string | null, number][]> {
  const { stripe_customer } = await usage.accounts.get({ account: 'acct_1' });
  const { data } = await stripe.invoices.list({ customer: stripe_customer ?? '', limit: 100 });
  return data
    .filter(({ total }) => total > 0)
    .reverse()
    .map(({ status, total }) => [status, total]);
}
