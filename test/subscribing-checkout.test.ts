import { describe, expect, test } from 'vitest';
import { createSubscribingWorld, type SubscribingWorld } from './support/subscribing-world.ts';

const PAGES = {
  success_url: 'https://app.example/ok?s={CHECKOUT_SESSION_ID}',
  cancel_url: 'https://app.example/no',
};
const CHECKOUT = { account: 'acct_1', plan: 'fee', ...PAGES } as const;

describe('checkout', () => {
  test('an unknown account is created with a customer, and is on the plan when the customer has paid', async () => {
    const { usage, stripe, simulator, settle, subscriptionsOf } = await createSubscribingWorld();
    const opened = await usage.subscriptions.checkout({ ...CHECKOUT, customer_email: 'ada@example.com' });
    expect(opened).toMatchObject({ url: expect.stringContaining(opened.checkout_session) });

    const { stripe_customer } = await usage.accounts.get({ account: 'acct_1' });
    expect(await stripe.customers.retrieve(stripe_customer ?? '')).toMatchObject({
      email: 'ada@example.com',
      metadata: { tallybook_account: 'acct_1' },
    });
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'none',
      plan: null,
    });

    const stripe_subscription = simulator.completeCheckout(opened.checkout_session);
    await settle();
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toEqual({
      account: 'acct_1',
      status: 'active',
      stripe_subscription,
      plan: 'fee',
      interval: 'month',
      currency: 'usd',
      seats: null,
      trial_end: null,
      cancel_at_period_end: false,
      cancel_at: null,
      ended_at: null,
      current_period_start: '2026-01-10T12:00:00.000Z',
      current_period_end: '2026-02-10T12:00:00.000Z',
      action: null,
      hosted_invoice_url: null,
      synced_at: '2026-01-10T12:00:00.000Z',
    });
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({
      plan: 'fee',
      subscription_status: 'active',
    });
    const [subscription] = await subscriptionsOf(stripe_customer);
    expect(subscription).toMatchObject({
      billing_mode: { type: 'flexible' },
      metadata: { tallybook_account: 'acct_1', tallybook_plan: 'fee' },
    });
  });

  test('all prices of the plan and interval are subscribed to, metered ones without a quantity', async () => {
    const { usage, prices, simulator, stripe } = await createSubscribingWorld();
    const { checkout_session } = await usage.subscriptions.checkout(CHECKOUT);
    const items = (await stripe.subscriptions.retrieve(simulator.completeCheckout(checkout_session))).items
      .data;
    expect(items.map(({ price, quantity }) => [price.id, quantity])).toEqual([
      [prices.fee.id, undefined],
      [prices.base_fee.id, 1],
    ]);
  });

  test('seats and trial are part of it', async () => {
    const { usage, simulator, settle } = await createSubscribingWorld();
    const { checkout_session } = await usage.subscriptions.checkout({
      account: 'acct_1',
      plan: 'team',
      interval: 'year',
      seats: 7,
      trial_days: 14,
      ...PAGES,
    });
    simulator.completeCheckout(checkout_session);
    await settle();
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'trialing',
      plan: 'team',
      interval: 'year',
      seats: 7,
      trial_end: '2026-01-24T12:00:00.000Z',
    });
  });

  test('the page itself subscribes, and sends the customer where the app wants', async () => {
    const { usage, simulator, settle } = await createSubscribingWorld();
    const { url, checkout_session } = await usage.subscriptions.checkout(CHECKOUT);
    const shown = await simulator.fetch(url);
    expect(await shown.text()).toContain('<button>Subscribe</button>');
    const post = (card: string) =>
      simulator.fetch(url, { method: 'POST', body: new URLSearchParams({ payment_method: card }) });
    expect((await post('pm_card_chargeCustomerFail')).status).toBe(402);
    const answer = await post('pm_card_visa');
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(`https://app.example/ok?s=${checkout_session}`);
    await settle();
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({ status: 'active' });
  });

  test('a page takes no forms that another page sends', async () => {
    const { usage, simulator } = await createSubscribingWorld();
    const { url } = await usage.subscriptions.checkout(CHECKOUT);
    const body = new URLSearchParams({ payment_method: 'pm_card_visa' });
    const headers = { Origin: 'https://evil.example' };
    expect((await simulator.fetch(url, { method: 'POST', body, headers })).status).toBe(403);
  });

  test('two calls at once make one customer and one page', async () => {
    const world = await createSubscribingWorld();
    const opened = await Promise.all([
      world.usage.subscriptions.checkout(CHECKOUT),
      world.usage.subscriptions.checkout(CHECKOUT),
    ]);
    expect(opened[0]).toEqual(opened[1]);
    expect(customersMade(world)).toBe(1);
  });

  test('a repeated call gives the same page; another choice closes the first', async () => {
    const { usage, stripe, requests } = await createSubscribingWorld();
    const first = await usage.subscriptions.checkout(CHECKOUT);
    expect(await usage.subscriptions.checkout(CHECKOUT)).toEqual(first);
    const second = await usage.subscriptions.checkout({ ...CHECKOUT, plan: 'pro' });
    expect(await stripe.checkout.sessions.retrieve(first.checkout_session)).toMatchObject({
      status: 'expired',
    });
    const third = await usage.subscriptions.checkout(CHECKOUT);
    expect(third.checkout_session).not.toBe(first.checkout_session);
    expect(await stripe.checkout.sessions.retrieve(second.checkout_session)).toMatchObject({
      status: 'expired',
    });
    expect(await stripe.checkout.sessions.retrieve(third.checkout_session)).toMatchObject({ status: 'open' });
    expect(requests('POST', /^\/v1\/customers$/)).toHaveLength(1);
  });

  test('of pages that are opened at once with other terms, one stays open', async () => {
    const { usage, stripe } = await createSubscribingWorld();
    await usage.subscriptions.checkout(CHECKOUT);
    const { stripe_customer } = await usage.accounts.get({ account: 'acct_1' });
    const opened = await Promise.allSettled([
      usage.subscriptions.checkout({ ...CHECKOUT, plan: 'pro' }),
      usage.subscriptions.checkout({ ...CHECKOUT, trial_days: 3 }),
      usage.subscriptions.checkout({ ...CHECKOUT, trial_days: 5 }),
    ]);
    const { data } = await stripe.checkout.sessions.list({ customer: stripe_customer ?? '', status: 'open' });
    expect(data).toHaveLength(1);
    const given = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(given.map(({ checkout_session }) => checkout_session)).toContain(data[0]?.id);
  });

  test('a page that the customer completes while another is asked for is the one that counts', async () => {
    const world = await createSubscribingWorld({
      stripe_fetch: async (input, init) => {
        const request = new Request(input, init);
        const expired = /sessions\/(cs_\w+)\/expire$/.exec(request.url)?.[1];
        if (expired !== undefined) world.simulator.completeCheckout(expired);
        return await world.simulator.fetch(request);
      },
    });
    await world.usage.subscriptions.checkout(CHECKOUT);
    const second = world.usage.subscriptions.checkout({ ...CHECKOUT, plan: 'pro' });
    await expect(second).rejects.toMatchObject({ code: 'already_subscribed', status: 409 });
    await world.settle();
    expect(await world.usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({ status: 'active' });
  });

  test('a crash after the customer was made, and before that is known here, leaves one customer', async () => {
    const world = await createSubscribingWorld();
    world.simulator.faults.add({ kind: '500_after', path: '/v1/prices', times: 1 });
    await expect(world.usage.subscriptions.checkout(CHECKOUT)).rejects.toMatchObject({
      code: 'stripe_unavailable',
    });
    await world.usage.accounts.set({ account: 'acct_1', stripe_customer: null });
    await world.usage.subscriptions.checkout(CHECKOUT);
    const { stripe_customer } = await world.usage.accounts.get({ account: 'acct_1' });
    expect(stripe_customer).toBe(idsOfCustomers(world)[0]);
    expect(new Set(idsOfCustomers(world)).size).toBe(1);
  });

  test('a lost answer is asked for again under the same key', async () => {
    const world = await createSubscribingWorld();
    world.simulator.faults.add({ kind: 'reset_after', method: 'POST', path: '/v1/customers' });
    const opening = world.usage.subscriptions.checkout(CHECKOUT);
    await passUntil(world, opening);
    expect(customersMade(world)).toBe(1);
  });

  test('a customer that was deleted within the day is not given again', async () => {
    const { usage, stripe } = await createSubscribingWorld();
    await usage.subscriptions.checkout(CHECKOUT);
    const { stripe_customer } = await usage.accounts.get({ account: 'acct_1' });
    await stripe.customers.del(stripe_customer ?? '');
    await expect(usage.subscriptions.checkout(CHECKOUT)).rejects.toMatchObject({
      code: 'stripe_customer_deleted',
    });
    await usage.accounts.set({ account: 'acct_1', stripe_customer: null });
    await usage.subscriptions.checkout(CHECKOUT);
    const after = await usage.accounts.get({ account: 'acct_1' });
    expect(after.stripe_customer).not.toBe(stripe_customer);
  });

  test('an account that a subscription bills is refused, also when nobody has told us of it yet', async () => {
    const { usage, stripe, prices, customerWith } = await createSubscribingWorld({ with_webhooks: false });
    const customer = await customerWith('acct_1', 'pm_card_visa');
    await stripe.subscriptions.create({ customer, items: [{ price: prices.pro.id }] });
    await expect(usage.subscriptions.checkout(CHECKOUT)).rejects.toMatchObject({
      code: 'already_subscribed',
      status: 409,
      remedy: expect.stringContaining('usage.plans.change()'),
    });
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({ plan: 'pro' });
  });

  test('a subscription to something else of the same customer is in nobody’s way', async () => {
    const { usage, stripe, customerWith } = await createSubscribingWorld();
    const customer = await customerWith('acct_1', 'pm_card_visa');
    const shoes = await stripe.prices.create({
      currency: 'usd',
      product_data: { name: 'Shoes' },
      recurring: { interval: 'month' },
      unit_amount: 500,
    });
    await stripe.subscriptions.create({ customer, items: [{ price: shoes.id }] });
    await usage.subscriptions.checkout(CHECKOUT);
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({ status: 'none' });
  });

  test.each([
    [{ plan: 'free' }, 'invalid_plan', /free/],
    [{ plan: 'nothing' }, 'invalid_plan', /The plans are/],
    [{ plan: 'team' }, 'invalid_parameter', /month or year/],
    [{ plan: 'pro', interval: 'year' }, 'invalid_parameter', /interval/],
    [{ plan: 'pro', seats: 2 }, 'seats_not_sold', /seats/],
    [{ plan: 'team', interval: 'month', seats: 0 }, 'invalid_parameter', /seats/],
    [{ trial_days: 731 }, 'invalid_parameter', /730/],
    [{ trial_days: 1.5 }, 'invalid_parameter', /trial_days/],
    [{ success_url: '/ok' }, 'invalid_parameter', /success_url/],
    [{ cancel_url: 'javascript:alert(1)' }, 'invalid_parameter', /cancel_url/],
    [{ customer_email: 'nobody' }, 'invalid_parameter', /customer_email/],
    [{ plan: 'missing' }, 'price_not_found', /tallybook:missing:month:@base_fee/],
    [{ plan: 'elsewhere' }, 'stripe_mode_mismatch', /live mode/],
    [{ colour: 'red' }, 'invalid_parameter', /colour/],
  ])('%o is refused as %s', async (change, code, message) => {
    const { usage } = await createSubscribingWorld();
    const refused = usage.subscriptions.checkout({ ...CHECKOUT, ...change } as never);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

function customersMade(world: SubscribingWorld): number {
  return new Set(idsOfCustomers(world)).size;
}

/** Ids of the customers in Stripe's answers to our requests for one. */
function idsOfCustomers({ requests }: SubscribingWorld): unknown[] {
  return requests('POST', /^\/v1\/customers$/).flatMap(({ body }) => body?.['id'] ?? []);
}

/** Lets time pass until a call that waits for it has ended. */
async function passUntil<Result>({ clock }: SubscribingWorld, call: Promise<Result>): Promise<Result> {
  let isOver = false;
  const settled = call.finally(() => {
    isOver = true;
  });
  for (let turn = 0; !isOver && turn < 1_000; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(500);
  }
  return await settled;
}
