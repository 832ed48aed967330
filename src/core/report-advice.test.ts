import { expect, test } from 'vitest';
import { adviceOf } from './report-advice.ts';
import type { ReportReason } from './usage-report.ts';

const OTHERWISE = adviceOf({ status: 'held', reason: null }).action;

test.each<ReportReason>([
  'ambiguous_price',
  'too_old',
  'not_counted',
  'refused',
  'rejected',
  'foreign_writer',
  'unknown_usage',
  'missed_invoice',
])('a report that is held as %s waits for a person, who is told what to do', (reason) => {
  const { waits_for, action } = adviceOf({ status: 'held', reason });
  expect(waits_for).toBe('person');
  expect(action).not.toBe(OTHERWISE);
});

test.each<ReportReason>(['free', 'trial', 'no_price', 'zero', 'late', 'written_off'])(
  'a report that is not billable as %s waits for nothing, and says why',
  (reason) => {
    const { waits_for, action } = adviceOf({ status: 'not_billable', reason });
    expect(waits_for).toBeNull();
    expect(action).not.toBe(adviceOf({ status: 'not_billable', reason: null }).action);
  },
);

test('what waits for somebody or something else than a person says for what', () => {
  const waits = (status: 'open' | 'closed' | 'sending', reason: ReportReason | null = null) =>
    adviceOf({ status, reason }).waits_for;
  expect(waits('open')).toBe('report_job');
  expect(waits('closed')).toBe('report_job');
  expect(waits('closed', 'unlinked')).toBe('subscription');
  expect(waits('sending')).toBe('stripe');
  expect(adviceOf({ status: 'failed', reason: null }).waits_for).toBe('person');
  expect(adviceOf({ status: 'reported', reason: null }).waits_for).toBeNull();
  expect(adviceOf({ status: 'voided', reason: null }).waits_for).toBeNull();
});
