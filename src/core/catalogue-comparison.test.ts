import { describe, expect, test } from 'vitest';
import {
  type Catalogue,
  type ListedMeter,
  type ListedPrice,
  type ListedProduct,
  productIdOf,
} from './catalogue.ts';
import { compareCatalogue, referencesOf } from './catalogue-comparison.ts';
import { changeText } from './catalogue-text.ts';
import type { Plan, Plans } from './plan.ts';
import type { Price } from './price.ts';

const METER: ListedMeter = {
  stripe_meter: 'mtr_1',
  event_name: 'credits',
  display_name: 'Credits',
  active: true,
  formula: 'sum',
  customer_key: 'stripe_customer_id',
  value_key: 'value',
  event_time_window: null,
};
const KEY = 'tallybook:pro:month:credits';
const PRICE: ListedPrice = {
  currency: 'usd',
  unit_amount_decimal: '2',
  interval: 'month',
  interval_count: 1,
  event_name: 'credits',
  stripe_price: 'price_1',
  lookup_key: KEY,
  active: true,
  stripe_meter: 'mtr_1',
  stripe_product: 'tallybook_pro',
  plan: 'pro',
  quantity: null,
  beyond: null,
};
const PRODUCT: ListedProduct = { stripe_product: 'tallybook_pro', name: 'Pro', active: true, plan: 'pro' };
const DECLARED = {
  currency: 'usd',
  unit_amount_decimal: '2',
  interval: 'month',
  meter: 'credits',
  stripe_price: null,
  lookup_key: KEY,
} as const;
const PRO: Plans = { pro: { name: 'Pro', prices: [DECLARED], licensed: [], limits: {}, listed: true } };
const EVENT_NAMES = new Map([['credits', 'credits']]);

const compare = (catalogue: Partial<Catalogue>, plans: Plans = PRO) =>
  compareCatalogue(
    { event_names: EVENT_NAMES, plans },
    { meters: [METER], products: [PRODUCT], prices: [PRICE], ...catalogue },
  );
/** A plan with other prices, or of another name. */
const planWith = (prices: Plan['prices'], name = 'Pro'): Plan => ({
  name,
  prices,
  licensed: [],
  limits: {},
  listed: true,
});
const changesOf = (...params: Parameters<typeof compare>) =>
  compare(...params).changes.map((change) => `${change.change} ${changeText(change)}`);
const checksOf = (...params: Parameters<typeof compare>) =>
  compare(...params).findings.map(({ check, where }) => `${check} ${where}`);

test('what is as configured needs nothing', () => {
  expect(compare({}).changes).toEqual([]);
  expect(compare({}).findings).toEqual([]);
  expect(compare({ prices: [] }, {}).changes).toEqual([]);
});

test('what does not exist is made in the order in which it is needed', () => {
  expect(changesOf({ meters: [], products: [], prices: [] })).toEqual([
    'create_meter meter credits: sums up credits',
    'create_product product tallybook_pro: Pro',
    `create_price price ${KEY}: $0.02 of credits, by month`,
  ]);
});

test('what is put back on sale comes after what is made', () => {
  const max = planWith([{ ...DECLARED, lookup_key: 'max' }], 'Max');
  const { changes } = compare({ prices: [{ ...PRICE, active: false }] }, { ...PRO, max });
  expect(changes.map(({ change }) => change)).toEqual(['create_product', 'create_price', 'activate_price']);
});

