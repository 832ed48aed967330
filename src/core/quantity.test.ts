import { expect, test } from 'vitest';
import { exactTotal, isReportable, MAX_QUANTITY, parseAdjustedQuantity, parseQuantity } from './quantity.ts';

test('a report holds 15 digits of either sign', () => {
  for (const total of [0, MAX_QUANTITY, -MAX_QUANTITY]) expect(isReportable(total)).toBe(true);
  for (const total of [MAX_QUANTITY + 1, -MAX_QUANTITY - 1, Infinity, Number.NaN]) {
    expect(isReportable(total)).toBe(false);
  }
});

test('a total is exact, from any kind of number, or it is an error', () => {
  expect(exactTotal(5n)).toBe(5);
  expect([exactTotal(2 ** 53 - 1), exactTotal(1n - 2n ** 53n)]).toEqual([2 ** 53 - 1, 1 - 2 ** 53]);
  for (const total of [2 ** 53, 2n ** 53n, -(2n ** 53n), 0.5]) {
    expect(() => exactTotal(total)).toThrow(
      expect.objectContaining({ code: 'quantity_overflow', field: 'quantity' }),
    );
  }
});

test('a number in a box is no quantity, whatever it compares as', () => {
  const boxed = Object(5);
  expect(() => parseQuantity(boxed)).toThrow(expect.objectContaining({ code: 'invalid_quantity' }));
  expect(() => parseAdjustedQuantity(boxed)).toThrow(expect.objectContaining({ code: 'invalid_quantity' }));
});
