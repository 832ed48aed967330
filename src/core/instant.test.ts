import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from './errors.ts';
import {
  daysInMonth,
  durationText,
  floorToSecond,
  formatInstant,
  parseInstant,
  startOfMonth,
} from './instant.ts';

const parse = (value: unknown) => parseInstant(value, 'period_start', 'invalid_period');

function isRefused(value: unknown): boolean {
  try {
    parse(value);
    return false;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error).toMatchObject({ code: 'invalid_period', field: 'period_start' });
    return true;
  }
}

describe('instants', () => {
  test.each([
    ['2026-10-10', '2026-10-10T00:00:00.000Z'],
    ['2026-10-10T00:00Z', '2026-10-10T00:00:00.000Z'],
    ['2026-10-10T23:59:59Z', '2026-10-10T23:59:59.000Z'],
    ['2026-10-10T10:20:30.5Z', '2026-10-10T10:20:30.500Z'],
    ['2026-10-10T10:20:30.05Z', '2026-10-10T10:20:30.050Z'],
    ['2026-10-10T10:20:30.123999999Z', '2026-10-10T10:20:30.123Z'],
    ['2026-10-10T10:20:30+05:45', '2026-10-10T04:35:30.000Z'],
    ['2026-10-10T10:20:30-03:30', '2026-10-10T13:50:30.000Z'],
    ['2026-10-10T10:20+14:00', '2026-10-09T20:20:00.000Z'],
    ['2026-10-10T10:20-00:59', '2026-10-10T11:19:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['2026-01-01', '2026-01-01T00:00:00.000Z'],
    ['2026-12-31', '2026-12-31T00:00:00.000Z'],
    ['1970-01-01', '1970-01-01T00:00:00.000Z'],
    ['2999-12-31T23:59:59.999Z', '2999-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, instant) => {
    expect(formatInstant(parse(text))).toBe(instant);
  });

  test.each([
    '2025-02-29',
    '2026-00-10',
    '2026-13-10',
    '2026-04-31',
    '2026-10-00',
    '2026-10-32',
    '2026-10-10T24:00Z',
    '2026-10-10T10:60Z',
    '2026-10-10T10:20:60Z',
    '2026-10-10T10:20',
    '2026-10-10T10:20+15:00',
    '2026-10-10T10:20+10:60',
    '2026-10-10T10:20:30.1234567890Z',
    '2026-10-10T10:20:30.Z',
    '2026-10-10Z',
    'x2026-10-10',
    '2026-10-10x',
    '2026-10-10T10:20Zx',
    '1969-12-31T23:59:59.999Z',
    '3000-01-01',
    '0000-01-01',
    '',
  ])('%s is refused', (text) => {
    expect(isRefused(text)).toBe(true);
  });

  test('that are no text and no Date are refused, also where their text would do', () => {
    const values = [0, 1_772_366_400_000, null, undefined, {}, ['2026-10-10'], new String('2026-10-10')];
    for (const value of values) expect(isRefused(value)).toBe(true);
  });

  test('are taken from Dates between 1970 and 3000', () => {
    for (const instant of [0, Date.UTC(3000, 0, 1) - 1]) expect(parse(new Date(instant))).toBe(instant);
    for (const instant of [-1, Date.UTC(3000, 0, 1), Number.NaN])
      expect(isRefused(new Date(instant))).toBe(true);
  });

  test('come back from how results show them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(3000, 0, 1) - 1 }), (instant) => {
        expect(parse(formatInstant(instant))).toBe(instant);
      }),
    );
  });
});

describe('months', () => {
  test('begin at UTC midnight of the 1st, any number of them later or earlier', () => {
    const instant = Date.UTC(2026, 10, 22, 23, 59, 59, 999);
    expect(
      [-11, -1, 0, 1, 2, 14].map((months) => formatInstant(startOfMonth(instant, months)).slice(0, 19)),
    ).toEqual([
      '2025-12-01T00:00:00',
      '2026-10-01T00:00:00',
      '2026-11-01T00:00:00',
      '2026-12-01T00:00:00',
      '2027-01-01T00:00:00',
      '2028-01-01T00:00:00',
    ]);
  });

  test('have their days, in leap years and past the end of a year as well', () => {
    expect(Array.from({ length: 12 }, (_, index) => daysInMonth(2026, index))).toEqual([
      31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    ]);
    expect([daysInMonth(2028, 1), daysInMonth(2100, 1), daysInMonth(2000, 1), daysInMonth(2027, 13)]).toEqual(
      [29, 28, 29, 29],
    );
  });
});

test('a whole second is the one at or before the instant', () => {
  expect([0, 999, 1_000, 1_001, -1].map(floorToSecond)).toEqual([0, 0, 1_000, 1_000, -1_000]);
});

test.each([
  [61_000, '61 s'],
  [119_999, '120 s'],
  [120_000, '2 minutes'],
  [90 * 60_000, '90 minutes'],
  [2 * 3_600_000, '2 hours'],
  [47 * 3_600_000, '47 hours'],
  [2_519_848_000, '29 days'],
])('%i ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
