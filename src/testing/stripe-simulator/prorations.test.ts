import { readFileSync } from 'node:fs';
import type Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { DAY, FEBRUARY_28, HOUR } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';
import { publishedFile } from '../../../test/support/published.ts';

/** Half of the period from 31 January to 28 February, both at noon. */
const MIDDLE = FEBRUARY_28 - 14 * DAY;

const lineOf = ({ amount, description, parent }: Stripe.InvoiceLineItem) => [
  amount,
  description,
  parent?.subscription_item_details?.proration,
];

test('an upgrade in the middle of the period credits half of the old price and charges half of the new one', async () => {
  const { clock, stripe, simulator, customer, licensed, subscribe } = await createPlanChangeScene();
  const [ten, twenty] = [await licensed(1_000), await licensed(2_000)];
  const { id, items } = await subscribe({ items: [{ price: ten.id }] });
  clock.time = MIDDLE;
  const updated = await stripe.subscriptions.update(id, {
    items: [{ id: items.data[0]?.id ?? '', price: twenty.id }],
    proration_behavior: 'always_invoice',
    expand: ['latest_invoice'],
  });
  expect(updated.items.data[0]).toMatchObject({
    quantity: 1,
    current_period_start: items.data[0]?.current_period_start,
  });
  const invoice = updated.latest_invoice;
  if (typeof invoice !== 'object' || invoice === null) throw new Error('The invoice was to be expanded.');
  expect([invoice.status, invoice.total, invoice.billing_reason]).toEqual([
    'paid',
    500,
    'subscription_update',
  ]);
  expect(invoice.lines.data.map(lineOf)).toEqual([
    [-500, 'Unused time on 1 × Seat after 2026-02-14', true],
    [1_000, 'Remaining time on 1 × Seat after 2026-02-14', true],
  ]);
  expect(invoice.lines.data.map(({ period }) => period)).toEqual(
    [0, 1].map(() => ({ start: MIDDLE / 1000, end: FEBRUARY_28 / 1000 })),
  );
  clock.time = FEBRUARY_28 + HOUR;
  expect(simulator.invoices(customer.id).map(({ total }) => total)).toEqual([1_000, 500, 2_000]);
});

test('seats are prorated to the second, each line rounded half up', async () => {
  const { clock, stripe, licensed, subscribe } = await createPlanChangeScene();
  const seat = await licensed(700);
  const { id, items } = await subscribe({ items: [{ price: seat.id, quantity: 3 }] });
  clock.time += 1_000_000 * 1_000;
  const item = items.data[0]?.id ?? '';
  await stripe.subscriptions.update(id, {
    items: [{ id: item, quantity: 5 }],
    proration_behavior: 'always_invoice',
  });
  const { data } = await stripe.invoices.list({ subscription: id, limit: 1 });
  const whole_s = 28 * 86_400;
  const part_s = whole_s - 1_000_000;
  expect(data[0]?.lines.data.map(({ amount, quantity }) => [amount, quantity])).toEqual([
    [-Math.round((2_100 * part_s) / whole_s), 3],
    [Math.round((3_500 * part_s) / whole_s), 5],
  ]);
  expect((await stripe.subscriptions.retrieve(id)).items.data).toMatchObject([{ id: item, quantity: 5 }]);
});

test('a proration date moves the proration, so that a preview comes true', async () => {
  const { clock, stripe, licensed, subscribe, bills } = await createPlanChangeScene();
  const [ten, twenty] = [await licensed(1_000), await licensed(2_000)];
  const { id, items } = await subscribe({ items: [{ price: ten.id }] });
  clock.time = MIDDLE + 3 * DAY;
  await stripe.subscriptions.update(id, {
    items: [{ id: items.data[0]?.id ?? '', price: twenty.id }],
    proration_date: MIDDLE / 1000,
    proration_behavior: 'always_invoice',
  });
  expect(bills()[1]).toEqual(['paid', 500]);
});

test('an added item is charged for the rest of the period, a removed one is credited', async () => {
  const { clock, stripe, licensed, subscribe, price, bills, endPeriod } = await createPlanChangeScene();
  const seat = await licensed(1_000);
  const { id } = await subscribe();
  clock.time = MIDDLE;
  const added = await stripe.subscriptions.update(id, { items: [{ price: seat.id, quantity: 2 }] });
  expect(added.items.data.map((item) => [item.price.id, item.current_period_end])).toEqual([
    [price.id, FEBRUARY_28 / 1000],
    [seat.id, FEBRUARY_28 / 1000],
  ]);
  clock.time += 7 * DAY;
  await stripe.subscriptions.update(id, { items: [{ id: added.items.data[1]?.id ?? '', deleted: true }] });
  endPeriod();
  expect(bills()).toEqual([['paid', 500]]);
});

