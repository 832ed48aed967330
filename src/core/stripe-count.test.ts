import { describe, expect, test } from 'vitest';
import { DAY_MS, MINUTE_MS } from './instant.ts';
import type { SlotUse } from './store.ts';
import { findingsOf } from './stripe-count.ts';

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
