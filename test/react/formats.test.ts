import { describe, expect, test } from 'vitest';
import type { CostResult, Price } from '../../src/client/index.ts';
import { minorDigitsOf as minorDigitsOfServer } from '../../src/core/currency.ts';
import { daysOfLastUsed, lastUsed, placeBars } from '../../src/react/bars.ts';
import { minorDigitsOf } from '../../src/react/currency.ts';
import { directionOf } from '../../src/react/direction.ts';
import { createFormats } from '../../src/react/formats.ts';
import { scaleOf, tiersOf } from '../../src/react/index.ts';
import { includedBy } from '../../src/react/tiers.ts';

const spaces = (text: string) => text.replaceAll(/[\u00a0\u202f\u2009]/g, ' ');

describe('money', () => {
  test.for([
    ['en', '1.5', 'usd', '$0.015'],
    ['en', '0.0001', 'usd', '$0.000001'],
    ['en', '-250', 'usd', '-$2.50'],
    ['en', '90071992547409.93', 'usd', '$900,719,925,474.0993'],
    ['en', '900719925474099312', 'usd', '$9,007,199,254,740,993.12'],
    ['de', '123456', 'eur', '1.234,56 €'],
    ['ja', '128000', 'jpy', '￥128,000'],
    ['en', '12345', 'kwd', 'KWD 12.345'],
    ['hu', '150000', 'huf', '1500 Ft'],
    ['hu', '150050', 'huf', '1500,50 Ft'],
    ['is', '1250000', 'isk', '12.500 kr.'],
    ['en', '500', 'ugx', 'UGX 5'],
    ['en', '0.5', 'ugx', 'UGX 0.005'],
  ] as const)('%s: %s minor units of %s are %s, exactly', ([locale, minor, currency, text]) => {
    expect(spaces(createFormats(locale, 'UTC').money(minor, currency))).toBe(text);
  });

  test('keeps the letters and the sign of a currency together where writing runs from right to left', () => {
    expect(createFormats('ar', 'UTC').money(6_687, 'usd')).toContain('US$\u200e');
    expect(createFormats('ar-EG', 'UTC').money(6_687, 'cad')).toContain('CA$\u200e');
    expect(createFormats('en-GB', 'UTC').money(6_687, 'usd')).not.toContain('\u200e');
  });

  test('has the minor units that the server counts in', () => {
    for (const currency of Intl.supportedValuesOf('currency')) {
      expect([currency, minorDigitsOf(currency)]).toEqual([currency, minorDigitsOfServer(currency)]);
      expect(minorDigitsOf(currency.toLowerCase())).toBe(minorDigitsOf(currency));
    }
  });
});

test('a period ends on its last day, in the time zone that is asked for', () => {
  const [start, end] = ['2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z'];
  expect(spaces(createFormats('en', 'UTC').period(start, end))).toBe('Oct 1 – 31, 2026');
  expect(spaces(createFormats('en', 'Asia/Tokyo').period(start, end))).toBe('Oct 1 – Nov 1, 2026');
});

test.for([
  ['ar ar-EG fa he iw ckb ks ur az-Arab pa-Arab ku-Arab yi dv ps sd ug nqo', 'rtl'],
  ['en de-AT ja ku ur-Latn az pa zh-Hant', 'ltr'],
] as const)('%s are written %s', ([locales, dir]) => {
  for (const locale of locales.split(' ')) expect([locale, directionOf(locale)]).toEqual([locale, dir]);
});

const VOLUME: Price = {
  currency: 'usd',
  tiers_mode: 'volume',
  tiers: [
    { up_to: 1_000, unit_amount_decimal: '2' },
    { up_to: 'inf', unit_amount_decimal: '1.5' },
  ],
};

