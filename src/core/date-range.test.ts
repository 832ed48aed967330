import { expect, test } from 'vitest';
import { parseMonth, parseRange } from './date-range.ts';

const refusal = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('It was not refused.');
};

test('a month is a UTC month, also in December and in February of a leap year', () => {
  expect(parseMonth('2026-12')).toEqual({ start: Date.UTC(2026, 11, 1), end: Date.UTC(2027, 0, 1) });
  expect(parseMonth('2028-02')).toEqual({ start: Date.UTC(2028, 1, 1), end: Date.UTC(2028, 2, 1) });
});

test.each(['2026-00', '2026-13', '2026-1', '26-01', '2026-01-01', ' 2026-01', '2026', '', '1969-12'])(
  '%j is no month',
  (month) => {
    expect(refusal(() => parseMonth(month))).toMatchObject({ code: 'invalid_period' });
  },
);

test('two dates are a range, none is none, and one is refused', () => {
  expect(parseRange('2026-01-01', '2026-01-02')).toEqual({
    start: Date.UTC(2026, 0, 1),
    end: Date.UTC(2026, 0, 2),
  });
  expect(parseRange(undefined, undefined)).toBeNull();
  expect(refusal(() => parseRange('2026-01-01', undefined))).toMatchObject({ field: 'period_end' });
  expect(refusal(() => parseRange(undefined, '2026-01-01'))).toMatchObject({ field: 'period_start' });
});

test('a range ends after it starts, within 100 years', () => {
  const refused = { code: 'invalid_period', field: 'period_end' };
  expect(refusal(() => parseRange('2026-01-01', '2026-01-01'))).toMatchObject(refused);
  expect(refusal(() => parseRange('2026-01-01', '2126-01-03'))).toMatchObject(refused);
  expect(parseRange('2026-01-01', '2126-01-02')).not.toBeNull();
});
