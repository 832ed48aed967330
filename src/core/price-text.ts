import { formatMoney } from './money.ts';
import type { Price, Tier } from './price.ts';

const NUMBER = new Intl.NumberFormat('en-US');

/** A price in words: `$0.02 up to 1,000, $0.015 above (volume)`; `$1.00 per 100, rounded up`. */
export function priceText(price: Price): string {
  const { currency, tiers, transform_quantity } = price;
  if (tiers) return `${tiersText(tiers, currency)} (${price.tiers_mode})`;
  const amount = formatMoney(price.unit_amount_decimal ?? '0', currency);
  if (!transform_quantity) return amount;
  const { divide_by, round } = transform_quantity;
  return `${amount} per ${NUMBER.format(divide_by)}, rounded ${round}`;
}

function tiersText(tiers: readonly Tier[], currency: string): string {
  return tiers
    .map(({ up_to, unit_amount_decimal, flat_amount_decimal }) => {
      const unit = formatMoney(unit_amount_decimal ?? '0', currency);
      const flat =
        flat_amount_decimal === undefined ? '' : ` + ${formatMoney(flat_amount_decimal, currency)} once`;
      if (up_to !== 'inf') return `${unit}${flat} up to ${NUMBER.format(up_to)}`;
      return tiers.length === 1 ? `${unit}${flat}` : `${unit}${flat} above`;
    })
    .join(', ');
}
