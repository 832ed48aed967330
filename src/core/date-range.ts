import type { Period } from './billing-period.ts';
import { UsageError } from './errors.ts';
import { DAY_MS, parseInstant, startOfMonth } from './instant.ts';

/** 100 years. */
const MAX_RANGE_MS = 36_525 * DAY_MS;
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

/**
 * The range `[start, end)` that a caller names by two dates; null = by none.
 *
 * @throws UsageError `invalid_period`.
 */
export function parseRange(start: unknown, end: unknown): Period | null {
  if (start === undefined && end === undefined) return null;
  const range = {
    start: parseInstant(start, 'period_start', 'invalid_period'),
    end: parseInstant(end, 'period_end', 'invalid_period'),
  };
  if (range.start >= range.end) {
    throw new UsageError('invalid_period', {
      field: 'period_end',
      value: end,
      reason: 'It is not after period_start.',
    });
  }
  if (range.end - range.start > MAX_RANGE_MS) {
    throw new UsageError('invalid_period', {
      field: 'period_end',
      value: end,
      reason: 'The range is over 100 years.',
    });
  }
  return range;
}

/**
 * A UTC month, such as `'2026-10'`.
 *
 * @throws UsageError `invalid_period`.
 */
export function parseMonth(month: string): Period {
  if (!MONTH.test(month)) {
    const reason = "A month is written '2026-10'.";
    throw new UsageError('invalid_period', { field: 'period', value: month, reason });
  }
  const start = parseInstant(`${month}-01`, 'period', 'invalid_period');
  return { start, end: startOfMonth(start, 1) };
}
