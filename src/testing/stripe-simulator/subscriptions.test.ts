import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { createCreditsScene, DAY, HOUR, refusal } from '../../../test/support/credits-scene.ts';

const iso = (time_s: number | null | undefined) =>
  time_s == null ? null : new Date(time_s * 1000).toISOString();

test('a subscription is flexible and active at once, and its items carry the period', async () => {
  const { stripe, customer, price } = await createCreditsScene();
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
  });
  expect(subscription).toMatchObject({
    status: 'active',
    billing_mode: { type: 'flexible' },
    currency: 'usd',
  });
  const [item] = subscription.items.data;
  expect(item).toMatchObject({ price: { id: price.id }, subscription: subscription.id });
  expect(item).not.toHaveProperty('quantity');
  expect([iso(item?.current_period_start), iso(item?.current_period_end)]).toEqual([
    '2026-01-31T12:00:00.000Z',
    '2026-02-28T12:00:00.000Z',
  ]);
});

test('a subscription from the 31st has its periods at the end of every month', async () => {
  const { clock, simulator, stripe, customer, price } = await createCreditsScene();
  const { id } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  const ends: (string | null)[] = [];
  for (let month = 0; month < 4; month += 1) {
    const { items } = await stripe.subscriptions.retrieve(id);
    const end = items.data[0]?.current_period_end;
    ends.push(iso(end));
    clock.time = (end ?? 0) * 1000;
    simulator.settle();
  }
  expect(ends).toEqual([
    '2026-02-28T12:00:00.000Z',
    '2026-03-31T12:00:00.000Z',
    '2026-04-30T12:00:00.000Z',
    '2026-05-31T12:00:00.000Z',
  ]);
});

test('a period lasts to its last second', async () => {
  const { clock, stripe, customer, price } = await createCreditsScene();
  const { id } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  const start = async () =>
    iso((await stripe.subscriptions.retrieve(id)).items.data[0]?.current_period_start);
  clock.time = Date.UTC(2026, 1, 28, 12) - 1;
  expect(await start()).toBe('2026-01-31T12:00:00.000Z');
  clock.time += 1;
  expect(await start()).toBe('2026-02-28T12:00:00.000Z');
});

test('a trial is the first period, after which the subscription is active from there', async () => {
  const { clock, stripe, customer, price } = await createCreditsScene();
  const trial_end = clock.time / 1000 + 14 * 86_400;
  for (const trial of [{ trial_period_days: 14 }, { trial_end }]) {
    const subscription = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      ...trial,
    });
    expect(subscription).toMatchObject({ status: 'trialing', trial_end, billing_cycle_anchor: trial_end });
    expect(subscription.items.data[0]).toMatchObject({ current_period_end: trial_end });
  }
  clock.time = trial_end * 1000;
  const { data } = await stripe.subscriptions.list({ customer: customer.id });
  expect(data.map(({ status }) => status)).toEqual(['active', 'active']);
  expect(iso(data[0]?.items.data[0]?.current_period_end)).toBe('2026-03-14T12:00:00.000Z');
});

test('a later anchor makes the first period shorter, and what is paid in advance with it', async () => {
  const { clock, stripe, customer, simulator } = await createCreditsScene();
  const seat = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Seat' },
    unit_amount: 3100,
    recurring: { interval: 'month' },
  });
  clock.time = Date.UTC(2026, 0, 11);
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: seat.id, quantity: 2 }],
    billing_cycle_anchor: Date.UTC(2026, 1, 1) / 1000,
  });
  expect(iso(subscription.items.data[0]?.current_period_end)).toBe('2026-02-01T00:00:00.000Z');
  clock.time = Date.UTC(2026, 1, 1);
  const invoices = simulator.invoices(customer.id);
  // 21 of the 31 days of January, then all of February.
  expect(invoices.map(({ total }) => total)).toEqual([4200, 6200]);
});

test('flexible subscriptions mix intervals, classic ones do not', async () => {
  const { clock, stripe, simulator, customer, price } = await createCreditsScene();
  const yearly = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Base fee' },
    unit_amount: 10_000,
    recurring: { interval: 'year' },
  });
  const items = [{ price: price.id }, { price: yearly.id }];
  const classic = stripe.subscriptions.create({
    customer: customer.id,
    items,
    billing_mode: { type: 'classic' },
  });
  expect(await refusal(classic)).toMatchObject({ statusCode: 400, param: 'items' });
  const subscription = await stripe.subscriptions.create({ customer: customer.id, items });
  expect(subscription.items.data.map(({ current_period_end }) => iso(current_period_end))).toEqual([
    '2026-02-28T12:00:00.000Z',
    '2027-01-31T12:00:00.000Z',
  ]);
  clock.time = Date.UTC(2027, 1, 1);
  const totals = simulator.invoices(customer.id).map(({ total }) => total);
  expect(totals).toEqual([10_000, ...Array.from({ length: 11 }, () => 0), 10_000]);
});

