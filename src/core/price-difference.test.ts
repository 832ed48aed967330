import { describe, expect, test } from 'vitest';
import { differencesOf, intervalText, type PriceTerms } from './price-difference.ts';

const UNIT: PriceTerms = {
  currency: 'usd',
  unit_amount_decimal: '2',
  interval: 'month',
  interval_count: 1,
  event_name: 'credits',
};
const { unit_amount_decimal: _, ...BARE } = UNIT;
const TIERED: PriceTerms = {
  ...BARE,
  tiers_mode: 'volume',
  tiers: [
    { up_to: 10, unit_amount_decimal: '2' },
    { up_to: 'inf', unit_amount_decimal: '1.5', flat_amount_decimal: '5' },
  ],
};

describe('prices that bill the same do not differ', () => {
  const same: [PriceTerms, PriceTerms][] = [
    [UNIT, UNIT],
    [UNIT, { ...UNIT, billing_scheme: 'per_unit', unit_amount_decimal: '2.00' }],
    [UNIT, { ...UNIT, transform_quantity: { divide_by: 1, round: 'down' } }],
    [{ ...UNIT, unit_amount_decimal: '0' }, BARE],
    [TIERED, { ...TIERED, billing_scheme: 'tiered' }],
    [
      { ...BARE, tiers_mode: 'volume', tiers: [{ up_to: 'inf' }] },
      {
        ...BARE,
        tiers_mode: 'volume',
        tiers: [{ up_to: 'inf', unit_amount_decimal: '0', flat_amount_decimal: '0.0' }],
      },
    ],
  ];
  test.each(same)('%j and %j', (one, other) => {
    expect(differencesOf(one, other)).toEqual([]);
    expect(differencesOf(other, one)).toEqual([]);
  });
});

describe('amounts differ', () => {
  const tier = (more: object) => ({
    ...TIERED,
    tiers: [{ up_to: 10, unit_amount_decimal: '2', ...more }, ...(TIERED.tiers ?? []).slice(1)],
  });
  const other: [PriceTerms, PriceTerms][] = [
    [UNIT, { ...UNIT, unit_amount_decimal: '2.000000000001' }],
    [UNIT, { ...UNIT, transform_quantity: { divide_by: 10, round: 'up' } }],
    [
      { ...UNIT, transform_quantity: { divide_by: 10, round: 'down' } },
      { ...UNIT, transform_quantity: { divide_by: 10, round: 'up' } },
    ],
    [
      { ...UNIT, transform_quantity: { divide_by: 100, round: 'up' } },
      { ...UNIT, transform_quantity: { divide_by: 10, round: 'up' } },
    ],
    [TIERED, { ...TIERED, tiers_mode: 'graduated' }],
    [TIERED, UNIT],
    [TIERED, tier({ up_to: 11 })],
    [TIERED, tier({ unit_amount_decimal: '3' })],
    [TIERED, tier({ flat_amount_decimal: '1' })],
    [TIERED, { ...TIERED, tiers: [{ up_to: 'inf', unit_amount_decimal: '1.5', flat_amount_decimal: '5' }] }],
  ];
  test.each(other)('between %j and %j', (configured, at_stripe) => {
    expect(differencesOf(configured, at_stripe).map(({ field }) => field)).toEqual(['amounts']);
  });
});

test('each difference is told as people read it', () => {
  const at_stripe = {
    ...UNIT,
    currency: 'eur',
    interval: 'year',
    interval_count: 2,
    event_name: null,
  } as const;
  expect(differencesOf(UNIT, at_stripe)).toEqual([
    { field: 'currency', configured: 'usd', at_stripe: 'eur' },
    { field: 'interval', configured: 'month', at_stripe: '2 years' },
    { field: 'meter', configured: 'credits', at_stripe: 'licensed' },
  ]);
  expect(differencesOf(UNIT, { ...UNIT, unit_amount_decimal: '3' })).toEqual([
    { field: 'amounts', configured: '$0.02', at_stripe: '$0.03' },
  ]);
  expect(intervalText({ interval: null, interval_count: 1 })).toBe('once');
});
