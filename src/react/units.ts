import type { Formats } from './formats.ts';

/** What the units of a meter are called, in the forms of `Intl.PluralRules` that the language has. */
export interface UnitNames extends Partial<Record<Intl.LDMLPluralRule, string>> {
  /** Of the meter: `'API calls'`. Default: its name. */
  readonly title?: string;
  readonly other: string;
}

export interface Units {
  title(meter: string): string;
  /** `credit` or `credits`, by the number. */
  of(meter: string, count: number): string;
  /** `credit`; null = it has no name for a single one: 'every credits' is no language. */
  single(meter: string): string | null;
}

/** A meter that is not named shows its own name, as words. */
export function createUnits(names: Readonly<Record<string, UnitNames>>, formats: Formats): Units {
  const namesOf = (meter: string): UnitNames =>
    Object.hasOwn(names, meter) ? (names[meter] ?? asWords(meter)) : asWords(meter);
  return {
    title: (meter) => namesOf(meter).title ?? titleOf(meter),
    of: (meter, count) => {
      const known = namesOf(meter);
      return known[formats.plural(count)] ?? known.other;
    },
    single: (meter) => namesOf(meter)[formats.plural(1)] ?? null,
  };
}

/** Of a meter that is not named: `API calls` of `API_calls`, with a capital letter as plans have. */
export function titleOf(meter: string): string {
  const { other } = asWords(meter);
  return other.charAt(0).toUpperCase() + other.slice(1);
}

/** Characters that turn the direction of the text around them have no place in a name. */
const TURNS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function asWords(meter: string): UnitNames {
  return { other: meter.replaceAll('_', ' ').replaceAll(TURNS, '') };
}
