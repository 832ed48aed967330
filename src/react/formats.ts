import { minorDigitsOf } from './currency.ts';
import { directionOf } from './direction.ts';

/** How numbers, money and times are written: by `Intl`, in one language and one time zone. */
export interface Formats {
  quantity(quantity: number): string;
  /** Minor units, as a decimal text: `'1.5'` US cents are `$0.015`. Exact, at any size. */
  money(minor_units: string | number, currency: string): string;
  date(instant: string): string;
  time(epoch_ms: number): string;
  /** The days from a start to an exclusive end. */
  period(start: string, end: string): string;
  /** A window of the chart. */
  window(start: string, window: 'hour' | 'day' | 'month'): string;
  /** The same in a few characters, for an axis. */
  tick(start: string, window: 'hour' | 'day' | 'month'): string;
  plural(count: number): Intl.LDMLPluralRule;
}

/** Stripe's decimals have 12 places of minor units; three more for those of the currency. */
const MAX_FRACTION_DIGITS = 15;
/** A day before its exclusive end. */
const LAST_MS = 1;

const DAY = { year: 'numeric', month: 'short', day: 'numeric' } as const;
const WINDOWS = {
  hour: { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' },
  day: { weekday: 'short', month: 'short', day: 'numeric' },
  month: { month: 'long', year: 'numeric' },
} as const;
const TICKS = {
  hour: { hour: 'numeric', minute: '2-digit' },
  day: { month: 'short', day: 'numeric' },
  month: { month: 'short' },
} as const;

export function createFormats(locale: string, timeZone: string): Formats {
  const isMirrored = directionOf(locale) === 'rtl';
  const numbers = new Intl.NumberFormat(locale);
  const plurals = new Intl.PluralRules(locale);
  const dates = new Map<string, Intl.DateTimeFormat>();
  const currencies = new Map<string, ReturnType<typeof currencyFormat>>();

  function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = JSON.stringify(options);
    const known = dates.get(key) ?? new Intl.DateTimeFormat(locale, { ...options, timeZone });
    dates.set(key, known);
    return known;
  }

  function dateText(options: Intl.DateTimeFormatOptions, epoch_ms: number): string {
    return everywhere(dateFormat(options).format(epoch_ms));
  }

  function currencyFormat(currency: string) {
    const style = { style: 'currency', currency, currencyDisplay: 'narrowSymbol' } as const;
    const digits = minorDigitsOf(currency);
    const { maximumFractionDigits: usual = 0 } = new Intl.NumberFormat(locale, style).resolvedOptions();
    const format = new Intl.NumberFormat(locale, {
      ...style,
      minimumFractionDigits: digits,
      maximumFractionDigits: MAX_FRACTION_DIGITS,
      // 1,500 forints are written without the decimals that Stripe's amount of them has.
      trailingZeroDisplay: usual === 0 ? 'stripIfInteger' : 'auto',
    });
    return { digits, format };
  }

  return {
    quantity: (quantity) => numbers.format(quantity),
    money(minor_units, currency) {
      const known = currencies.get(currency) ?? currencyFormat(currency);
      currencies.set(currency, known);
      const amount = majorUnits(String(minor_units), known.digits) as Intl.StringNumericLiteral;
      const text = known.format.format(amount);
      // Without the mark, the sign goes to the other side of the letters: `$US`.
      return isMirrored ? text.replace(/[a-z]+\p{Sc}/iu, '$&\u200e') : text;
    },
    date: (instant) => dateText(DAY, Date.parse(instant)),
    time: (epoch_ms) => dateText(TICKS.hour, epoch_ms),
    period(start, end) {
      const last = Math.max(Date.parse(start), Date.parse(end) - LAST_MS);
      return everywhere(dateFormat(DAY).formatRange(Date.parse(start), last));
    },
    window: (start, window) => dateText(WINDOWS[window], Date.parse(start)),
    tick: (start, window) => dateText(TICKS[window], Date.parse(start)),
    plural: (count) => plurals.select(count),
  };
}

/** Chromium writes plain spaces in dates where Node and others write thin ones; what a server renders is what the browser expects. */
function everywhere(date: string): string {
  return date.replaceAll(/[\u2009\u202f]/g, ' ');
}

/** Moves the decimal point, as text: a float would not be exact. */
function majorUnits(minor_units: string, digits: number): string {
  const sign = minor_units.startsWith('-') ? '-' : '';
  const [whole = '0', fraction = ''] = minor_units.replace('-', '').split('.');
  const padded = whole.padStart(digits + 1, '0');
  return `${sign}${padded.slice(0, padded.length - digits)}.${padded.slice(padded.length - digits)}${fraction}0`;
}
