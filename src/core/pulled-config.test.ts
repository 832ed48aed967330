import { describe, expect, test } from 'vitest';
import type { Catalogue, ListedMeter, ListedPrice, ListedProduct } from './catalogue.ts';
import { pulledConfig } from './pulled-config.ts';

const meter = (event_name: string, more: Partial<ListedMeter> = {}): ListedMeter => ({
  stripe_meter: `mtr_${event_name}`,
  event_name,
  display_name: event_name,
  active: true,
  formula: 'sum',
  customer_key: 'stripe_customer_id',
  value_key: 'value',
  event_time_window: null,
  ...more,
});
const product = (stripe_product: string, name: string, more: Partial<ListedProduct> = {}): ListedProduct => ({
  stripe_product,
  name,
  active: true,
  plan: null,
  ...more,
});
const price = (stripe_price: string, more: Partial<ListedPrice> = {}): ListedPrice => ({
  currency: 'usd',
  unit_amount_decimal: '2',
  interval: 'month',
  interval_count: 1,
  event_name: null,
  stripe_price,
  lookup_key: null,
  active: true,
  stripe_meter: null,
  stripe_product: 'prod_1',
  plan: null,
  quantity: null,
  beyond: null,
  ...more,
});

const pull = (catalogue: Partial<Catalogue>, truncated = false) =>
  pulledConfig({ meters: [], products: [product('prod_1', 'Pro')], prices: [], ...catalogue }, truncated);
/** The lines of the configuration's plans. */
const plansOf = (...params: Parameters<typeof pull>) => {
  const lines = pull(...params).config.split('\n');
  return lines.slice(lines.indexOf('  plans: {') + 1, -3).map((line) => line.trim());
};
/** The lines of its meters. */
const metersOf = (...params: Parameters<typeof pull>) => {
  const lines = pull(...params).config.split('\n');
  return lines
    .slice(lines.indexOf('  meters: {') + 1, lines.indexOf('  plans: {') - 1)
    .map((line) => line.trim());
};

test('an account with a meter, a base fee, seats and usage gives the whole text', () => {
  const prices = [
    price('price_4', {
      event_name: 'credits',
      tiers_mode: 'volume',
      tiers: [
        { up_to: 10, unit_amount_decimal: '2' },
        { up_to: 'inf', flat_amount_decimal: '5' },
      ],
      lookup_key: 'tallybook:pro:month:credits',
    }),
    price('price_3', {
      event_name: 'credits',
      interval: 'year',
      transform_quantity: { divide_by: 10, round: 'up' },
    }),
    price('price_2', { quantity: 'seats', lookup_key: 'seats' }),
    price('price_1', { lookup_key: 'tallybook:pro:month:@base_fee' }),
  ];
  const { config, omitted } = pull({ meters: [meter('credits')], prices });
  expect(omitted).toEqual([]);
  expect(config).toBe(
    `// Written by \`tallybook pull\` from what Stripe has. Check it, then run \`tallybook push\`: nothing should change.
import { createUsage } from 'tallybook';

export const usage = createUsage({
  database: process.env['DATABASE_URL'] ?? 'usage.db',
  stripe: { secret_key: process.env['STRIPE_SECRET_KEY'] },
  meters: {
    credits: {},
  },
  plans: {
    pro: {
      prices: [
        {
          currency: 'usd',
          interval: 'month',
          usage_type: 'licensed',
          unit_amount_decimal: '2',
        },
        {
          currency: 'usd',
          interval: 'month',
          usage_type: 'licensed',
          quantity: 'seats',
          unit_amount_decimal: '2',
          lookup_key: 'seats',
        },
        {
          currency: 'usd',
          interval: 'month',
          tiers_mode: 'volume',
          tiers: [
            { up_to: 10, unit_amount_decimal: '2' },
            { up_to: 'inf', flat_amount_decimal: '5' },
          ],
        },
        {
          currency: 'usd',
          interval: 'year',
          unit_amount_decimal: '2',
          transform_quantity: { divide_by: 10, round: 'up' },
          stripe_price: 'price_3',
        },
      ],
    },
  },
});
`,
  );
});

