import { UsageError } from './errors.ts';

/** Stripe allows at most 12 decimal places in `*_decimal` fields (docs.stripe.com/api/prices/object). */
const DECIMAL_PLACES = 12;
const SCALE = 10n ** BigInt(DECIMAL_PLACES);
const DECIMAL = /^(-?)(\d{1,30})(?:\.(\d{1,12}))?$/;

/** An exact decimal number of minor units, scaled by 10¹². Never a float: 0.1 + 0.2 must be 0.3. */
export type Decimal = bigint & { readonly brand: 'Decimal' };

export const ZERO = 0n as Decimal;

/** Reads `'1.5'`, or null when the text is no plain decimal with at most 12 places. */
export function parseDecimal(text: string): Decimal | null {
  const match = DECIMAL.exec(text);
  if (!match) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const scaled = BigInt(whole) * SCALE + BigInt(fraction.padEnd(DECIMAL_PLACES, '0'));
  return (sign === '-' ? -scaled : scaled) as Decimal;
}

export function add(a: Decimal, b: Decimal): Decimal {
  return (a + b) as Decimal;
}

/** `count` must be a whole number that is exact as a JavaScript number. */
export function multiply(a: Decimal, count: number): Decimal {
  return (a * BigInt(count)) as Decimal;
}

/** The shortest text of the number: `'1.5'`, `'-3'`, `'0'`. */
export function formatDecimal(value: Decimal): string {
  const magnitude = value < 0n ? -value : value;
  const fraction = (magnitude % SCALE).toString().padStart(DECIMAL_PLACES, '0').replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${magnitude / SCALE}${fraction && `.${fraction}`}`;
}

/**
 * The nearest whole number of minor units; a half goes away from zero, which for what customers pay is half up
 * (Stripe rounds 1.5 cents to 2: docs.stripe.com/billing/subscriptions/decimal-amounts).
 */
export function roundHalfUp(value: Decimal): number {
  const magnitude = value < 0n ? -value : value;
  const rounded = (magnitude + SCALE / 2n) / SCALE;
  const signed = Number(value < 0n ? -rounded : rounded);
  if (!Number.isSafeInteger(signed))
    throw new UsageError('amount_overflow', { field: 'amount', value: signed });
  return signed;
}
