import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './instant.ts';
import type { SlotUse } from './store.ts';
import {
  acceptedQuantity,
  divisionOf,
  findingsOf,
  type StripeReading,
  wholeMinutes,
} from './stripe-count.ts';

const NOW = Date.UTC(2026, 0, 20, 12);
const MINUTE = { start: NOW - DAY_MS, end: NOW - DAY_MS + MINUTE_MS };

/** Reports stamped in one minute, `reported` so long ago; null = sent, and its answer was lost. */
function usesOf(...reports: readonly (readonly [quantity: number, reported: number | null])[]): SlotUse[] {
  return reports.map(([quantity, reported], index) => ({
    account_id: 'a',
    report_id: index + 1,
    slot: MINUTE.start,
    quantity,
    status: reported === null ? 'sending' : 'reported',
    reported_at: reported === null ? null : NOW - reported,
    verified_at: null,
  }));
}

const findings = (counted: number, uses: readonly SlotUse[]) =>
  findingsOf({ range: MINUTE, counted, uses }, NOW).map(({ finding, excess }) => [finding, excess]);

describe('a report of corrections', () => {
  test('that is not counted yet leaves the count too high, which nobody else has caused', () => {
    expect(findings(0, usesOf([-5, DAY_MS - 1]))).toEqual([['pending', 5]]);
    expect(findings(10, usesOf([10, 1], [-5, 1]))).toEqual([['pending', 5]]);
    expect(findings(0, usesOf([-5, DAY_MS]))).toEqual([['not_counted', 5]]);
  });

  test('leaves the count too low where only what it corrects is missing', () => {
    expect(findings(-5, usesOf([10, 1], [-5, 1]))).toEqual([['pending', -10]]);
    expect(findings(-5, usesOf([10, DAY_MS], [-5, DAY_MS]))).toEqual([['not_counted', -10]]);
    expect(findings(0, usesOf([10, DAY_MS], [-5, DAY_MS]))).toEqual([['not_counted', -5]]);
  });

  test('that is counted and not known to be accepted is unconfirmed', () => {
    expect(findings(-5, usesOf([-5, null]))).toEqual([['unconfirmed', -5]]);
    expect(findings(5, usesOf([5, null]))).toEqual([['unconfirmed', 5]]);
  });

  test('explains no other difference than its own', () => {
    expect(findings(3, usesOf([-5, 1]))).toEqual([['foreign_writer', 8]]);
    expect(findings(-8, usesOf([-5, 1]))).toEqual([['not_counted', -3]]);
    expect(findings(-5, usesOf([-5, 1]))).toEqual([]);
    // One that may not have been accepted is missing nowhere.
    expect(findings(15, usesOf([10, 1], [-5, null]))).toEqual([['foreign_writer', 5]]);
  });
});

describe('what a minute says', () => {
  test('where nobody is stamped, or more was counted than anybody explains: another writer', () => {
    expect(findings(3, [])).toEqual([['foreign_writer', 3]]);
    expect(findings(8, usesOf([5, null]))).toEqual([
      ['unconfirmed', 5],
      ['foreign_writer', 3],
    ]);
    expect(findings(2, usesOf([5, null]))).toEqual([['foreign_writer', 2]]);
    expect(findings(9, usesOf([5, 1]))).toEqual([['foreign_writer', 4]]);
  });

  test('of twelve reports tells them apart, of more only all of them', () => {
    const powers = Array.from({ length: 12 }, (_, index) => [2 ** index, null] as const);
    expect(findings(2 + 8, usesOf(...powers))).toEqual([['unconfirmed', 10]]);
    const more = usesOf(...powers, [2 ** 12, null]);
    expect(findings(2 + 8, more)).toEqual([['foreign_writer', 10]]);
    expect(findings(2 ** 13 - 1, more)).toEqual([['unconfirmed', 2 ** 13 - 1]]);
    const corrections = usesOf(...Array.from({ length: 13 }, () => [-1, null] as const));
    expect(findings(-13, corrections)).toEqual([['unconfirmed', -13]]);
    expect(findings(-2, corrections)).toEqual([['not_counted', -2]]);
  });

  test('a longer reading says only that there is something', () => {
    const range = { start: MINUTE.start, end: MINUTE.end + MINUTE_MS };
    expect(findingsOf({ range, counted: 9, uses: usesOf([5, 1]) }, NOW)).toEqual([
      { finding: 'unexplained', excess: 4 },
    ]);
    expect(findingsOf({ range, counted: 5, uses: usesOf([5, 1]) }, NOW)).toEqual([]);
  });
});

describe('a reading that differs is divided', () => {
  const hour = { start: MINUTE.start, end: MINUTE.start + 60 * MINUTE_MS };
  const stampedAt = (...minutes: readonly number[]) =>
    usesOf(...minutes.map(() => [1, 1] as const)).map((use, index) => ({
      ...use,
      slot: hour.start + (minutes[index] ?? 0) * MINUTE_MS + MINUTE_MS / 2,
    }));
  const minuteOfDivision = (counted: number, ...minutes: readonly number[]) => {
    const at = divisionOf({ range: hour, counted, uses: stampedAt(...minutes) });
    return at === null ? null : (at - hour.start) / MINUTE_MS;
  };

  test('at the middle one of the minutes that hold reports, in whatever order they come', () => {
    expect(minuteOfDivision(0, 40, 5, 9)).toBe(9);
    expect(minuteOfDivision(0, 9, 5, 40, 9, 9)).toBe(9);
    expect(minuteOfDivision(0, 30)).toBe(30);
  });

  test('after its first minute where that is the one', () => {
    expect(minuteOfDivision(0, 0)).toBe(1);
  });

  test('only where that helps', () => {
    expect(minuteOfDivision(2, 5, 9)).toBeNull();
    expect(minuteOfDivision(5)).toBeNull();
    expect(divisionOf({ range: MINUTE, counted: 9, uses: usesOf([5, 1]) })).toBeNull();
  });
});

