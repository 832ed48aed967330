import { expect, test } from 'vitest';
import { describeLines, formatMoney } from './money.ts';
import { rate } from './price.ts';

test.for([
  ['3000', 'usd', '$30.00'],
  ['1.5', 'usd', '$0.015'],
  ['0.0015', 'usd', '$0.000015'],
  ['0', 'eur', '€0.00'],
  ['-250', 'usd', '-$2.50'],
  ['1500', 'jpy', '¥1,500'],
  ['0.5', 'jpy', '¥0.5'],
  ['1500', 'kwd', 'KWD 1.500'],
  ['150000', 'huf', 'HUF 1,500'],
  ['150050', 'huf', 'HUF 1,500.50'],
  ['1.5', 'huf', 'HUF 0.015'],
  ['500', 'isk', 'ISK 5'],
  ['500', 'ugx', 'UGX 5'],
  ['9007199254740993', 'usd', '$90,071,992,547,409.93'],
  ['0.000000000001', 'usd', '$0.00000000000001'],
])('%s minor units of %s are %s', ([minor, currency, text]) => {
  expect(formatMoney(minor ?? '', currency ?? '').replaceAll('\u00A0', ' ')).toBe(text);
});

test('the lines of a cost name the units, the price and the tier', () => {
  const price = {
    currency: 'usd',
    tiers_mode: 'graduated',
    tiers: [
      { up_to: 1_000, unit_amount_decimal: '2', flat_amount_decimal: '500' },
      { up_to: 'inf', unit_amount_decimal: '1.5' },
    ],
  } as const;
  expect(describeLines(rate(price, 1_200))).toEqual([
    '1,000 × $0.02 = $20.00 (tier 1, up to 1,000)',
    'flat fee = $5.00 (tier 1, up to 1,000)',
    '200 × $0.015 = $3.00 (tier 2)',
  ]);
});
