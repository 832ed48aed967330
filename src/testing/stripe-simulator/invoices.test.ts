import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCreditsScene, DAY, HOUR, MINUTE, refusal } from '../../../test/support/credits-scene.ts';
import { rate } from '../../core/price.ts';

const FEBRUARY_28 = Date.UTC(2026, 1, 28, 12);

async function subscribedScene(options: Parameters<typeof createCreditsScene>[0] = {}) {
  const scene = await createCreditsScene(options);
  const subscription = await scene.stripe.subscriptions.create({
    customer: scene.customer.id,
    items: [{ price: scene.price.id }],
  });
  return { ...scene, subscription };
}

test('a volume price bills all usage at the tier that it reaches, and the line names the tier', async () => {
  const { clock, stripe, subscription, report, price } = await subscribedScene({ lag_minutes: [0, 0] });
  await report(1000);
  clock.time += DAY;
  await report(200);
  clock.time = FEBRUARY_28;
  const { data } = await stripe.invoices.list({ subscription: subscription.id, status: 'draft' });
  expect(data).toHaveLength(1);
  expect(data[0]).toMatchObject({
    billing_reason: 'subscription_cycle',
    total: 1800,
    amount_due: 1800,
    auto_advance: true,
    automatically_finalizes_at: (FEBRUARY_28 + HOUR) / 1000,
    period_start: subscription.created,
    period_end: FEBRUARY_28 / 1000,
  });
  expect(data[0]?.lines.data).toMatchObject([
    {
      amount: 1800,
      quantity: 1200,
      description: '1200 × Credits (Tier 2 at $0.015 / month)',
      period: { start: subscription.created, end: FEBRUARY_28 / 1000 },
      pricing: { price_details: { price: price.id } },
    },
  ]);
});

test('a tier includes its last unit', async () => {
  for (const [quantity, description] of [
    [1000, '1000 × Credits (Tier 1 at $0.02 / month)'],
    [1001, '1001 × Credits (Tier 2 at $0.015 / month)'],
  ] as const) {
    const { clock, simulator, customer, report } = await subscribedScene({ lag_minutes: [0, 0] });
    await report(quantity);
    clock.time = FEBRUARY_28;
    const [invoice] = simulator.invoices(customer.id);
    expect(invoice).toMatchObject({ lines: { data: [{ description }] } });
  }
});

test('a graduated price has a line for each tier that the usage reaches', async () => {
  const { clock, simulator, customer, report } = await subscribedScene({
    lag_minutes: [0, 0],
    tiers_mode: 'graduated',
  });
  await report(1201);
  clock.time = FEBRUARY_28;
  const [invoice] = simulator.invoices(customer.id);
  expect(invoice).toMatchObject({
    total: 2302,
    lines: {
      data: [
        { amount: 2000, quantity: 1000, description: '1000 × Credits (Tier 1 at $0.02 / month)' },
        // 301.5 cents, rounded half up on its own line.
        { amount: 302, quantity: 201, description: '201 × Credits (Tier 2 at $0.015 / month)' },
      ],
    },
  });
});

test('a period without usage has a line of zero, and corrections below zero bill nothing', async () => {
  const { clock, simulator, customer, report } = await subscribedScene({ lag_minutes: [0, 0] });
  clock.time = FEBRUARY_28;
  await report(-5);
  clock.time = Date.UTC(2026, 2, 31, 12);
  const invoices = simulator.invoices(customer.id);
  for (const invoice of invoices) {
    expect(invoice).toMatchObject({
      total: 0,
      lines: { data: [{ amount: 0, quantity: 0, description: '0 × Credits (Tier 1 at $0.02 / month)' }] },
    });
  }
  expect(invoices).toHaveLength(2);
});

