import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publishedFile } from '../../test/support/published.ts';
import { assertPrice, type Price, rate } from './price.ts';

const VOLUME: Price = {
  currency: 'usd',
  billing_scheme: 'tiered',
  tiers_mode: 'volume',
  tiers: [
    { up_to: 1_000, unit_amount_decimal: '2' },
    { up_to: 'inf', unit_amount_decimal: '1.5' },
  ],
};
const GRADUATED: Price = { ...VOLUME, tiers_mode: 'graduated' };

describe('published examples', () => {
  const path = publishedFile('conformance/pricing.json');
  test.skipIf(path === null)('every price example that Stripe publishes comes out to the minor unit', () => {
    const examples: PublishedExample[] = JSON.parse(readFileSync(path ?? '', 'utf8'));
    const rated = examples.filter(({ model }) => model !== 'proration');
    expect(rated.length).toBeGreaterThan(10);
    for (const example of rated) {
      const { amount, currency } = rate(priceOf(example), example.quantity);
      expect({ id: example.id, amount, currency }).toEqual({
        id: example.id,
        amount: example.expected_minor_units,
        currency: example.currency,
      });
    }
  });
});

interface PublishedExample {
  readonly id: string;
  readonly model: 'volume' | 'graduated' | 'package' | 'per_unit' | 'proration';
  readonly tiers: readonly {
    up_to: number | 'inf';
    unit_amount_decimal: string;
    flat_amount_decimal: string;
    divide_by: number;
    round: 'up' | 'down';
  }[];
  readonly quantity: number;
  readonly currency: string;
  readonly expected_minor_units: number;
}

function priceOf({ model, tiers, currency }: PublishedExample): Price {
  if (model === 'volume' || model === 'graduated') {
    const steps = tiers.map(({ up_to, unit_amount_decimal, flat_amount_decimal }) => {
      return { up_to, unit_amount_decimal, flat_amount_decimal };
    });
    return { currency, billing_scheme: 'tiered', tiers_mode: model, tiers: steps };
  }
  const [only] = tiers;
  if (!only) throw new Error('An example without a price.');
  const { unit_amount_decimal, divide_by, round } = only;
  if (model === 'per_unit') return { currency, unit_amount_decimal };
  return { currency, unit_amount_decimal, transform_quantity: { divide_by, round } };
}

describe('volume', () => {
  test('the tier that the whole quantity reaches prices all of it; its bound is inclusive', () => {
    expect(rate(VOLUME, 1_000)).toMatchObject({ amount: 2_000, lines: [{ tier: 1, up_to: 1_000 }] });
    expect(rate(VOLUME, 1_001)).toEqual({
      currency: 'usd',
      amount: 1_502,
      amount_decimal: '1501.5',
      lines: [
        {
          tier: 2,
          up_to: 'inf',
          quantity: 1_001,
          unit_amount_decimal: '1.5',
          flat_amount_decimal: null,
          amount: 1_502,
          amount_decimal: '1501.5',
        },
      ],
    });
  });

  test('only the flat fee of the tier that is reached is charged, on a line of its own', () => {
    const price: Price = {
      ...VOLUME,
      tiers: [
        { up_to: 10, unit_amount_decimal: '1', flat_amount_decimal: '100' },
        { up_to: 'inf', unit_amount_decimal: '0.5', flat_amount_decimal: '50' },
      ],
    };
    expect(rate(price, 11)).toMatchObject({
      amount: 6 + 50,
      lines: [
        { tier: 2, quantity: 11, amount: 6 },
        { tier: 2, quantity: 0, flat_amount_decimal: '50', amount: 50 },
      ],
    });
    expect(rate(price, 0)).toMatchObject({ amount: 100, lines: [{ tier: 1, quantity: 0 }] });
  });
});

describe('graduated', () => {
  test('each tier prices its own units', () => {
    expect(rate(GRADUATED, 1_200)).toMatchObject({
      amount: 2_300,
      lines: [
        { tier: 1, quantity: 1_000, amount: 2_000 },
        { tier: 2, quantity: 200, amount: 300 },
      ],
    });
  });

  test('a tier that is not reached charges neither units nor its flat fee', () => {
    const price: Price = {
      ...GRADUATED,
      tiers: [
        { up_to: 10, flat_amount_decimal: '500' },
        { up_to: 20, unit_amount_decimal: '3', flat_amount_decimal: '7' },
        { up_to: 'inf', unit_amount_decimal: '1' },
      ],
    };
    expect(rate(price, 10).amount).toBe(500);
    expect(rate(price, 11).amount).toBe(500 + 3 + 7);
    expect(rate(price, 25).amount).toBe(500 + 30 + 7 + 5);
    expect(rate(price, 0).amount).toBe(500);
  });

  test('lines are rounded one by one, as on the invoice, so that they add up', () => {
    const price: Price = {
      ...GRADUATED,
      tiers: [
        { up_to: 1, unit_amount_decimal: '0.5' },
        { up_to: 'inf', unit_amount_decimal: '0.5' },
      ],
    };
    expect(rate(price, 2)).toMatchObject({ amount: 2, amount_decimal: '1' });
  });
});

