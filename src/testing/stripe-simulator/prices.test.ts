import Stripe from 'stripe';
import { expect, test } from 'vitest';
import { CREDIT_TIERS, createCreditsScene, refusal } from '../../../test/support/credits-scene.ts';

const PER_UNIT = { currency: 'usd', product_data: { name: 'Credits' }, unit_amount: 2 };
const TIERED = {
  currency: 'usd',
  product_data: { name: 'Credits' },
  billing_scheme: 'tiered',
  tiers_mode: 'volume',
  tiers: CREDIT_TIERS,
} as const;

test('a price comes back as it was described, its tiers only when they are expanded', async () => {
  const { stripe, price, meter } = await createCreditsScene();
  expect(price).toMatchObject({
    billing_scheme: 'tiered',
    tiers_mode: 'volume',
    unit_amount: null,
    unit_amount_decimal: null,
    recurring: { interval: 'month', interval_count: 1, usage_type: 'metered', meter: meter.id },
  });
  expect(price).not.toHaveProperty('tiers');
  const expanded = await stripe.prices.retrieve(price.id, { expand: ['tiers', 'product'] });
  expect(expanded.tiers).toEqual([
    {
      up_to: 1000,
      unit_amount: 2,
      unit_amount_decimal: Stripe.Decimal.from('2'),
      flat_amount: null,
      flat_amount_decimal: null,
    },
    {
      up_to: null,
      unit_amount: null,
      unit_amount_decimal: Stripe.Decimal.from('1.5'),
      flat_amount: null,
      flat_amount_decimal: null,
    },
  ]);
  expect(expanded.product).toMatchObject({ object: 'product', name: 'Credits' });
});

test('a metered price needs an active meter, and only a metered one has it', async () => {
  const { stripe, meter } = await createCreditsScene();
  const create = (recurring: Stripe.PriceCreateParams.Recurring) =>
    refusal(stripe.prices.create({ ...PER_UNIT, recurring }));
  expect(await create({ interval: 'month', usage_type: 'metered' })).toMatchObject({
    param: 'recurring[meter]',
  });
  expect(await create({ interval: 'month', usage_type: 'licensed', meter: meter.id })).toMatchObject({
    param: 'recurring[meter]',
  });
  expect(await create({ interval: 'month', usage_type: 'metered', meter: 'mtr_unknown' })).toMatchObject({
    code: 'resource_missing',
  });
  await stripe.billing.meters.deactivate(meter.id);
  expect(await create({ interval: 'month', usage_type: 'metered', meter: meter.id })).toMatchObject({
    statusCode: 400,
    param: 'recurring[meter]',
  });
});

const decimal = Stripe.Decimal.from('1.5');
const REFUSED: [string, Stripe.PriceCreateParams, string][] = [
  ['neither amount', { currency: 'usd', product_data: { name: 'x' } }, 'unit_amount'],
  ['both amounts', { ...PER_UNIT, unit_amount_decimal: decimal }, 'unit_amount'],
  ['tiers on a per-unit price', { ...PER_UNIT, tiers: CREDIT_TIERS }, 'tiers'],
  ['a tiers_mode on a per-unit price', { ...PER_UNIT, tiers_mode: 'volume' }, 'tiers_mode'],
  ['no product', { currency: 'usd', unit_amount: 2 }, 'product'],
  ['two products', { ...PER_UNIT, product: 'prod_x' }, 'product'],
  ['an unknown product', { currency: 'usd', unit_amount: 2, product: 'prod_x' }, 'product'],
  ['a currency in capitals', { ...PER_UNIT, currency: 'USD' }, 'currency'],
  ['a negative amount', { ...PER_UNIT, unit_amount: -1 }, 'unit_amount'],
  ['no tiers', { ...TIERED, tiers: [] }, 'tiers'],
  ['a unit amount beside tiers', { ...TIERED, unit_amount: 2 }, 'unit_amount'],
  [
    'packages of tiers',
    { ...TIERED, transform_quantity: { divide_by: 10, round: 'up' } },
    'transform_quantity',
  ],
  ['a last tier with an end', { ...TIERED, tiers: [{ up_to: 10, unit_amount: 1 }] }, 'tiers'],
  [
    'tiers in disorder',
    {
      ...TIERED,
      tiers: [
        { up_to: 10, unit_amount: 1 },
        { up_to: 10, unit_amount: 1 },
        { up_to: 'inf', unit_amount: 1 },
      ],
    },
    'tiers',
  ],
  [
    'an endless tier before another',
    {
      ...TIERED,
      tiers: [
        { up_to: 'inf', unit_amount: 1 },
        { up_to: 'inf', unit_amount: 1 },
      ],
    },
    'tiers',
  ],
  ['a tier without amounts', { ...TIERED, tiers: [{ up_to: 'inf' }] }, 'tiers[0]'],
  [
    'a tier with both amounts',
    { ...TIERED, tiers: [{ up_to: 'inf', unit_amount: 1, unit_amount_decimal: decimal }] },
    'tiers[0][unit_amount]',
  ],
];

test.each(REFUSED)('a price with %s is refused', async (_, params, param) => {
  const { stripe } = await createCreditsScene();
  expect(await refusal(stripe.prices.create(params))).toMatchObject({ statusCode: 400, param });
});

test('a tiered price without a mode is refused', async () => {
  const { stripe } = await createCreditsScene();
  const { tiers_mode: _, ...params } = TIERED;
  expect(await refusal(stripe.prices.create(params))).toMatchObject({ param: 'tiers_mode' });
});

test('a lookup key finds its price, belongs to one price, and moves only when asked to', async () => {
  const { stripe } = await createCreditsScene();
  const first = await stripe.prices.create({ ...PER_UNIT, lookup_key: 'pro' });
  expect(await refusal(stripe.prices.create({ ...PER_UNIT, lookup_key: 'pro' }))).toMatchObject({
    param: 'lookup_key',
  });
  const second = await stripe.prices.create({ ...PER_UNIT, lookup_key: 'pro', transfer_lookup_key: true });
  const found = await stripe.prices.list({ lookup_keys: ['pro', 'free'], expand: ['data.tiers'] });
  expect(found.data.map(({ id }) => id)).toEqual([second.id]);
  expect((await stripe.prices.retrieve(first.id)).lookup_key).toBeNull();
});

test('prices are listed by product and kind, newest first', async () => {
  const { stripe, price, meter } = await createCreditsScene();
  const product = String(price.product);
  const second = await stripe.prices.create({ currency: 'usd', product, unit_amount: 5, active: false });
  const ids = async (params: Stripe.PriceListParams) =>
    (await stripe.prices.list(params)).data.map(({ id }) => id);
  expect(await ids({ product })).toEqual([second.id, price.id]);
  expect(await ids({ product, active: true })).toEqual([price.id]);
  expect(await ids({ product, type: 'one_time' })).toEqual([second.id]);
  expect(await ids({ product: 'prod_other' })).toEqual([]);
  expect(meter.status).toBe('active');
});
