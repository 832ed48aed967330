/** Currencies without a minor unit in Stripe's API: <https://docs.stripe.com/currencies#zero-decimal>. */
const WITHOUT_MINOR_UNIT: ReadonlySet<string> = new Set(
  'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '),
);
const WITH_THREE_DIGITS: ReadonlySet<string> = new Set('bhd jod kwd omr tnd'.split(' '));

/**
 * How many digits Stripe's minor unit of a currency has. Not those of `Intl`: it writes forints and Ugandan shillings
 * without decimals, and at Stripe 150000 of them are 1,500.
 */
export function minorDigitsOf(currency: string): number {
  const name = currency.toLowerCase();
  if (WITHOUT_MINOR_UNIT.has(name)) return 0;
  return WITH_THREE_DIGITS.has(name) ? 3 : 2;
}
