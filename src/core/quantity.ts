import { UsageError } from './errors.ts';

/** The largest quantity of one increment and the largest total of one report: Stripe takes 15 digits. */
export const MAX_QUANTITY = 999_999_999_999_999;

/**
 * The quantity of an increment; absent means one.
 *
 * @throws UsageError `invalid_quantity` for anything but a whole number from 0 to {@link MAX_QUANTITY}.
 */
export function parseQuantity(value: unknown): number {
  if (value === undefined) return 1;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_QUANTITY) {
    return value === 0 ? 0 : value; // -0 becomes 0
  }
  throw new UsageError('invalid_quantity', { field: 'quantity', value });
}

/**
 * The quantity of an adjustment, which may be negative.
 *
 * @throws UsageError `invalid_quantity` for anything but a whole number, other than 0, of at most 15 digits.
 */
export function parseAdjustedQuantity(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value !== 0 && isReportable(value))
    return value;
  throw new UsageError('invalid_quantity', {
    field: 'quantity',
    value,
    reason: 'The quantity of an adjustment is a whole number, other than 0, of at most 15 digits.',
  });
}

/** Whether a total fits into one report, with either sign. */
export function isReportable(total: number): boolean {
  return Math.abs(total) <= MAX_QUANTITY;
}

/**
 * A total as a number.
 *
 * @throws UsageError `quantity_overflow` past 2⁵³ − 1: a total is exact or it is an error.
 */
export function exactTotal(total: bigint | number): number {
  const value = Number(total);
  if (!Number.isSafeInteger(value))
    throw new UsageError('quantity_overflow', { field: 'quantity', value: total });
  return value;
}