describe('a meter', () => {
  test('is known at Stripe by its event name, whatever it is called here and whichever comes first', () => {
    const declared = { event_names: new Map([['credits', 'ai_credits']]), plans: PRO };
    const meters = [
      { ...METER, stripe_meter: 'mtr_9', event_name: 'credits' },
      { ...METER, event_name: 'ai_credits' },
    ];
    const prices = [{ ...PRICE, event_name: 'ai_credits' }];
    expect(compareCatalogue(declared, { meters, products: [PRODUCT], prices })).toMatchObject({
      changes: [],
      findings: [],
    });
  });

  test('that counts otherwise is a finding, and no price is made for it', () => {
    const meters = [{ ...METER, formula: 'count' }];
    expect(checksOf({ meters, prices: [] })).toEqual(['meter_formula meters.credits']);
    expect(changesOf({ meters, prices: [] })).toEqual([]);
  });

  test('that takes sums of hours is a finding', () => {
    expect(checksOf({ meters: [{ ...METER, event_time_window: 'hour' }] })).toEqual([
      'meter_window meters.credits',
    ]);
  });

  test('that was deactivated counts again, unless it counted otherwise', () => {
    expect(changesOf({ meters: [{ ...METER, active: false }] })).toEqual([
      'reactivate_meter meter credits: mtr_1 counts again',
    ]);
    const counting = { ...METER, stripe_meter: 'mtr_2', active: false, formula: 'last' };
    expect(changesOf({ meters: [counting], prices: [] })[0]).toBe(
      'create_meter meter credits: sums up credits',
    );
    const { changes } = compare({ meters: [counting, { ...METER, active: false }] });
    expect(changes).toMatchObject([{ change: 'reactivate_meter', stripe_meter: 'mtr_1' }]);
  });

  test('that took the place of another makes new prices', () => {
    const meters = [
      { ...METER, stripe_meter: 'mtr_2' },
      { ...METER, active: false },
    ];
    expect(changesOf({ meters }).map((text) => text.split(' ')[0])).toEqual([
      'create_price',
      'deactivate_price',
    ]);
  });
});