describe('meters', () => {
  test('keep the names that are names, oldest first', () => {
    expect(
      metersOf({ meters: [meter('tokens'), meter('API Calls!'), meter('42'), meter('credits')] }),
    ).toEqual([
      'credits: {},',
      "meter_42: { stripe_event_name: '42' },",
      "api_calls: { stripe_event_name: 'API Calls!' },",
      'tokens: {},',
    ]);
  });

  test('that would have one name are numbered', () => {
    expect(metersOf({ meters: [meter('a!'), meter('a?'), meter('a')] })).toEqual([
      'a: {},',
      "a_2: { stripe_event_name: 'a?' },",
      "a_3: { stripe_event_name: 'a!' },",
    ]);
  });

  test('have the name that push read, as lookup keys tell', () => {
    const ai = meter('ai_tokens', { display_name: 'tokens' });
    const ours = price('price_1', {
      event_name: 'ai_tokens',
      plan: 'pro',
      lookup_key: 'tallybook:pro:month:tokens',
    });
    expect(metersOf({ meters: [ai], prices: [price('price_2'), ours] })).toEqual([
      "tokens: { stripe_event_name: 'ai_tokens' },",
    ]);
    for (const other of [{ plan: null }, { lookup_key: 'x' }, { event_name: 'other' }, { interval: null }]) {
      expect(metersOf({ meters: [ai], prices: [{ ...ours, ...other }] })).toEqual(['ai_tokens: {},']);
    }
  });

  test('that are inactive are passed over, and those that do not sum up are left out aloud', () => {
    const meters = [
      meter('old', { active: false }),
      meter('logins', { formula: 'count' }),
      meter('hours', { event_time_window: 'hour' }),
    ];
    const { omitted } = pull({ meters });
    expect(omitted).toEqual([
      'The meter hours (mtr_hours) does not sum up single uses: hour.',
      'The meter logins (mtr_logins) does not sum up single uses: count.',
    ]);
    expect(metersOf({ meters })).toEqual(['// Stripe has no meter yet: push makes it.', 'credits: {},']);
  });
});