describe('per unit and package', () => {
  test('sub-cent prices are exact: 0.1 cent three times is 0.3 cent, not 0.30000000000000004', () => {
    expect(rate({ currency: 'usd', unit_amount_decimal: '0.1' }, 3)).toMatchObject({
      amount: 0,
      amount_decimal: '0.3',
    });
    expect(rate({ currency: 'usd', unit_amount_decimal: '0.000000000001' }, 1_000_000_000_000)).toMatchObject(
      {
        amount: 1,
        amount_decimal: '1',
      },
    );
  });

  test('half a minor unit is rounded up', () => {
    expect(rate({ currency: 'usd', unit_amount_decimal: '0.5' }, 1).amount).toBe(1);
    expect(rate({ currency: 'usd', unit_amount_decimal: '0.499999999999' }, 1).amount).toBe(0);
  });

  test('packages are whole, rounded as the price says', () => {
    const price = (round: 'up' | 'down'): Price => ({
      currency: 'usd',
      unit_amount_decimal: '10',
      transform_quantity: { divide_by: 3, round },
    });
    expect(rate(price('up'), 7)).toMatchObject({ amount: 30, lines: [{ quantity: 3 }] });
    expect(rate(price('down'), 7)).toMatchObject({ amount: 20, lines: [{ quantity: 2 }] });
    expect(rate(price('down'), 2)).toMatchObject({ amount: 0, lines: [] });
    expect(rate(price('up'), 0)).toMatchObject({ amount: 0, lines: [] });
  });

  test('amounts are minor units whatever the digits of the currency', () => {
    for (const currency of ['jpy', 'usd', 'kwd']) {
      expect(rate({ currency, unit_amount_decimal: '12.5' }, 3)).toMatchObject({ currency, amount: 38 });
    }
  });
});