describe('tiers', () => {
  test.for([
    [0, 1],
    [1, 1],
    [1_000, 1],
    [1_001, 1_001],
  ])('%i units are in the tier that begins with %i', ([quantity = 0, first]) => {
    const current = tiersOf(VOLUME, quantity).filter(({ is_current }) => is_current);
    expect(current.map((step) => step.first)).toEqual([first]);
  });

  test('usage is measured against the limit, what is included, or the next price', () => {
    const cost: CostResult = {
      account: 'a',
      meter: 'credits',
      plan: 'pro',
      period_start: '2026-10-01T00:00:00.000Z',
      period_end: '2026-11-01T00:00:00.000Z',
      quantity: 5,
      limit: null,
      cost: null,
      price: VOLUME,
      change: null,
    };
    const included: Price = {
      ...VOLUME,
      tiers_mode: 'graduated',
      tiers: [{ up_to: 100 }, { up_to: 'inf', unit_amount_decimal: '1' }],
    };
    expect(scaleOf({ ...cost, limit: 50 })).toEqual({ kind: 'limit', quantity: 50 });
    expect(scaleOf({ ...cost, price: included, quantity: 700 })).toEqual({
      kind: 'allowance',
      quantity: 100,
    });
    expect(scaleOf(cost)).toEqual({ kind: 'tier', quantity: 1_000 });
    expect(scaleOf({ ...cost, quantity: 1_001 })).toBeNull();
    expect(scaleOf({ ...cost, price: null })).toBeNull();
  });

  test('a free first tier is included where later units leave it free, and not by volume', () => {
    const tiers: Price['tiers'] = [{ up_to: 100 }, { up_to: 'inf', unit_amount_decimal: '1' }];
    expect(includedBy({ ...VOLUME, tiers_mode: 'graduated', tiers })).toBe(100);
    expect(includedBy({ ...VOLUME, tiers })).toBeNull();
    expect(includedBy({ ...VOLUME, tiers_mode: 'graduated' })).toBeNull();
    expect(includedBy(null)).toBeNull();
  });
});

describe('bars', () => {
  const windowsOf = (...quantities: number[]) =>
    quantities.map((quantity, hour) => ({
      start: new Date(hour * 3_600_000).toISOString(),
      end: new Date((hour + 1) * 3_600_000).toISOString(),
      quantity,
    }));

  test('are as high as their share of a round number, a little seen and a correction not', () => {
    const { bars, top } = placeBars(windowsOf(700, 1, 0, -5), false);
    expect(top).toBe(800);
    expect(bars.map(({ height }) => height)).toEqual(['87.5%', '1.5%', '0%', '0%']);
  });

  test('run from right to left where writing does', () => {
    const { bars } = placeBars(windowsOf(1, 2), true);
    expect(bars.map(({ hit_x }) => hit_x)).toEqual(['50%', '0%']);
  });

  test('the hours of a year are asked for around the last day with usage, within the billing period', () => {
    const day = (index: number) => new Date(Date.UTC(2026, 0, 1 + index)).toISOString();
    const [period_start, period_end] = ['2026-01-01T12:00:00.000Z', '2027-01-01T12:00:00.000Z'];
    const yearOf = (...used: number[]) => ({
      account: 'a',
      meter: 'credits',
      window: 'day' as const,
      time_zone: 'UTC',
      period_start,
      period_end,
      quantity: used.length,
      windows: Array.from({ length: 366 }, (_, index) => ({
        start: day(index),
        end: day(index + 1),
        quantity: used.includes(index) ? 1 : 0,
      })),
    });
    const rangeOf = (hours: number, ...used: number[]) => {
      const range = daysOfLastUsed(yearOf(...used), hours);
      return [range.period_start, range.period_end];
    };
    expect(rangeOf(24, 3, 200)).toEqual([day(199), day(201)]);
    expect(rangeOf(24, 365)).toEqual([day(364), period_end]);
    expect(rangeOf(24, 0)).toEqual([period_start, day(2)]);
    expect(rangeOf(48)).toEqual([period_start, day(3)]);
    expect(rangeOf(100_000, 200)).toEqual([day(161), day(201)]);
    expect(daysOfLastUsed({ ...yearOf(), windows: [] }, 24)).toEqual({ period_start, period_end });
  });

  test('the last hours end with the last one in which something was used, and add up', () => {
    const windows = windowsOf(9, 1, 2, 3, 0, 0);
    const usage = {
      account: 'a',
      meter: 'credits',
      window: 'hour' as const,
      time_zone: 'UTC',
      period_start: '1970-01-01T00:00:00.000Z',
      period_end: '1970-01-01T06:00:00.000Z',
      quantity: 15,
      windows,
    };
    expect(lastUsed(usage, 3)).toMatchObject({
      quantity: 6,
      period_start: '1970-01-01T01:00:00.000Z',
      period_end: '1970-01-01T04:00:00.000Z',
    });
    expect(lastUsed({ ...usage, windows: windowsOf(0, 0, 0, 0) }, 3).windows).toHaveLength(3);
  });
});
