import { parseDecimal, ZERO } from './decimal.ts';
import type { PriceInterval } from './plan.ts';
import type { Price, Tier } from './price.ts';
import { priceText } from './price-text.ts';

/** What a recurring price bills. */
export interface PriceTerms extends Price {
  /** null = it is charged once. */
  readonly interval: PriceInterval | null;
  readonly interval_count: number;
  /** `event_name` of the meter; null = the price is licensed. */
  readonly event_name: string | null;
}

/** A field in which two prices differ, as people read it. */
export interface PriceDifference {
  readonly field: 'currency' | 'interval' | 'meter' | 'amounts';
  readonly configured: string;
  readonly at_stripe: string;
}

/** In what a price at Stripe differs from the configured one; amounts are compared as numbers. */
export function differencesOf(configured: PriceTerms, at_stripe: PriceTerms): PriceDifference[] {
  const differences: PriceDifference[] = [];
  const compare = (field: PriceDifference['field'], textOf: (price: PriceTerms) => string) => {
    const [ours, theirs] = [textOf(configured), textOf(at_stripe)];
    if (ours !== theirs) differences.push({ field, configured: ours, at_stripe: theirs });
  };
  compare('currency', ({ currency }) => currency);
  compare('interval', intervalText);
  compare('meter', ({ event_name }) => event_name ?? 'licensed');
  if (amountsOf(configured) !== amountsOf(at_stripe)) {
    const [ours, theirs] = [priceText(configured), priceText(at_stripe)];
    differences.push({ field: 'amounts', configured: ours, at_stripe: theirs });
  }
  return differences;
}

export function intervalText({
  interval,
  interval_count,
}: Pick<PriceTerms, 'interval' | 'interval_count'>): string {
  if (interval === null) return 'once';
  return interval_count === 1 ? interval : `${interval_count} ${interval}s`;
}

/** The same text for prices that bill the same, however they are written: absent amounts are 0, `'1.50'` is `'1.5'`. */
function amountsOf(price: Price): string {
  const { tiers, tiers_mode, unit_amount_decimal, transform_quantity } = price;
  if (tiers) return JSON.stringify([tiers_mode, tiers.map(tierAmounts)]);
  const { divide_by = 1, round } = transform_quantity ?? {};
  return JSON.stringify([scaled(unit_amount_decimal), divide_by, divide_by === 1 ? null : round]);
}

function tierAmounts({ up_to, unit_amount_decimal, flat_amount_decimal }: Tier) {
  return [up_to, scaled(unit_amount_decimal), scaled(flat_amount_decimal)];
}

function scaled(amount: string | undefined): string {
  return String(amount === undefined ? ZERO : (parseDecimal(amount) ?? amount));
}