test('Stripe is asked about the whole minutes around a period', () => {
  const around = { start: MINUTE.start, end: MINUTE.end };
  expect(wholeMinutes(MINUTE)).toEqual(around);
  expect(wholeMinutes({ start: MINUTE.start + 1, end: MINUTE.end - 1 })).toEqual(around);
});

const START = Date.UTC(2026, 0, 10, 12);
const DAY = { start: START, end: START + DAY_MS };

/** A report in the middle of the n-th minute. */
function useAt(minute: number, quantity: number, fields: Partial<SlotUse> = {}): SlotUse {
  return {
    account_id: 'a',
    report_id: minute + 1,
    slot: START + minute * MINUTE_MS + MINUTE_MS / 2,
    quantity,
    status: 'reported',
    reported_at: START,
    verified_at: null,
    ...fields,
  };
}

/** Divides until nothing is left to divide, as whoever reads Stripe does. */
function divided(reading: StripeReading, counts: readonly number[]): StripeReading[] {
  const at = divisionOf(reading);
  if (at === null) return [reading];
  const { range, uses } = reading;
  const part = (start: number, end: number): StripeReading => ({
    range: { start, end },
    counted: countedIn(counts, start, end),
    uses: uses.filter(({ slot }) => slot >= start && slot < end),
  });
  return [...divided(part(range.start, at), counts), ...divided(part(at, range.end), counts)];
}

/** What was counted, minute by minute from the start. */
function countedIn(counts: readonly number[], start: number, end: number): number {
  return counts
    .filter((_, minute) => START + minute * MINUTE_MS >= start && START + minute * MINUTE_MS < end)
    .reduce((sum, count) => sum + count, 0);
}

test('only what Stripe accepted is expected to be counted', () => {
  const uses = [useAt(1, 70), useAt(2, 5, { status: 'sending' }), useAt(3, 3, { status: 'held' })];
  expect(acceptedQuantity(uses)).toBe(70);
});

test('whole minutes surround a period', () => {
  const period = { start: START + 1, end: START + HOUR_MS + 1 };
  expect(wholeMinutes(period)).toEqual({ start: START, end: START + HOUR_MS + MINUTE_MS });
  expect(wholeMinutes(DAY)).toEqual(DAY);
});

test('a range that agrees, or holds no report, or is one minute is not divided', () => {
  const minute = { start: START, end: START + MINUTE_MS };
  expect(divisionOf({ range: DAY, counted: 70, uses: [useAt(1, 70)] })).toBeNull();
  expect(divisionOf({ range: DAY, counted: 70, uses: [] })).toBeNull();
  expect(divisionOf({ range: minute, counted: 71, uses: [useAt(0, 70)] })).toBeNull();
});

test('a range with one report is divided at both ends of its minute', () => {
  const uses = [useAt(10, 70)];
  expect(divisionOf({ range: DAY, counted: 0, uses })).toBe(START + 10 * MINUTE_MS);
  const fromMinute = { start: START + 10 * MINUTE_MS, end: DAY.end };
  expect(divisionOf({ range: fromMinute, counted: 0, uses })).toBe(START + 11 * MINUTE_MS);
});

test('dividing ends with minutes and with time between reports, and loses nothing', () => {
  const perMinute = fc.record({
    quantity: fc.nat(3),
    isReport: fc.boolean(),
    extra: fc.constantFrom(0, 0, 0, -1, 2),
  });
  fc.assert(
    fc.property(fc.array(perMinute, { minLength: 1, maxLength: 40 }), (minutes) => {
      const uses = minutes.flatMap(({ quantity, isReport }, minute) =>
        isReport ? [useAt(minute, quantity)] : [],
      );
      const counts = minutes.map(({ quantity, isReport, extra }) => (isReport ? quantity : 0) + extra);
      const range = { start: START, end: START + minutes.length * MINUTE_MS };
      const whole = { range, counted: countedIn(counts, range.start, range.end), uses };
      const parts = divided(whole, counts);
      expect(parts[0]?.range.start).toBe(range.start);
      expect(parts.at(-1)?.range.end).toBe(range.end);
      for (const [index, part] of parts.entries()) {
        expect(part.range.start).toBe(index === 0 ? range.start : parts[index - 1]?.range.end);
        expect(findingsOf(part, START).map(({ finding }) => finding)).not.toContain('unexplained');
      }
      const excess = parts
        .flatMap((part) => findingsOf(part, START))
        .reduce((sum, found) => sum + found.excess, 0);
      expect(excess).toBe(whole.counted - acceptedQuantity(uses));
    }),
  );
});

test('many reports in one minute are told apart by their full sum only', () => {
  const range = { start: START, end: START + MINUTE_MS };
  const uses = (count: number) => Array.from({ length: count }, () => useAt(0, 2, { status: 'sending' }));
  expect(findingsOf({ range, counted: 4, uses: uses(12) }, START)).toEqual([
    { finding: 'unconfirmed', excess: 4 },
  ]);
  expect(findingsOf({ range, counted: 4, uses: uses(13) }, START)).toEqual([
    { finding: 'foreign_writer', excess: 4 },
  ]);
  expect(findingsOf({ range, counted: 26, uses: uses(13) }, START)).toEqual([
    { finding: 'unconfirmed', excess: 26 },
  ]);
});
