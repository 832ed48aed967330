import { existingPrice, recurringOf } from './prices.ts';
import type { PriceRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';

/** What Stripe allows on one subscription. */
export const MAX_ITEMS = 20;

/**
 * The price of a new item.
 *
 * @param param the item's name for the error, such as `items[0]`.
 * @throws StripeError for a price that can't be subscribed to, or a quantity of a metered one.
 */
export function itemPrice(
  simulation: Simulation,
  id: string,
  quantity: number | undefined,
  param: string,
): PriceRecord {
  const price = existingPrice(simulation, id, `${param}[price]`);
  if (!price.active) {
    throw new StripeError('The price specified is inactive. This field only accepts active prices.', {
      param: `${param}[price]`,
    });
  }
  refuseMeteredQuantity(price, quantity, param);
  return price;
}

/** @throws StripeError for a quantity of a metered price. */
export function refuseMeteredQuantity(price: PriceRecord, quantity: number | undefined, param: string): void {
  if (recurringOf(price).usage_type === 'metered' && quantity !== undefined) {
    throw new StripeError('You cannot set `quantity` for metered plans.', { param: `${param}[quantity]` });
  }
}

/** @throws StripeError for prices that can't be on one subscription. */
export function refuseMixture(prices: readonly PriceRecord[], billing_mode: 'flexible' | 'classic'): void {
  if (new Set(prices.map(({ id }) => id)).size < prices.length) {
    throw new StripeError('Cannot add multiple subscription items with the same price.', { param: 'items' });
  }
  if (new Set(prices.map(({ currency }) => currency)).size > 1) {
    throw new StripeError('All prices on a subscription must have the same currency.', { param: 'items' });
  }
  const intervals = prices
    .map(recurringOf)
    .map(({ interval, interval_count }) => `${interval_count} ${interval}`);
  if (billing_mode === 'classic' && new Set(intervals).size > 1) {
    throw new StripeError(
      'All prices on a subscription must have the same interval, unless its `billing_mode` is `flexible`.',
      {
        param: 'items',
      },
    );
  }
}