describe('a price', () => {
  const { unit_amount_decimal: _, ...bare } = PRICE;
  const differing: [string, ListedPrice][] = [
    ['amount', { ...PRICE, unit_amount_decimal: '2.000000000001' }],
    ['currency', { ...PRICE, currency: 'eur' }],
    ['interval', { ...PRICE, interval: 'year' }],
    ['number of intervals', { ...PRICE, interval_count: 3 }],
    ['meter', { ...PRICE, event_name: 'tokens', stripe_meter: 'mtr_9' }],
    ['kind', { ...PRICE, event_name: null, stripe_meter: null }],
    ['number of charges', { ...PRICE, interval: null }],
    ['packages', { ...PRICE, transform_quantity: { divide_by: 10, round: 'up' } }],
    ['tiers', { ...bare, tiers_mode: 'volume', tiers: [{ up_to: 'inf', unit_amount_decimal: '2' }] }],
    ['choice of its amount', { ...PRICE, beyond: 'the customer chooses its amount' }],
  ];

  test.each(differing)('with another %s gets a successor, and takes no new subscriptions', (_what, price) => {
    const { changes } = compare({ prices: [price] });
    expect(changes).toMatchObject([
      { change: 'create_price', replaces: { stripe_price: 'price_1' }, stripe_product: 'tallybook_pro' },
      { change: 'deactivate_price', stripe_price: 'price_1' },
    ]);
  });

  const amounts: [string, Price][] = [
    ['a unit', { currency: 'usd', unit_amount_decimal: '2' }],
    [
      'tiers',
      { currency: 'usd', tiers_mode: 'graduated', tiers: [{ up_to: 'inf', unit_amount_decimal: '2' }] },
    ],
    [
      'packages',
      { currency: 'usd', unit_amount_decimal: '2', transform_quantity: { divide_by: 10, round: 'up' } },
    ],
  ];

  test.each(amounts)('by %s is made as it is declared, and told of as it was', (_, price) => {
    const { interval, meter, stripe_price, lookup_key } = DECLARED;
    const plans = { pro: planWith([{ ...price, interval, meter, stripe_price, lookup_key }]) };
    const recurring = { interval: 'month', interval_count: 1, event_name: 'credits' };
    const [made] = compare({ prices: [] }, plans).changes;
    expect(made).toStrictEqual({
      change: 'create_price',
      plan: 'pro',
      stripe_product: 'tallybook_pro',
      price: { ...price, ...recurring, lookup_key: KEY, quantity: null },
      replaces: null,
    });
    const { unit_amount_decimal: _amount, ...listed } = PRICE;
    const [replacement, retired] = compare(
      { prices: [{ ...listed, ...price, interval_count: 3 }] },
      plans,
    ).changes;
    const terms = { ...price, ...recurring, interval_count: 3 };
    expect(replacement).toMatchObject({ replaces: { stripe_price: 'price_1' } });
    expect(replacement?.change === 'create_price' && replacement.replaces?.terms).toStrictEqual(terms);
    expect(retired?.change === 'deactivate_price' && retired.terms).toStrictEqual(terms);
  });

  test('of seats is made with what it is multiplied by', () => {
    const { meter: _meter, ...declared } = DECLARED;
    const seats = { ...declared, quantity: 'seats' } as const;
    const { changes } = compare({ prices: [] }, { pro: { ...planWith([]), licensed: [seats] } });
    expect(changes).toMatchObject([{ price: { event_name: null, quantity: 'seats' } }]);
  });

  test('made elsewhere stays as it is, also when it loses the lookup key', () => {
    const theirs = { ...PRICE, plan: null, stripe_product: 'prod_1', unit_amount_decimal: '7' };
    const products = [{ ...PRODUCT, stripe_product: 'prod_1', plan: null }];
    expect(compare({ prices: [theirs], products }).changes).toMatchObject([
      { change: 'create_price', stripe_product: 'prod_1' },
    ]);
  });

  test.each([
    ['2.0', '2'],
    ['2', '2.000'],
  ])('of %s is one of %s', (configured, at_stripe) => {
    const plans = {
      pro: { ...PRO['pro'], prices: [{ ...DECLARED, unit_amount_decimal: configured }] },
    } as Plans;
    expect(changesOf({ prices: [{ ...PRICE, unit_amount_decimal: at_stripe }] }, plans)).toEqual([]);
  });

  test('that was superseded and is still for sale, as after a crash, is taken off sale', () => {
    const orphan = { ...PRICE, stripe_price: 'price_0', lookup_key: null };
    expect(changesOf({ prices: [PRICE, orphan] })).toEqual([
      'deactivate_price price price_0: takes no new subscriptions, those it has stay on it',
    ]);
    expect(changesOf({ prices: [PRICE, { ...orphan, active: false }] })).toEqual([]);
    expect(changesOf({ prices: [PRICE, { ...orphan, plan: 'other' }] })).toEqual([]);
  });

  test('that is inactive and right takes subscriptions again', () => {
    expect(changesOf({ prices: [{ ...PRICE, active: false }] })).toEqual([
      `activate_price price ${KEY}: price_1 takes subscriptions again`,
    ]);
  });

  test('whose successor cannot be made stays for sale', () => {
    const meters = [{ ...METER, formula: 'count' }];
    const prices = [{ ...PRICE, unit_amount_decimal: '7' }];
    expect(changesOf({ meters, prices })).toEqual([]);
    // Whatever else is made, and no product is put on sale for it.
    const seats = { ...DECLARED, lookup_key: 'seats', quantity: 'seats' } as const;
    const { meter: _meter, ...licensed } = seats;
    const plans = { ...PRO, max: { ...planWith([], 'Max'), licensed: [licensed] } };
    const products = [{ ...PRODUCT, active: false }];
    expect(compare({ meters, prices, products }, plans).changes.map(({ change }) => change)).toEqual([
      'create_product',
      'create_price',
    ]);
  });

  test('that is named by its id may be on a product that is archived', () => {
    const plans = { pro: planWith([{ ...DECLARED, stripe_price: 'price_1' }]) };
    const prices = [{ ...PRICE, stripe_product: 'prod_1', lookup_key: 'theirs', plan: null }];
    const products = [{ ...PRODUCT, stripe_product: 'prod_1', active: false, plan: null }];
    expect(compare({ prices, products }, plans)).toMatchObject({ changes: [], findings: [] });
  });

  test('that two plans share is one price, and a finding where they differ', () => {
    const plans = (amount: string): Plans => ({
      ...PRO,
      max: {
        name: 'Max',
        prices: [{ ...DECLARED, unit_amount_decimal: amount }],
        licensed: [],
        limits: {},
        listed: true,
      },
    });
    expect(compare({}, plans('2'))).toMatchObject({ changes: [], findings: [] });
    expect(checksOf({}, plans('3'))).toEqual([`lookup_key_shared ${KEY}`]);
  });

  test('of a plan whose prices are on a product goes there as well', () => {
    const year = { ...DECLARED, interval: 'year', lookup_key: 'pro_year' } as const;
    const plans: Plans = {
      pro: { name: 'Pro', prices: [DECLARED, year], licensed: [], limits: {}, listed: true },
    };
    const shop = { ...PRODUCT, stripe_product: 'prod_1', plan: null };
    const { changes } = compare(
      { prices: [{ ...PRICE, stripe_product: 'prod_1' }], products: [shop] },
      plans,
    );
    expect(changes).toMatchObject([{ change: 'create_price', stripe_product: 'prod_1', replaces: null }]);
  });
});