test('a flexible subscription credits what was paid, a classic one what it is worth now', async () => {
  for (const [type, credited] of [
    ['flexible', 3],
    ['classic', 5],
  ] as const) {
    const { clock, stripe, licensed, subscribe, bills } = await createPlanChangeScene();
    const seat = await licensed(1_000);
    const { id, items } = await subscribe({
      items: [{ price: seat.id, quantity: 3 }],
      billing_mode: { type },
    });
    clock.time = MIDDLE;
    const [item] = items.data.map((entry) => entry.id);
    const change = (quantity: number, proration_behavior: 'none' | 'always_invoice') =>
      stripe.subscriptions.update(id, { items: [{ id: item ?? '', quantity }], proration_behavior });
    await change(5, 'none');
    await change(4, 'always_invoice');
    expect(bills()[1]).toEqual(['paid', (4 - credited) * 500]);
  }
});

test('what was never paid is not credited', async () => {
  const { clock, stripe, licensed, subscribe, bills } = await createPlanChangeScene();
  const seat = await licensed(1_000);
  const { id } = await subscribe();
  const added = await stripe.subscriptions.update(id, {
    items: [{ price: seat.id }],
    proration_behavior: 'none',
  });
  clock.time = MIDDLE;
  const removed = { id: added.items.data[1]?.id ?? '', deleted: true };
  await stripe.subscriptions.update(id, { items: [removed], proration_behavior: 'always_invoice' });
  expect(bills()).toEqual([]);
});

test('tiered seats are prorated by what their tiers cost', async () => {
  const { clock, stripe, licensed, subscribe, bills } = await createPlanChangeScene();
  const tiered = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Seats' },
    recurring: { interval: 'month' },
    billing_scheme: 'tiered',
    tiers_mode: 'volume',
    tiers: [
      { up_to: 5, unit_amount: 1_000 },
      { up_to: 'inf', unit_amount: 800, flat_amount: 300 },
    ],
  });
  const flat = await licensed(100);
  const { id, items } = await subscribe({ items: [{ price: tiered.id, quantity: 5 }, { price: flat.id }] });
  clock.time = MIDDLE;
  await stripe.subscriptions.update(id, {
    items: [{ id: items.data[0]?.id ?? '', quantity: 10 }],
    proration_behavior: 'always_invoice',
  });
  // (10 × 800 + 300 − 5 × 1000) / 2
  expect(bills().map(([, total]) => total)).toEqual([5_100, 1_650]);
});

test('nothing is prorated in a trial, and without being asked for', async () => {
  for (const { trial_period_days, proration_behavior, totals } of [
    { trial_period_days: 28, proration_behavior: 'always_invoice', totals: [0, 2_000] },
    { proration_behavior: 'none', totals: [1_000, 2_000] },
  ] as const) {
    const { clock, stripe, licensed, subscribe, bills } = await createPlanChangeScene();
    const [ten, twenty] = [await licensed(1_000), await licensed(2_000)];
    const { id, items } = await subscribe({
      items: [{ price: ten.id }],
      ...(trial_period_days ? { trial_period_days } : {}),
    });
    clock.time = MIDDLE;
    await stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]?.id ?? '', price: twenty.id }],
      proration_behavior,
    });
    clock.time = FEBRUARY_28 + HOUR;
    expect(bills().map(([, total]) => total)).toEqual(totals);
  }
});

test('items of different intervals are prorated and renewed each in its own period', async () => {
  const { clock, stripe, simulator, customer, licensed, subscribe } = await createPlanChangeScene();
  const seat = await licensed(1_000);
  const base = await licensed(36_500, { recurring: { interval: 'year' } });
  const { id, items } = await subscribe({ items: [{ price: seat.id }, { price: base.id }] });
  clock.time = MIDDLE;
  await stripe.subscriptions.update(id, {
    items: items.data.map((item) => ({ id: item.id, quantity: 2 })),
  });
  clock.time = FEBRUARY_28 + HOUR;
  const [, cycle] = simulator.invoices(customer.id);
  expect(cycle).toMatchObject({
    id: (await stripe.subscriptions.retrieve(id)).latest_invoice,
    lines: {
      data: [
        { amount: -500, period: { end: FEBRUARY_28 / 1000 } },
        { amount: 1_000, period: { end: FEBRUARY_28 / 1000 } },
        // 351 of the 365 days are left.
        { amount: -35_100, period: { end: Date.UTC(2027, 0, 31, 12) / 1000 } },
        { amount: 70_200, period: { end: Date.UTC(2027, 0, 31, 12) / 1000 } },
        { amount: 2_000, period: { start: FEBRUARY_28 / 1000 } },
      ],
    },
  });
  clock.time = Date.UTC(2027, 0, 31, 12) + HOUR;
  expect(simulator.invoices(customer.id).at(-1)).toMatchObject({ total: 2_000 + 73_000 });
});

