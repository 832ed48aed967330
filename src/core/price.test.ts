import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publishedFile } from '../../test/support/published.ts';
import { type Price, rate } from './price.ts';

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