describe('refusals', () => {
  const refused: readonly [string, Price][] = [
    ['price.currency', { currency: 'USD', unit_amount_decimal: '1' }],
    ['price.unit_amount_decimal', { currency: 'usd' }],
    ['price.unit_amount_decimal', { currency: 'usd', unit_amount_decimal: '1e3' }],
    ['price.unit_amount_decimal', { currency: 'usd', unit_amount_decimal: '-1' }],
    ['price.unit_amount_decimal', { currency: 'usd', unit_amount_decimal: '0.0000000000001' }],
    ['price.tiers', { currency: 'usd', billing_scheme: 'tiered', tiers_mode: 'volume' }],
    ['price.tiers', { currency: 'usd', billing_scheme: 'tiered', tiers_mode: 'volume', tiers: [] }],
    [
      'price.tiers',
      { currency: 'usd', billing_scheme: 'per_unit', unit_amount_decimal: '1', tiers: [{ up_to: 'inf' }] },
    ],
    ['price.tiers_mode', { currency: 'usd', tiers: [{ up_to: 'inf' }] }],
    ['price.tiers[0].up_to', { ...VOLUME, tiers: [{ up_to: 5 }] }],
    ['price.tiers[0].up_to', { ...VOLUME, tiers: [{ up_to: 'inf' }, { up_to: 'inf' }] }],
    ['price.tiers[0].up_to', { ...VOLUME, tiers: [{ up_to: 0 }, { up_to: 'inf' }] }],
    ['price.tiers[1].up_to', { ...VOLUME, tiers: [{ up_to: 5 }, { up_to: 5 }, { up_to: 'inf' }] }],
    [
      'price.tiers[0].unit_amount_decimal',
      { ...VOLUME, tiers: [{ up_to: 'inf', unit_amount_decimal: '٣' }] },
    ],
    ['price', { ...VOLUME, unit_amount_decimal: '1' }],
    ['price', { ...VOLUME, transform_quantity: { divide_by: 2, round: 'up' } }],
    [
      'price.transform_quantity.divide_by',
      { currency: 'usd', unit_amount_decimal: '1', transform_quantity: { divide_by: 0, round: 'up' } },
    ],
  ];
  test.each(refused)('%s: the price is refused', (field, price) => {
    expect(() => rate(price, 1)).toThrow(expect.objectContaining({ code: 'invalid_price', field }));
  });

  test('words that the types do not allow are refused as well', () => {
    const typo: Price = JSON.parse(JSON.stringify({ ...VOLUME, tiers_mode: 'volumetric' }));
    expect(() => rate(typo, 1)).toThrow(expect.objectContaining({ field: 'price.tiers_mode' }));
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('a quantity of %s is refused', (quantity) => {
    expect(() => rate(VOLUME, quantity)).toThrow(expect.objectContaining({ code: 'invalid_quantity' }));
  });

  test('an amount past 2⁵³ − 1 is an error, never rounded', () => {
    const price = { currency: 'usd', unit_amount_decimal: '99999' };
    expect(() => rate(price, 999_999_999_999)).toThrow(expect.objectContaining({ code: 'amount_overflow' }));
  });
});

describe('properties', () => {
  const amounts = fc
    .integer({ min: 0, max: 10 ** 9 })
    .map((n) => `${Math.floor(n / 1000)}.${String(n % 1000).padStart(3, '0')}`);
  const tiers = fc
    .tuple(
      fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }), { maxLength: 5 }),
      fc.array(amounts, { minLength: 12, maxLength: 12 }),
    )
    .map(([bounds, money]) => {
      const ends: (number | 'inf')[] = [...bounds.sort((a, b) => a - b), 'inf'];
      return ends.map((up_to, index) => ({
        up_to,
        unit_amount_decimal: money[index * 2] ?? '0',
        flat_amount_decimal: money[index * 2 + 1] ?? '0',
      }));
    });

  test('the amount is the sum of its lines, and the lines bill every unit once', () => {
    fc.assert(
      fc.property(
        tiers,
        fc.integer({ min: 0, max: 20_000 }),
        fc.constantFrom('volume', 'graduated'),
        (steps, quantity, mode) => {
          const rated = rate({ currency: 'usd', tiers_mode: mode, tiers: steps }, quantity);
          expect(rated.lines.reduce((sum, line) => sum + line.amount, 0)).toBe(rated.amount);
          expect(rated.lines.reduce((sum, line) => sum + line.quantity, 0)).toBe(quantity);
        },
      ),
    );
  });

  test('graduated tiers agree with pricing unit by unit', () => {
    fc.assert(
      fc.property(tiers, fc.integer({ min: 1, max: 300 }), (steps, quantity) => {
        let thousandths = 0n;
        const reached = new Set<number>();
        for (let unit = 1; unit <= quantity; unit += 1) {
          const index = steps.findIndex(({ up_to }) => up_to === 'inf' || unit <= up_to);
          thousandths += BigInt((steps[index]?.unit_amount_decimal ?? '0').replace('.', ''));
          if (!reached.has(index))
            thousandths += BigInt((steps[index]?.flat_amount_decimal ?? '0').replace('.', ''));
          reached.add(index);
        }
        const rated = rate({ currency: 'usd', tiers_mode: 'graduated', tiers: steps }, quantity);
        const [whole = '0', fraction = ''] = rated.amount_decimal.split('.');
        expect(BigInt(whole + fraction.padEnd(3, '0'))).toBe(thousandths);
      }),
    );
  });
});

describe('packages', () => {
  const packagesOf = (round: 'up' | 'down', quantity: number) =>
    rate(
      { currency: 'usd', unit_amount_decimal: '100', transform_quantity: { divide_by: 10, round } },
      quantity,
    ).amount;
  test.each([
    [0, 0, 0],
    [1, 1, 0],
    [9, 1, 0],
    [10, 1, 1],
    [11, 2, 1],
    [20, 2, 2],
  ])('%i units are %i packages rounded up and %i rounded down', (quantity, up, down) => {
    expect([packagesOf('up', quantity), packagesOf('down', quantity)]).toEqual([up * 100, down * 100]);
  });
});