test('usage counted within the hour of the draft is billed, usage counted later is on no invoice', async () => {
  const lag = 10;
  const { clock, simulator, customer, report } = await subscribedScene({ lag_minutes: [lag, lag] });
  const timestamp = FEBRUARY_28 - MINUTE;
  clock.time = FEBRUARY_28 - MINUTE;
  await report(1, { timestamp });
  clock.time = FEBRUARY_28;
  const totals = () => simulator.invoices(customer.id).map(({ status, total }) => [status, total]);
  expect(totals()).toEqual([['draft', 0]]);

  clock.time = FEBRUARY_28 + HOUR - lag * MINUTE;
  await report(10, { timestamp });
  expect(totals()).toEqual([['draft', 2]]);
  clock.time += 1;
  await report(100, { timestamp });

  clock.time = FEBRUARY_28 + HOUR;
  expect(totals()).toEqual([['paid', 22]]);
  clock.time = Date.UTC(2026, 4, 1);
  expect(simulator.counted(customer.id, 'credits', timestamp, FEBRUARY_28)).toBe(111);
  expect(totals()).toEqual([
    ['paid', 22],
    ['paid', 0],
    ['paid', 0],
  ]);
});

test('the timestamp decides the period: its start belongs to it, its end to the next', async () => {
  const { clock, simulator, customer, report } = await subscribedScene({ lag_minutes: [0, 0] });
  clock.time = FEBRUARY_28 + MINUTE;
  await report(1, { timestamp: FEBRUARY_28 - 1000 });
  await report(10, { timestamp: FEBRUARY_28 });
  clock.time = Date.UTC(2026, 2, 31, 13);
  expect(simulator.invoices(customer.id).map(({ total }) => total)).toEqual([2, 20]);
});

test('every subscription of a customer on the same meter bills the whole usage', async () => {
  const { clock, simulator, stripe, customer, price, report } = await subscribedScene({
    lag_minutes: [0, 0],
  });
  await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  await report(10);
  clock.time = FEBRUARY_28;
  const drafts = simulator.invoices(customer.id).filter(({ status }) => status === 'draft');
  expect(drafts.map(({ total }) => total)).toEqual([20, 20]);
});

test('usage during a trial is not billed', async () => {
  const { clock, simulator, stripe, customer, price, report } = await createCreditsScene({
    lag_minutes: [0, 0],
  });
  await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
    trial_period_days: 7,
  });
  await report(500);
  clock.time += 7 * DAY;
  await report(5);
  clock.time += 40 * DAY;
  const invoices = simulator.invoices(customer.id);
  expect(invoices.map(({ total }) => total)).toEqual([0, 10]);
  expect(invoices[0]).toMatchObject({
    lines: { data: [{ description: 'Trial period for Credits', amount: 0 }] },
  });
});

test('a draft can be finalised by hand, once', async () => {
  const { clock, stripe, simulator, customer, report, subscription } = await subscribedScene({
    lag_minutes: [0, 0],
  });
  await report(10);
  clock.time = FEBRUARY_28;
  const { data } = await stripe.invoices.list({ customer: customer.id, status: 'draft' });
  const id = data[0]?.id ?? '';
  const finalized = await stripe.invoices.finalizeInvoice(id);
  expect(finalized).toMatchObject({ status: 'paid', total: 20, automatically_finalizes_at: null });
  await report(10, { timestamp: FEBRUARY_28 - MINUTE });
  clock.time += HOUR;
  expect((await stripe.invoices.retrieve(id)).total).toBe(20);
  expect(await refusal(stripe.invoices.finalizeInvoice(id))).toMatchObject({ statusCode: 400 });
  expect((await stripe.subscriptions.retrieve(subscription.id)).latest_invoice).toBe(id);
  expect(simulator.invoices(customer.id)).toHaveLength(1);
  const lines = await stripe.invoices.listLineItems(id);
  expect(lines.data).toMatchObject([{ amount: 20, invoice: id }]);
});

test('an invoice that is sent stays open, with its due date', async () => {
  const { clock, stripe, customer, price, report } = await createCreditsScene({ lag_minutes: [0, 0] });
  await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
    collection_method: 'send_invoice',
    days_until_due: 14,
  });
  await report(10);
  clock.time = FEBRUARY_28 + HOUR;
  const { data } = await stripe.invoices.list({ customer: customer.id, status: 'open' });
  expect(data).toMatchObject([{ amount_remaining: 20, due_date: clock.time / 1000 + 14 * 86_400 }]);
});