describe('a product', () => {
  test('that is not the plan’s is a finding, and gets no prices', () => {
    const products = [{ ...PRODUCT, plan: null }];
    expect(checksOf({ products, prices: [] })).toEqual(['product_taken tallybook_pro']);
    expect(changesOf({ products, prices: [] })).toEqual([]);
  });

  test('that is not the plan’s keeps nothing else from being made', () => {
    const max = planWith([{ ...DECLARED, lookup_key: 'max' }], 'Max');
    const products = [{ ...PRODUCT, plan: null }];
    expect(changesOf({ meters: [], products, prices: [] }, { max, ...PRO })).toEqual([
      'create_meter meter credits: sums up credits',
      'create_product product tallybook_max: Max',
      'create_price price max: $0.02 of credits, by month',
    ]);
  });

  test('is made once for each plan, of names that look alike too', () => {
    const plans = {
      'pro.v2': planWith([{ ...DECLARED, lookup_key: 'a' }]),
      prov2: planWith([{ ...DECLARED, lookup_key: 'b' }]),
    };
    const made = compare({ products: [], prices: [] }, plans).changes.flatMap((each) =>
      each.change === 'create_product' ? [each.stripe_product] : [],
    );
    expect(made).toEqual(['tallybook_pro_dot_v2', 'tallybook_prov2']);
    expect(made).toEqual(Object.keys(plans).map(productIdOf));
  });

  test('of others that is archived is a finding', () => {
    const products = [{ ...PRODUCT, stripe_product: 'prod_1', active: false, plan: null }];
    const prices = [{ ...PRICE, stripe_product: 'prod_1' }];
    expect(checksOf({ products, prices })).toEqual(['product_inactive prod_1']);
  });

  test('of ours is renamed, and put back on sale where prices are on it', () => {
    expect(changesOf({ products: [{ ...PRODUCT, name: 'Old', active: false }] })).toEqual([
      'rename_product product tallybook_pro: Old becomes Pro',
      'activate_product product tallybook_pro: for sale again',
    ]);
    const free: Plans = { pro: { name: 'Pro', prices: [], licensed: [], limits: {}, listed: true } };
    expect(changesOf({ products: [{ ...PRODUCT, active: false }], prices: [] }, free)).toEqual([]);
  });
});

test('Stripe is asked for every price that plans name', () => {
  const seats = { ...DECLARED, quantity: 'seats', stripe_price: 'price_7' } as const;
  const plans: Plans = {
    pro: { name: 'Pro', prices: [DECLARED], licensed: [seats], limits: {}, listed: true },
  };
  expect(referencesOf(plans)).toEqual([DECLARED, seats]);
});

