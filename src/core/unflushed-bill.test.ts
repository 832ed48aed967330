import { expect, test } from 'vitest';
import type { Price } from './price.ts';
import { billKeyOf, describeBill } from './unflushed-bill.ts';

const period = { start: Date.UTC(2026, 0, 10, 12), end: Date.UTC(2026, 0, 12, 9) };
const price: Price = { currency: 'usd', unit_amount_decimal: '2' };
const whole = { meter: 'credits', period, price, counted: 1_070, quantity: 1_070, amount: 2_140 };

test('a customer reads the meter, the quantity, the time and the price', () => {
  expect(describeBill(whole)).toBe(
    'credits: 1,070 used 2026-01-10 to 2026-01-12 (UTC), at the price of that time: 1,070 × $0.02 = $21.40',
  );
  const end = Date.UTC(2026, 0, 10, 13, 30);
  expect(describeBill({ ...whole, period: { ...period, end } })).toContain(
    'used on 2026-01-10, 12:00 to 13:30 (UTC), at',
  );
});

test('and what was billed before, where something was', () => {
  expect(describeBill({ ...whole, quantity: 70, amount: 140 })).toBe(
    'credits: 70 of 1,070 used 2026-01-10 to 2026-01-12 (UTC), at the price of that time: 1,070 × $0.02 = $21.40, less $20.00 billed before',
  );
});

test('packages are told by the units that are in them', () => {
  const packages: Price = { ...price, transform_quantity: { divide_by: 100, round: 'up' } };
  expect(describeBill({ ...whole, price: packages, quantity: null, amount: 22 })).toBe(
    'credits: 1,070 used 2026-01-10 to 2026-01-12 (UTC), at the price of that time: 11 × $0.02 = $0.22',
  );
});

test('a price of many tiers is told by its total, which Stripe has room for', () => {
  const tiersOf = (count: number): Price => ({
    currency: 'usd',
    tiers_mode: 'graduated',
    tiers: Array.from({ length: count }, (_, index) => ({
      up_to: index === count - 1 ? 'inf' : (index + 1) * 10,
      unit_amount_decimal: String(index + 1),
    })),
  });
  const four = describeBill({ ...whole, price: tiersOf(4), counted: 40, quantity: 40, amount: 100 });
  expect(four).toContain('10 × $0.01 = $0.10 (tier 1, up to 10) + 10 × $0.02 = $0.20 (tier 2, up to 20) + ');
  const five = describeBill({ ...whole, price: tiersOf(5), counted: 50, quantity: 50, amount: 150 });
  expect(five).toMatch(/at the price of that time: \$1\.50$/);
  for (const text of [four, five]) expect(text.length).toBeLessThanOrEqual(500);
});

test('every bill has a key of its own', () => {
  const scope = { account_id: 'a', meter: 'credits', period_start: period.start, bill_id: 1 };
  const others = [{ account_id: 'b' }, { meter: 'tokens' }, { period_start: period.end }, { bill_id: 2 }];
  const keys = [{}, ...others].map((other) => billKeyOf({ ...scope, ...other }, (text) => `<${text}>`));
  expect(new Set(keys).size).toBe(5);
  expect(keys[0]).toMatch(/^tbb_</);
});
