// What core/currency.ts has, which is not for browsers: a test holds the two equal.

const WITHOUT_MINOR_UNIT = /^(bif|clp|djf|gnf|jpy|kmf|krw|mga|pyg|rwf|vnd|vuv|xaf|xof|xpf)$/i;
const WITH_THREE_DIGITS = /^(bhd|jod|kwd|omr|tnd)$/i;

/** How many digits Stripe's minor unit of a currency has: for some it is another one than that of `Intl`. */
export function minorDigitsOf(currency: string): number {
  if (WITHOUT_MINOR_UNIT.test(currency)) return 0;
  return WITH_THREE_DIGITS.test(currency) ? 3 : 2;
}
