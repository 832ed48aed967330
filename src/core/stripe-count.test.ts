import { describe, expect, test } from 'vitest';
import { DAY_MS, MINUTE_MS } from './instant.ts';
import type { SlotUse } from './store.ts';
import { divisionOf, findingsOf, wholeMinutes } from './stripe-count.ts';

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
  });

  test('that is counted and not known to be accepted is unconfirmed', () => {
    expect(findings(-5, usesOf([-5, null]))).toEqual([['unconfirmed', -5]]);
    expect(findings(5, usesOf([5, null]))).toEqual([['unconfirmed', 5]]);
  });

  test('explains no other difference than its own', () => {
    expect(findings(3, usesOf([-5, 1]))).toEqual([['foreign_writer', 8]]);
    expect(findings(-8, usesOf([-5, 1]))).toEqual([['not_counted', -3]]);
    expect(findings(-5, usesOf([-5, 1]))).toEqual([]);
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