describe('why a price is refused', () => {
  const unit = { currency: 'usd', unit_amount_decimal: '1' } as const;
  const ISO = 'The currency is not an ISO 4217 code in lower case.';
  const AMOUNT = 'It is not a decimal string of minor units, from 0, with at most 12 places.';
  const LAST = "The last tier, and only the last, ends at 'inf'.";
  const ASCENDING = 'Tiers end at ascending whole numbers from 1.';
  const tiered = (...tiers: readonly unknown[]) => ({ ...VOLUME, tiers });
  const packaged = (divide_by: unknown, round: unknown = 'up') => ({
    ...unit,
    transform_quantity: { divide_by, round },
  });
  const refused: readonly [string, object, string][] = [
    ['price.currency', { ...unit, currency: 'xusd' }, ISO],
    ['price.currency', { ...unit, currency: 'usdx' }, ISO],
    [
      'price.billing_scheme',
      { ...unit, billing_scheme: 'flat' },
      'The billing scheme is neither per_unit nor tiered.',
    ],
    ['price.tiers', { ...unit, billing_scheme: 'per_unit', tiers: [] }, 'A per-unit price has no tiers.'],
    ['price.tiers', { ...unit, tiers_mode: 'volume' }, 'A per-unit price has no tiers.'],
    ['price.unit_amount_decimal', { currency: 'usd' }, 'A per-unit price needs its unit amount.'],
    ['price.unit_amount_decimal', { ...unit, unit_amount_decimal: 1 }, AMOUNT],
    ['price.unit_amount_decimal', { ...unit, unit_amount_decimal: ['1'] }, AMOUNT],
    ['price.transform_quantity.divide_by', packaged(0), 'It is not a whole number from 1.'],
    ['price.transform_quantity.divide_by', packaged(1.5), 'It is not a whole number from 1.'],
    ['price.transform_quantity.divide_by', packaged(1e15), 'It is not a whole number from 1.'],
    ['price.transform_quantity.round', packaged(10, 'half'), 'It is neither up nor down.'],
    ['price.tiers_mode', { ...VOLUME, tiers_mode: 'volumetric' }, 'It is neither volume nor graduated.'],
    ['price.tiers', tiered(), 'A tiered price needs tiers.'],
    [
      'price',
      { ...VOLUME, unit_amount_decimal: '1' },
      'A tiered price has neither unit_amount_decimal nor transform_quantity.',
    ],
    ['price.tiers[0].up_to', tiered({ up_to: 5 }), LAST],
    ['price.tiers[0].up_to', tiered({ up_to: 'inf' }, { up_to: 'inf' }), LAST],
    ['price.tiers[1].up_to', tiered({ up_to: 5 }, { up_to: 4 }, { up_to: 'inf' }), ASCENDING],
    ['price.tiers[0].up_to', tiered({ up_to: 1e15 }, { up_to: 'inf' }), ASCENDING],
    ['price.tiers[0].unit_amount_decimal', tiered({ up_to: 'inf', unit_amount_decimal: '-1' }), AMOUNT],
    ['price.tiers[0].flat_amount_decimal', tiered({ up_to: 'inf', flat_amount_decimal: 'x' }), AMOUNT],
  ];
  test.each(refused)('%s: %o', (field, price, reason) => {
    const refusal = { code: 'invalid_price', field, message: expect.stringContaining(reason) };
    expect(() => rate(price as Price, 1)).toThrow(expect.objectContaining(refusal));
  });

  test('is said without rating it, under the name that the caller gives it', () => {
    assertPrice(VOLUME);
    const call = () => assertPrice({ currency: 'USD' }, 'plans.pro.prices[0]');
    expect(call).toThrow(expect.objectContaining({ field: 'plans.pro.prices[0].currency' }));
    expect(() => assertPrice({ currency: 'USD' })).toThrow(
      expect.objectContaining({ field: 'price.currency' }),
    );
  });
});

describe('at the limits', () => {
  test('2⁵³ − 1 units can be rated, and 15 digits are a tier and a package', () => {
    const unit = { currency: 'usd', unit_amount_decimal: '1' };
    expect(rate(unit, Number.MAX_SAFE_INTEGER).amount).toBe(Number.MAX_SAFE_INTEGER);
    const whole = { ...unit, transform_quantity: { divide_by: 999_999_999_999_999, round: 'down' } } as const;
    expect(rate(whole, 999_999_999_999_999).amount).toBe(1);
    const tiers = [{ up_to: 999_999_999_999_999, unit_amount_decimal: '1' }, { up_to: 'inf' }] as const;
    expect(rate({ ...VOLUME, tiers }, 999_999_999_999_999).lines).toMatchObject([{ tier: 1 }]);
  });

  test('lines that are exact one by one and too large together are an error', () => {
    const tiers = [
      { up_to: 1, unit_amount_decimal: '9007199254740991' },
      { up_to: 'inf', unit_amount_decimal: '1' },
    ] as const;
    expect(rate({ ...GRADUATED, tiers }, 1).amount).toBe(Number.MAX_SAFE_INTEGER);
    const overflow = { code: 'amount_overflow', field: 'amount', value: '9007199254740992' };
    expect(() => rate({ ...GRADUATED, tiers }, 2)).toThrow(expect.objectContaining(overflow));
  });

  test('a quantity that cannot be rated is named, and why', () => {
    const refusal = {
      code: 'invalid_quantity',
      field: 'quantity',
      value: '-1',
      message: expect.stringContaining('The quantity to rate is not a whole number from 0.'),
    };
    expect(() => rate(VOLUME, -1)).toThrow(expect.objectContaining(refusal));
  });
});
