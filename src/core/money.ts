import { minorDigitsOf } from './currency.ts';
import { formatDecimal, parseDecimal, ZERO } from './decimal.ts';
import type { RatedAmount, RatedLine } from './price.ts';

const NUMBER = new Intl.NumberFormat('en-US');
/** Stripe's decimals have 12 places of minor units; two more for those of the currency. */
const MAX_FRACTION_DIGITS = 15;

/** An amount in minor units as people write it: `'1.5'` US cents are `$0.015`. Exact, at any size. */
export function formatMoney(minor_units: string, currency: string): string {
  const digits = minorDigitsOf(currency);
  const style = { style: 'currency', currency } as const;
  const { maximumFractionDigits: usual = 0 } = new Intl.NumberFormat('en-US', style).resolvedOptions();
  const format = new Intl.NumberFormat('en-US', {
    ...style,
    minimumFractionDigits: digits,
    maximumFractionDigits: MAX_FRACTION_DIGITS,
    // 1,500 forints are written without the decimals that Stripe's amount of them has.
    trailingZeroDisplay: usual === 0 ? 'stripIfInteger' : 'auto',
  });
  return format.format(majorUnits(minor_units, digits) as Intl.StringNumericLiteral);
}

/** Moves the decimal point, as text: a float would not be exact. */
function majorUnits(minor_units: string, digits: number): string {
  const exact = formatDecimal(parseDecimal(minor_units) ?? ZERO);
  const sign = exact.startsWith('-') ? '-' : '';
  const [whole = '0', fraction = ''] = exact.replace('-', '').split('.');
  const padded = whole.padStart(digits + 1, '0');
  return `${sign}${padded.slice(0, padded.length - digits)}.${padded.slice(padded.length - digits)}${fraction}0`;
}

/** The lines that make an amount: `2,000 × $0.015 = $30.00 (tier 2)`. */
export function describeLines({ currency, lines }: RatedAmount): string[] {
  return lines.map((line) => {
    const amount = formatMoney(String(line.amount), currency);
    const tier = line.tier === null ? '' : ` (tier ${line.tier}${boundOf(line)})`;
    if (line.unit_amount_decimal === null) return `flat fee = ${amount}${tier}`;
    const unit = formatMoney(line.unit_amount_decimal, currency);
    return `${NUMBER.format(line.quantity)} × ${unit} = ${amount}${tier}`;
  });
}

function boundOf({ up_to }: RatedLine): string {
  return typeof up_to === 'number' ? `, up to ${NUMBER.format(up_to)}` : '';
}
