import type { PriceData } from '../catalogue.ts';
import { type Fraction, fractionOf, halfUp, times } from './fraction.ts';

/** One line of an invoice: `quantity` 0 is a flat fee. */
export interface RatedLine {
  readonly quantity: number;
  /** Cents, rounded by itself. */
  readonly amount: number;
}

/** The part of a period that is charged, in seconds. */
export interface Share {
  readonly part: number;
  readonly whole: number;
}

/**
 * What a quantity costs: `volume` prices all of it by the tier that it reaches, `graduated` each tier's units
 * by their own; each line is rounded once, half up.
 */
export function rateExactly(
  { tiers, tiers_mode }: PriceData,
  quantity: number,
  { part, whole }: Share = { part: 1, whole: 1 },
): RatedLine[] {
  const lines: RatedLine[] = [];
  const add = (units: number, exact: Fraction) => {
    const amount = halfUp(times(exact, BigInt(part), BigInt(whole)));
    if (units > 0 || amount > 0) lines.push({ quantity: units, amount });
  };
  let below = 0;
  for (const { up_to, unit_amount_decimal, flat_amount_decimal } of tiers) {
    const reaches = up_to === 'inf' || quantity <= up_to;
    const last = reaches ? quantity : up_to;
    const units = tiers_mode === 'volume' ? quantity : last - below;
    if (quantity > below && (tiers_mode === 'graduated' || reaches)) {
      add(units, times(fractionOf(unit_amount_decimal), BigInt(units)));
      if (flat_amount_decimal !== undefined) add(0, fractionOf(flat_amount_decimal));
    }
    if (reaches) break;
    below = last;
  }
  return lines;
}
