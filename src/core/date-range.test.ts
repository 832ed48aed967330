import { describe, expect, test } from 'vitest';
import { parseMonth, parseRange } from './date-range.ts';
import { DAY_MS } from './instant.ts';

const refusal = (field: string, reason: string) =>
  expect.objectContaining({ code: 'invalid_period', field, message: expect.stringContaining(reason) });

describe('a range', () => {
  test('is two dates, the second exclusive, or none', () => {
    expect(parseRange('2026-10-10', '2026-11-11')).toEqual({
      start: Date.UTC(2026, 9, 10),
      end: Date.UTC(2026, 10, 11),
    });
    expect(parseRange(undefined, undefined)).toBeNull();
  });

  test('of one date is refused, naming the other', () => {
    expect(() => parseRange('2026-10-10', undefined)).toThrow(refusal('period_end', 'two dates'));
    expect(() => parseRange(undefined, '2026-10-10')).toThrow(refusal('period_start', 'two dates'));
  });

  test.each(['2026-10-10', '2026-10-09'])('that ends on %s, not after its start, is refused', (end) => {
    expect(() => parseRange('2026-10-10', end)).toThrow(
      refusal('period_end', 'It is not after period_start.'),
    );
    expect(() => parseRange('2026-10-10', end)).toThrow(end);
  });

  test('is as long as 100 years, and no longer', () => {
    const start = new Date(Date.UTC(1990, 0, 1));
    const end = (days: number) => new Date(start.getTime() + days * DAY_MS);
    expect(parseRange(start, end(36_525))?.end).toBe(end(36_525).getTime());
    const longer = new Date(end(36_525).getTime() + 1);
    expect(() => parseRange(start, longer)).toThrow(refusal('period_end', 'The range is over 100 years.'));
    expect(() => parseRange(start, longer)).toThrow(longer.toISOString());
  });
});

describe('a month', () => {
  test.each([
    ['2026-01', Date.UTC(2026, 0), Date.UTC(2026, 1)],
    ['2026-09', Date.UTC(2026, 8), Date.UTC(2026, 9)],
    ['2026-10', Date.UTC(2026, 9), Date.UTC(2026, 10)],
    ['2026-12', Date.UTC(2026, 11), Date.UTC(2027, 0)],
  ])('%s is all of it in UTC', (month, start, end) => {
    expect(parseMonth(month)).toEqual({ start, end });
  });

  test.each(['2026-00', '2026-13', '2026-1', '26-10', 'x2026-10', '2026-10x', '2026-10-10', 'abcd-10', ''])(
    '%j is none',
    (month) => {
      expect(() => parseMonth(month)).toThrow(refusal('period', "A month is written '2026-10'."));
      expect(() => parseMonth(month)).toThrow(JSON.stringify(month));
    },
  );

  test('before 1970 is refused as every date is', () => {
    expect(() => parseMonth('1969-12')).toThrow(refusal('period', '"1969-12-01"'));
  });
});