test('what Stripe refuses is refused', async () => {
  const { clock, stripe, customer, price } = await createCreditsScene();
  const create = (params: Stripe.SubscriptionCreateParams) =>
    refusal(stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], ...params }));
  const oneTime = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'x' },
    unit_amount: 1,
  });
  const euros = await stripe.prices.create({
    currency: 'eur',
    product_data: { name: 'x' },
    unit_amount: 1,
    recurring: { interval: 'month' },
  });
  const now = clock.time / 1000;
  expect(await create({ items: [{ price: price.id, quantity: 1 }] })).toMatchObject({
    statusCode: 400,
    param: 'items[0][quantity]',
  });
  expect(await create({ customer: 'cus_x' })).toMatchObject({ code: 'resource_missing', param: 'customer' });
  expect(await create({ items: [{ price: 'price_x' }] })).toMatchObject({ param: 'items[0][price]' });
  expect(await create({ items: [{ price: oneTime.id }] })).toMatchObject({ statusCode: 400 });
  expect(await create({ items: [{ price: price.id }, { price: price.id }] })).toMatchObject({
    param: 'items',
  });
  expect(await create({ items: [{ price: price.id }, { price: euros.id }] })).toMatchObject({
    param: 'items',
  });
  expect(await create({ trial_end: now })).toMatchObject({ param: 'trial_end' });
  expect(await create({ trial_end: now + 60, trial_period_days: 1 })).toMatchObject({ param: 'trial_end' });
  expect(await create({ billing_cycle_anchor: now - 60 })).toMatchObject({ param: 'billing_cycle_anchor' });
  expect(await create({ billing_cycle_anchor: now + 40 * 86_400 })).toMatchObject({
    param: 'billing_cycle_anchor',
  });
  expect(await create({ collection_method: 'send_invoice' })).toMatchObject({ param: 'days_until_due' });
});

test('metadata and the cancellation at the period end can be updated; what is not simulated is refused', async () => {
  const { stripe, customer, price } = await createCreditsScene();
  const { id } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  const updated = await stripe.subscriptions.update(id, {
    metadata: { account: 'a' },
    cancel_at_period_end: true,
  });
  expect(updated).toMatchObject({ status: 'active', metadata: { account: 'a' }, cancel_at_period_end: true });
  expect(updated.cancel_at).toBe(updated.items.data[0]?.current_period_end);
  const kept = await stripe.subscriptions.update(id, { cancel_at_period_end: false });
  expect(kept).toMatchObject({ cancel_at: null, canceled_at: null });
  expect(await refusal(stripe.subscriptions.update(id, { discounts: [{ coupon: 'x' }] }))).toMatchObject({
    code: 'parameter_unknown',
  });
});

test('canceled subscriptions are listed only when asked for', async () => {
  const { stripe, customer, price } = await createCreditsScene();
  const create = () => stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  const [first, second] = [await create(), await create()];
  await stripe.subscriptions.cancel(first.id);
  const ids = async (params: Stripe.SubscriptionListParams) =>
    (await stripe.subscriptions.list({ customer: customer.id, ...params })).data.map(({ id }) => id);
  expect(await ids({})).toEqual([second.id]);
  expect(await ids({ status: 'all' })).toEqual([second.id, first.id]);
  expect(await ids({ status: 'canceled' })).toEqual([first.id]);
  expect(await ids({ status: 'trialing' })).toEqual([]);
  expect(await refusal(stripe.subscriptions.list({ customer: 'cus_x' }))).toMatchObject({
    param: 'customer',
  });
  expect((await refusal(stripe.subscriptions.cancel(first.id))).statusCode).toBe(404);
  expect(await refusal(stripe.subscriptions.update(first.id, { cancel_at_period_end: true }))).toMatchObject({
    code: 'invalid_canceled_subscription_fields',
  });
});

test('a subscription that is to end at its period end bills its last period and ends', async () => {
  const { clock, simulator, stripe, customer, price, report } = await createCreditsScene({
    lag_minutes: [0, 0],
  });
  const { id } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  await stripe.subscriptions.update(id, { cancel_at_period_end: true });
  clock.time += DAY;
  await report(100);
  clock.time = Date.UTC(2026, 1, 28, 12);
  expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
    status: 'canceled',
    ended_at: clock.time / 1000,
  });
  clock.time += HOUR;
  expect(simulator.invoices(customer.id).map(({ status, total }) => [status, total])).toEqual([
    ['paid', 200],
  ]);
  expect(simulator.nextEventAt()).toBeNull();
});