describe('plans', () => {
  test('are named after what push made, or after the product', () => {
    const names = (...products: ListedProduct[]) =>
      plansOf({
        products,
        prices: products.map(({ stripe_product }) => price(stripe_product, { stripe_product })),
      }).filter((line) => /^[\w.']+: \{$|^name:/.test(line));
    expect(names(product('prod_1', 'Growth', { plan: 'pro.v2' }))).toEqual([
      "'pro.v2': {",
      "name: 'Growth',",
    ]);
    expect(names(product('prod_1', 'Growth', { plan: '1 bad' }))).toEqual(['growth: {']);
    expect(names(product('prod_2', 'Pro plan'), product('prod_1', 'Pro'))).toEqual([
      'pro: {',
      'pro_plan: {',
      "name: 'Pro plan',",
    ]);
    expect(names(product('prod_2', 'PRO'), product('prod_1', 'Pro'))).toEqual([
      'pro: {',
      'pro_2: {',
      "name: 'PRO',",
    ]);
    expect(names(product('prod_1', '– Pro  (plan) –'))).toEqual(['pro_plan: {', "name: '– Pro  (plan) –',"]);
    expect(names(product('prod_1', '基本'))).toEqual(['plan: {', "name: '基本',"]);
    expect(names(product('prod_1', '2 seats'))).toEqual(['plan_2_seats: {', "name: '2 seats',"]);
    const long = names(product('prod_1', 'x'.repeat(200)));
    expect(long).toEqual([`${'x'.repeat(90)}: {`, `name: '${'x'.repeat(100)}',`]);
    const longest = 'x'.repeat(100);
    const twice = [product('prod_2', 'X', { plan: longest }), product('prod_1', 'X', { plan: longest })];
    expect(names(...twice).filter((line) => line.endsWith('{'))).toEqual([
      `${longest}: {`,
      `${'x'.repeat(90)}_2: {`,
    ]);
  });

  test('without a price that they can hold, and archived ones, are left out', () => {
    const products = [
      product('prod_2', 'Old', { active: false }),
      product('prod_1', 'Pro'),
      product('prod_0', 'None'),
      product('prod_9', 'Never sold', { active: false }),
    ];
    const prices = [price('price_2', { stripe_product: 'prod_2' }), price('price_1', { beyond: 'odd' })];
    expect(plansOf({ products, prices })).toEqual([]);
    expect(pull({ products, prices }).omitted).toEqual([
      'The price price_1 of Pro, $0.02, by month: odd.',
      'The product Old (prod_2) is archived.',
    ]);
  });

  test.each([
    [{ interval_count: 3 }, '$0.02, by 3 months: plans are billed every day, week, month or year'],
    [{ event_name: 'logins' }, '$0.02 of logins, by month: its meter logins is left out'],
    [{ beyond: 'the customer chooses its amount' }, 'the customer chooses its amount'],
    [{ currency: 'eur', interval: 'year' as const }, 'by year: pro is in usd'],
    [{}, 'by month: pro has another price of this kind'],
  ])('leave out a price with %j', (more, reason) => {
    const prices = [price('price_2', more), price('price_1', { lookup_key: 'first' })];
    const { omitted, config } = pull({ prices });
    expect(omitted).toEqual([expect.stringContaining(reason)]);
    expect(omitted[0]).toContain('price_2 of Pro');
    expect(config).toContain(`// Left out: ${omitted[0]}\n`);
    expect(config).toContain("lookup_key: 'first'");
  });

  test('prefer prices with lookup keys, and take the oldest of a kind', () => {
    const prices = [price('price_3', { lookup_key: 'third' }), price('price_2'), price('price_1')];
    expect(plansOf({ prices })).toContain("lookup_key: 'third',");
    expect(plansOf({ prices: prices.slice(1) })).toContain("stripe_price: 'price_1',");
  });

  test('name the meter where there are several', () => {
    const metered = price('price_1', { event_name: 'credits' });
    expect(plansOf({ meters: [meter('credits')], prices: [metered] })).not.toContain("meter: 'credits',");
    expect(plansOf({ meters: [meter('credits'), meter('tokens')], prices: [metered] })).toContain(
      "meter: 'credits',",
    );
    const calls = price('price_1', { event_name: 'API calls' });
    expect(plansOf({ meters: [meter('API calls'), meter('tokens')], prices: [calls] })).toContain(
      "meter: 'api_calls',",
    );
  });

  test('bill tiers in the mode that Stripe does', () => {
    for (const tiers_mode of ['volume', 'graduated'] as const) {
      const tiered = price('price_1', { tiers_mode, tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }] });
      expect(plansOf({ prices: [tiered] })).toContain(`tiers_mode: '${tiers_mode}',`);
    }
  });

  test('know seats by what push wrote, or by its lookup key', () => {
    const seats = (more: Partial<ListedPrice>) =>
      plansOf({ prices: [price('price_1', more)] }).includes("quantity: 'seats',");
    expect(seats({ quantity: 'seats' })).toBe(true);
    expect(seats({ lookup_key: 'tallybook:pro:month:@seats' })).toBe(true);
    expect(seats({ lookup_key: 'tallybook:pro:month:@seats', quantity: 'one' })).toBe(false);
    expect(seats({ lookup_key: 'seats' })).toBe(false);
    // Its usual key goes without saying.
    const usual = price('price_1', { lookup_key: 'tallybook:pro:month:@seats' });
    expect(plansOf({ prices: [usual] }).join()).not.toContain('lookup_key');
    expect(seats({})).toBe(false);
  });
});

test('what others wrote stays in its comment and in its text', () => {
  const evil = "x\n'); process.exit(1); //";
  const { config } = pull({
    products: [product('prod_1', evil)],
    prices: [price('price_2'), price('price_1')],
  });
  expect(config).toContain("name: 'x\\n\\'); process.exit(1); //',");
  expect(config.split('\n').filter((line) => line.includes('process.exit'))).toHaveLength(2);
  expect(config.split('\n').filter((line) => line.startsWith('// Left out'))).toHaveLength(1);
});

test('prices that were not read are told of', () => {
  expect(pull({ prices: [price('price_1')] }, true).omitted).toEqual(['Only the newest 1 prices were read.']);
});
