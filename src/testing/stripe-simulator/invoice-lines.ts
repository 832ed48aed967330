import { minorDigitsOf } from '../../core/currency.ts';
import { type Decimal, formatDecimal, parseDecimal, roundHalfUp, ZERO } from '../../core/decimal.ts';
import { type RatedLine, rate } from '../../core/price.ts';
import { existingMeter } from './meters.ts';
import { existingPrice, ratablePrice } from './prices.ts';
import { existingProduct } from './products.ts';
import type { ChargeRecord, InvoiceLineRecord, InvoiceRecord, PriceRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { usageTotal } from './usage-total.ts';

/** The lines of an invoice: as they were finalised, or of a draft as they would be now. Invoice items come first. */
export function linesOf(simulation: Simulation, invoice: InvoiceRecord): readonly InvoiceLineRecord[] {
  if (invoice.finalized) return invoice.finalized.lines;
  const items = invoice.items.flatMap((id) => simulation.state.invoiceItems.get(id)?.line ?? []);
  const rated = invoice.charges.flatMap((charge) => ratedLines(simulation, invoice.customer, charge));
  return [...items, ...rated];
}

/** One line per rated line, rounded by itself; without usage one line of zero that names the price. */
export function ratedLines(
  simulation: Simulation,
  customer: string,
  charge: ChargeRecord,
): InvoiceLineRecord[] {
  const price = existingPrice(simulation, charge.price);
  const product = existingProduct(simulation, price.product).name;
  const zero = lineOf(charge, 0, `Trial period for ${product}`, 0, null);
  if (charge.kind === 'trial') return [zero];

  const { lines } = rate(ratablePrice(price), billedQuantity(simulation, customer, price, charge));
  if (lines.length === 0 || charge.kind === 'nothing') {
    const [tier] = price.tiered?.tiers ?? [];
    const unit_amount = tier ? (tier.unit_amount_decimal ?? '0') : price.unit_amount_decimal;
    const rating = ratingText(price, tier ? 1 : null, unit_amount ?? '0');
    return [{ ...zero, description: `0 × ${product} (${rating})`, unit_amount_decimal: unit_amount }];
  }
  return lines.map((line) => {
    const amount = charge.share ? sharedAmount(line, charge.share) : line.amount;
    const rating = ratingText(price, line.tier, line.unit_amount_decimal ?? line.flat_amount_decimal ?? '0');
    const what = `${line.quantity} × ${product}`;
    const rest = REST[charge.kind];
    const description = rest
      ? `${rest} on ${what} after ${dateText(charge.period.start)}`
      : `${what} (${rating})`;
    const signed = charge.kind === 'unused' ? 0 - amount : amount;
    return lineOf(charge, signed, description, line.quantity, line.unit_amount_decimal);
  });
}

/** How the lines of a part of a period begin. */
const REST: Readonly<Partial<Record<ChargeRecord['kind'], string>>> = {
  unused: 'Unused time',
  remaining: 'Remaining time',
};

function billedQuantity(
  simulation: Simulation,
  customer: string,
  price: PriceRecord,
  charge: ChargeRecord,
): number {
  if (charge.kind === 'nothing') return 0;
  if (charge.kind !== 'usage') return charge.quantity ?? 1;
  const meter = existingMeter(simulation, price.recurring?.meter ?? '');
  // A negative total, left by corrections, bills nothing. Fractions are rounded to whole units.
  return Math.max(0, roundHalfUp(usageTotal(simulation, meter, customer, charge.period)));
}

function lineOf(
  charge: ChargeRecord,
  amount: number,
  description: string,
  quantity: number,
  unit_amount_decimal: string | null,
): InvoiceLineRecord {
  const { subscription, subscription_item, price, period, kind } = charge;
  return {
    subscription,
    subscription_item,
    invoice_item: null,
    price,
    amount,
    description,
    quantity,
    unit_amount_decimal,
    proration: kind in REST || charge.share !== null,
    period,
    metadata: {},
  };
}

function sharedAmount(line: RatedLine, { part_s, whole_s }: { part_s: number; whole_s: number }): number {
  const exact = parseDecimal(line.amount_decimal) ?? ZERO;
  return roundHalfUp(((exact * BigInt(part_s)) / BigInt(whole_s)) as Decimal);
}

function ratingText(price: PriceRecord, tier: number | null, amount_decimal: string): string {
  const at = `at ${moneyText(amount_decimal, price.currency)}`;
  const { interval, interval_count } = price.recurring ?? { interval: 'month', interval_count: 1 };
  const every = interval_count === 1 ? `/ ${interval}` : `every ${interval_count} ${interval}s`;
  return tier === null ? `${at} ${every}` : `Tier ${tier} ${at} ${every}`;
}

/** `'1.5'` US cents as `$0.015`: exact, with at least the digits that the currency has. */
function moneyText(minor_units: string, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
  const digits = minorDigitsOf(currency);
  const symbol = format.formatToParts(0).find(({ type }) => type === 'currency')?.value ?? currency;
  const [whole = '0', fraction = ''] = formatDecimal(parseDecimal(minor_units) ?? ZERO).split('.');
  const padded = whole.padStart(digits + 1, '0');
  const major = padded.slice(0, padded.length - digits);
  const minor = padded.slice(padded.length - digits) + fraction;
  return `${symbol}${major}${minor && `.${minor}`}`;
}

function dateText(time_s: number): string {
  return new Date(time_s * 1000).toISOString().slice(0, 10);
}
