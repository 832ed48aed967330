import type { LicensedPrice, PlanPrice, Plans, PriceInterval } from '../core/plan.ts';
import type { Price } from '../core/price.ts';
import { priceFields } from '../query/cost-so-far.ts';

/** A plan as customers may see it: what it costs, and nothing of how it is found at Stripe. */
export interface ListedPlan<PlanName extends string = string> {
  /** Its key in the configuration. */
  readonly plan: PlanName;
  /** What customers call it. */
  readonly name: string;
  /** Those that are paid in advance first; none: the plan is free. */
  readonly prices: readonly ListedPrice[];
  /** Units that a billing period includes at most, by meter; a meter without an entry has no limit. */
  readonly limits: Readonly<Record<string, number>>;
}

/** A price in Stripe's field names. */
export type ListedPrice = Price & { readonly interval: PriceInterval } & (
    | { readonly usage_type: 'metered'; readonly meter: string }
    | { readonly usage_type: 'licensed'; readonly quantity: LicensedPrice['quantity'] }
  );

/**
 * The configured plans that are listed, in their order.
 *
 * @param own a plan that is shown though it may not be listed: the one that whoever asks is on; null = none.
 */
export function listPlans(plans: Plans, own: string | null = null): ListedPlan[] {
  return Object.entries(plans)
    .filter(([plan, { listed = true }]) => listed || plan === own)
    .map(([plan, { name, prices, licensed, limits }]) => ({
      plan,
      name,
      prices: [...licensed.map(licensedFields), ...prices.map(meteredFields)],
      limits: { ...limits },
    }));
}

function licensedFields(price: LicensedPrice): ListedPrice {
  const { interval, quantity } = price;
  return { usage_type: 'licensed', interval, quantity, ...priceFields(price) };
}

function meteredFields(price: PlanPrice): ListedPrice {
  const { interval, meter } = price;
  return { usage_type: 'metered', interval, meter, ...priceFields(price) };
}
