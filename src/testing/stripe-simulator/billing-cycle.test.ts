import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BillingInterval, boundary, boundaryAfter } from './billing-cycle.ts';

const seconds = (iso: string) => Date.parse(iso) / 1000;
const iso = (time_s: number) => new Date(time_s * 1000).toISOString();
const MONTHLY: BillingInterval = { interval: 'month', interval_count: 1 };

test('an anchor on the 31st clamps to short months and returns to the 31st', () => {
  let time = seconds('2028-01-31T10:30:00Z');
  const anchor = time;
  const days = Array.from({ length: 5 }, () => {
    time = boundaryAfter(anchor, MONTHLY, time);
    return iso(time);
  });
  expect(days).toEqual([
    '2028-02-29T10:30:00.000Z',
    '2028-03-31T10:30:00.000Z',
    '2028-04-30T10:30:00.000Z',
    '2028-05-31T10:30:00.000Z',
    '2028-06-30T10:30:00.000Z',
  ]);
});

test('a yearly anchor on 29 February falls on the 28th of other years', () => {
  const anchor = seconds('2028-02-29T00:00:00Z');
  const yearly: BillingInterval = { interval: 'year', interval_count: 1 };
  expect(iso(boundaryAfter(anchor, yearly, anchor))).toBe('2029-02-28T00:00:00.000Z');
  expect(iso(boundary(anchor, yearly, 4))).toBe('2032-02-29T00:00:00.000Z');
});

test('every instant lies in exactly one period, wherever the anchor lies', () => {
  const interval = fc.constantFrom<BillingInterval['interval']>('day', 'week', 'month', 'year');
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_000_000_000 }),
      fc.integer({ min: 0, max: 4_000_000_000 }),
      interval,
      fc.integer({ min: 1, max: 12 }),
      (anchor, now, unit, interval_count) => {
        const every = { interval: unit, interval_count };
        const end = boundaryAfter(anchor, every, now);
        expect(end).toBeGreaterThan(now);
        // One second before the boundary it is still the next one; at the boundary it is the one after.
        expect(boundaryAfter(anchor, every, end - 1)).toBe(end);
        expect(boundaryAfter(anchor, every, end)).toBeGreaterThan(end);
      },
    ),
  );
});