test('to begin anew now credits the old period and charges a whole new one at once', async () => {
  const { clock, stripe, licensed, subscribe, report, price, bills } = await createPlanChangeScene();
  const ten = await licensed(1_000);
  const { id } = await subscribe({ items: [{ price: ten.id }, { price: price.id }] });
  clock.time = MIDDLE;
  await report(100, { timestamp: clock.time - 1_000 });
  const updated = await stripe.subscriptions.update(id, { billing_cycle_anchor: { type: 'now' } });
  expect(updated.billing_cycle_anchor).toBe(MIDDLE / 1000);
  expect(updated.items.data.map(({ current_period_start }) => current_period_start)).toEqual([
    MIDDLE / 1000,
    MIDDLE / 1000,
  ]);
  expect(bills().map(([, total]) => total)).toEqual([1_000, -500 + 1_000 + 200]);
});

test('a trial that ends now bills the first period at once and none of its usage', async () => {
  const { clock, stripe, licensed, subscribe, report, price, bills, endPeriod } =
    await createPlanChangeScene();
  const ten = await licensed(1_000);
  const { id } = await subscribe({ items: [{ price: ten.id }, { price: price.id }], trial_period_days: 10 });
  clock.time += DAY;
  await report(100, { timestamp: clock.time - 1_000 });
  await report(7);
  const updated = await stripe.subscriptions.update(id, { trial_end: 'now' });
  expect(updated).toMatchObject({ status: 'active', trial_end: clock.time / 1000 });
  expect(updated.billing_cycle_anchor).toBe(clock.time / 1000);
  expect(bills().map(([, total]) => total)).toEqual([0, 1_000]);
  endPeriod();
  clock.time += 2 * DAY;
  expect(bills().map(([, total]) => total)).toEqual([0, 1_000, 1_014]);
});

test('a trial can be prolonged, and given to one who paid already', async () => {
  const { clock, stripe, licensed, subscribe, bills } = await createPlanChangeScene();
  const ten = await licensed(1_000);
  const trialing = await subscribe({ items: [{ price: ten.id }], trial_period_days: 10 });
  const paying = await subscribe({ items: [{ price: ten.id }] });
  const trial_end = FEBRUARY_28 / 1000 + 86_400;
  clock.time = MIDDLE - 7 * DAY;
  const prolonged = await stripe.subscriptions.update(trialing.id, { trial_end });
  expect(prolonged).toMatchObject({ status: 'trialing', trial_end, trial_start: trialing.created });
  const given = await stripe.subscriptions.update(paying.id, { trial_end });
  expect(given).toMatchObject({ status: 'trialing', trial_end, billing_cycle_anchor: trial_end });
  clock.time = trial_end * 1000 + HOUR;
  // Three quarters of a month were credited to the one who had paid.
  expect(bills().map(([, total]) => total)).toEqual([0, 1_000, 1_000, 250]);
});

interface Published {
  readonly id: string;
  readonly model: string;
  readonly old: number;
  readonly new: number;
  readonly expected_minor_units: number;
  readonly lines?: readonly number[];
  readonly next_invoice?: boolean;
  readonly proration_behavior?: 'none';
}

const path = publishedFile('conformance/pricing.json');
const published: readonly Published[] =
  path === null
    ? []
    : JSON.parse(readFileSync(path, 'utf8')).filter(({ model }: Published) => model === 'proration');

describe.skipIf(path === null)(
  'prorations that Stripe publishes (skipped without ../shared/conformance)',
  () => {
    test('there are some', () => expect(published.length).toBeGreaterThanOrEqual(3));

    test.each(published)('$id', async (example) => {
      const { clock, stripe, simulator, customer, licensed, subscribe } = await createPlanChangeScene();
      const [old, next] = [await licensed(example.old), await licensed(example.new)];
      const { id, items } = await subscribe({ items: [{ price: old.id }] });
      clock.time = MIDDLE;
      await stripe.subscriptions.update(id, {
        items: [{ id: items.data[0]?.id ?? '', price: next.id }],
        proration_behavior:
          example.proration_behavior ?? (example.next_invoice ? 'create_prorations' : 'always_invoice'),
      });
      if (example.next_invoice) clock.time = FEBRUARY_28 + HOUR;
      simulator.settle();
      const { data } = await stripe.invoices.list({ customer: customer.id, limit: 1 });
      expect(data[0]?.total).toBe(example.expected_minor_units);
      if (example.lines) expect(data[0]?.lines.data.map(({ amount }) => amount)).toEqual(example.lines);
    });
  },
);