test('cancelling now drops the usage, unless it is invoiced; then with what is counted by then', async () => {
  for (const [params, totals] of [
    [{}, []],
    [{ invoice_now: true, prorate: true }, [20]],
  ] as const) {
    const { clock, simulator, stripe, customer, report, subscription } = await subscribedScene({
      lag_minutes: [5, 5],
    });
    await report(10);
    clock.time += 5 * MINUTE;
    await report(100); // Not counted when the subscription ends, so on no invoice.
    clock.time += MINUTE;
    expect(await stripe.subscriptions.cancel(subscription.id, params)).toMatchObject({
      status: 'canceled',
      ended_at: clock.time / 1000,
    });
    clock.time += 60 * DAY;
    const invoices = simulator.invoices(customer.id);
    expect(invoices.map(({ total }) => total)).toEqual(totals);
    expect(invoices.every(({ status }) => status === 'paid')).toBe(true);
  }
});

test('cancelling with a proration credits the rest of what was paid in advance', async () => {
  const { clock, simulator, stripe, customer } = await createCreditsScene();
  const seat = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Seat' },
    unit_amount: 2800,
    recurring: { interval: 'month' },
  });
  clock.time = Date.UTC(2026, 1, 1);
  const { id } = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: seat.id, quantity: 2 }],
  });
  clock.time = Date.UTC(2026, 1, 8);
  await stripe.subscriptions.cancel(id, { invoice_now: true, prorate: true });
  const [first, last] = simulator.invoices(customer.id);
  expect(first).toMatchObject({ total: 5600, status: 'paid' });
  expect(last).toMatchObject({
    total: -4200,
    amount_due: 0,
    lines: { data: [{ description: 'Unused time on 2 × Seat after 2026-02-08' }] },
  });
});

test('packages, flat fees and other currencies are billed by the same rules', async () => {
  const { clock, simulator, stripe, customer, meter, report } = await createCreditsScene({
    lag_minutes: [0, 0],
  });
  const recurring = { interval: 'month', usage_type: 'metered', meter: meter.id } as const;
  const packages = await stripe.prices.create({
    currency: 'jpy',
    product_data: { name: 'Packs' },
    unit_amount: 500,
    transform_quantity: { divide_by: 100, round: 'up' },
    recurring: { ...recurring, interval_count: 3 },
  });
  const flat = await stripe.prices.create({
    currency: 'jpy',
    product_data: { name: 'Plan' },
    billing_scheme: 'tiered',
    tiers_mode: 'graduated',
    tiers: [{ up_to: 'inf', flat_amount: 1000, unit_amount: 1 }],
    recurring: { ...recurring, interval_count: 3 },
  });
  await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: packages.id }, { price: flat.id }],
  });
  await report(101);
  clock.time = Date.UTC(2026, 3, 30, 12);
  const [invoice] = simulator.invoices(customer.id);
  expect(invoice).toMatchObject({
    total: 2101,
    lines: {
      data: [
        { description: '2 × Packs (at ¥500 every 3 months)', amount: 1000 },
        { description: '101 × Plan (Tier 1 at ¥1 every 3 months)', amount: 101 },
        { description: '0 × Plan (Tier 1 at ¥1000 every 3 months)', amount: 1000 },
      ],
    },
  });
});

test('for any usage the invoice is what the price rates', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 10_000 }),
      fc.constantFrom('volume' as const, 'graduated' as const),
      async (quantity, tiers_mode) => {
        const { clock, simulator, customer, report } = await subscribedScene({
          lag_minutes: [0, 0],
          tiers_mode,
        });
        await report(quantity);
        clock.time = FEBRUARY_28;
        const tiers = [
          { up_to: 1_000, unit_amount_decimal: '2' },
          { up_to: 'inf' as const, unit_amount_decimal: '1.5' },
        ];
        const { amount } = rate({ currency: 'usd', tiers_mode, tiers }, quantity);
        expect(simulator.invoices(customer.id)[0]).toMatchObject({ total: amount });
      },
    ),
    { numRuns: 30 },
  );
});
