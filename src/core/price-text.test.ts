import { expect, test } from 'vitest';
import { changeText, termsText } from './catalogue-text.ts';
import type { Price } from './price.ts';
import { priceText } from './price-text.ts';
import { bareKey, commentText, literal } from './source-text.ts';

const TEXTS: [Price, string][] = [
  [{ currency: 'usd', unit_amount_decimal: '1.5' }, '$0.015'],
  [{ currency: 'jpy', unit_amount_decimal: '100' }, '¥100'],
  [
    { currency: 'usd', unit_amount_decimal: '100', transform_quantity: { divide_by: 1_000, round: 'down' } },
    '$1.00 per 1,000, rounded down',
  ],
  [
    { currency: 'usd', tiers_mode: 'volume', tiers: [{ up_to: 'inf', unit_amount_decimal: '2' }] },
    '$0.02 (volume)',
  ],
  [
    {
      currency: 'usd',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 1_000, unit_amount_decimal: '2' },
        { up_to: 'inf', flat_amount_decimal: '500' },
      ],
    },
    '$0.02 up to 1,000, $0.00 + $5.00 once above (graduated)',
  ],
];

test.each(TEXTS)('%j reads %s', (price, text) => {
  expect(priceText(price)).toBe(text);
});

test('what a price bills is told with its interval', () => {
  const price = { currency: 'usd', unit_amount_decimal: '1' };
  expect(termsText({ ...price, interval: 'month', interval_count: 3, event_name: null })).toBe(
    '$0.01, by 3 months',
  );
  expect(termsText({ ...price, interval: null, interval_count: 1, event_name: null })).toBe('$0.01, once');
  expect(
    changeText({
      change: 'deactivate_price',
      plan: 'a',
      stripe_price: 'price_1',
      lookup_key: null,
      terms: { ...price, interval: 'day', interval_count: 1, event_name: 'x' },
    }),
  ).toContain('price_1');
});

test('values are written as source that means them', () => {
  expect(literal({ up_to: 'inf', 'a-b': [1, null, true] })).toBe("{ up_to: 'inf', 'a-b': [1, null, true] }");
  for (const text of ["it's", '"', '\\', '\n', '`$\u007bx}`', '\u2028', '\u202e', "\\'"]) {
    const written = literal(text);
    expect(written).toMatch(/^'[^\n\u2028\u202e]*'$/);
    // What is written is run as source elsewhere; here its escapes are undone.
    expect(
      JSON.parse(
        `"${written
          .slice(1, -1)
          .replaceAll("\\'", "'")
          .replaceAll(/(?<!\\)"/g, '\\"')
          .replaceAll(/\\u\{(\w+)\}/g, '\\u$1')}"`,
      ),
    ).toBe(text);
  }
  expect([bareKey('pro'), bareKey('team.v2')]).toEqual(['pro', "'team.v2'"]);
  expect(commentText('a\n\u2028\u202eb')).toBe('a b');
});
