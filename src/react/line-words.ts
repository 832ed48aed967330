import type { Formats } from './formats.ts';
import type { Units } from './units.ts';

/** A line of a bill, whether it is an invoice or a preview of one. */
export interface WordedLine {
  readonly description: string;
  /** null = it bills no usage. */
  readonly meter?: string | null | undefined;
  readonly quantity?: number | null | undefined;
  /** Minor units; null = the price is not one of each unit. */
  readonly unit_amount_decimal?: string | null | undefined;
}

export interface LineContext {
  readonly formats: Formats;
  readonly units: Units;
}

/** Usage in the words of the page, `640 credits × $0.02`; anything else in those of the bill. */
export function wordsOfLine(line: WordedLine, currency: string, { formats, units }: LineContext): string {
  const { description, meter, quantity, unit_amount_decimal } = line;
  // A fee of a tier is of the meter as well, and not of its units.
  if (meter == null || quantity == null || unit_amount_decimal == null) return description;
  const price = formats.money(unit_amount_decimal, currency);
  return `${formats.quantity(quantity)} ${units.of(meter, quantity)} × ${price}`;
}