test('what cannot be changed is said in sentences, each with what to do', () => {
  const named = { ...DECLARED, stripe_price: 'price_1' } as const;
  const max = { ...DECLARED, unit_amount_decimal: '3' } as const;
  const plan = (...prices: (typeof named | typeof max | typeof DECLARED)[]) => ({
    name: 'Pro',
    prices,
    licensed: [],
    limits: {},
    listed: true,
  });
  const shop = { ...PRODUCT, stripe_product: 'prod_1', active: false, plan: null };
  const named_price = { ...PRICE, active: false, unit_amount_decimal: '7', interval: 'year' } as const;
  const findings = [
    ...compare({ meters: [{ ...METER, formula: 'last' }] }).findings,
    ...compare({ meters: [{ ...METER, event_time_window: 'day' }] }).findings,
    ...compare({ prices: [named_price] }, { pro: plan(named) }).findings,
    ...compare({ prices: [PRICE] }, { pro: plan({ ...named, stripe_price: 'price_9' } as never) }).findings,
    ...compare(
      { prices: [{ ...PRICE, event_name: 'x', stripe_meter: 'mtr_9', beyond: 'it is odd' }] },
      { pro: plan(named) },
    ).findings,
    ...compare({ meters: [{ ...METER, stripe_meter: 'mtr_2' }] }, { pro: plan(named) }).findings,
    ...compare({}, { pro: plan(DECLARED), max: plan(max) }).findings,
    ...compare({ products: [{ ...PRODUCT, plan: null }], prices: [] }).findings,
    ...compare({ products: [shop], prices: [{ ...PRICE, stripe_product: 'prod_1' }] }).findings,
  ];
  const texts = findings.map(({ severity, ...each }) =>
    [severity, each.check, each.where, each.what, each.remedy].join(' | '),
  );
  expect(texts).toMatchInlineSnapshot(`
    [
      "error | meter_formula | meters.credits | mtr_1 does not add usage up: its formula is last. | It can't be changed. Deactivate it in the Dashboard and push again, or set stripe_event_name to a name of its own.",
      "error | meter_window | meters.credits | mtr_1 expects usage that is summed up by day. | It can't be changed. Deactivate it in the Dashboard and push again, or set stripe_event_name to a name of its own.",
      "error | price_inactive | price_1 | It takes no new subscriptions, and pro names it. | Correct \`stripe_price\` or the price here; a named price is never changed.",
      "error | price_differs | price_1 | It is not what pro says: interval year at Stripe, month here; amounts $0.07 at Stripe, $0.02 here. | Correct \`stripe_price\` or the price here; a named price is never changed.",
      "error | price_missing | price_9 | Stripe has no such price in the mode of the key, and pro names it. | Correct \`stripe_price\` or the price here; a named price is never changed.",
      "error | price_differs | price_1 | It is not what pro says: meter x at Stripe, credits here; it is odd. | Correct \`stripe_price\` or the price here; a named price is never changed.",
      "error | price_differs | price_1 | It is not what pro says: it bills mtr_1, and mtr_2 counts. | Correct \`stripe_price\` or the price here; a named price is never changed.",
      "error | lookup_key_shared | tallybook:pro:month:credits | Two prices that differ have this lookup key. | Give each price a lookup key of its own.",
      "error | product_taken | tallybook_pro | It is not the product of pro: its metadata has no tallybook_plan of that name. | Set its metadata tallybook_plan to pro in the Dashboard, or rename the plan.",
      "error | product_inactive | prod_1 | It is archived, and prices of pro belong to it. | Unarchive it in the Dashboard, or give the prices of the plan other lookup keys.",
    ]
  `);
});

test('a plan is sold when Stripe sells every price of it as it is configured', () => {
  const sold = (...params: Parameters<typeof compare>) => [...compare(...params).sold];
  const named = { ...DECLARED, stripe_price: 'price_1' };
  const by = (price: object, name = 'pro'): Plans =>
    ({ [name]: { ...PRO['pro'], prices: [price] } }) as Plans;
  expect(sold({})).toEqual(['pro']);
  expect(sold({}, by(named))).toEqual(['pro']);
  expect(
    sold({ prices: [] }, { free: { name: 'Free', prices: [], licensed: [], limits: {}, listed: true } }),
  ).toEqual(['free']);
  for (const price of [
    { ...PRICE, active: false },
    { ...PRICE, unit_amount_decimal: '7' },
  ]) {
    expect(sold({ prices: [price] })).toEqual([]);
    expect(sold({ prices: [price] }, by(named))).toEqual([]);
  }
  expect(sold({ prices: [] })).toEqual([]);
  expect(sold({ prices: [] }, by(named))).toEqual([]);
  expect(
    sold({}, { ...PRO, ...by(DECLARED, 'same'), ...by({ ...DECLARED, unit_amount_decimal: '9' }, 'other') }),
  ).toEqual(['pro', 'same']);
  const wrong = [{ ...METER, formula: 'last' }];
  expect(sold({ meters: wrong, prices: [] })).toEqual([]);
});

test('meters, products and prices of others are told apart from those of a plan', () => {
  const counting = { ...METER, stripe_meter: 'mtr_9', event_name: 'other', formula: 'count' };
  expect(compare({ meters: [counting, METER] }).findings).toEqual([]);
  const named = { ...DECLARED, stripe_price: 'price_1' };
  expect(
    changesOf({}, { pro: { name: 'Pro', prices: [named], licensed: [], limits: {}, listed: true } }),
  ).toEqual([]);
  const theirs = { ...PRICE, stripe_price: 'price_9', stripe_product: 'prod_9', plan: null };
  const shop = { ...PRODUCT, stripe_product: 'prod_9', name: 'Shop', active: false, plan: null };
  for (const lookup_key of [null, 'theirs']) {
    const { changes, findings } = compare({ products: [shop, PRODUCT], prices: [{ ...theirs, lookup_key }] });
    expect(changes).toMatchObject([{ change: 'create_price', stripe_product: 'tallybook_pro' }]);
    expect(findings).toEqual([]);
  }
});
