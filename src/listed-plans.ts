import type { LicensedPrice, Plan, PlanPrice, Plans, PriceInterval } from './core/plan.ts';
import type { Price } from './core/price.ts';

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

/** The configured plans, in their order. */
export function listPlans(plans: Plans): ListedPlan[] {
  return Object.entries(plans).map(([plan, { name, prices, licensed, limits }]: [string, Plan]) => ({
    plan,
    name,
    prices: [...licensed.map(licensedFields), ...prices.map(meteredFields)],
    limits: { ...limits },
  }));
}

/** A price without where it is found. */
export function priceFields(price: Price): Price {
  const { currency, billing_scheme, unit_amount_decimal, tiers_mode, tiers, transform_quantity } = price;
  return {
    currency,
    ...(billing_scheme === undefined ? {} : { billing_scheme }),
    ...(unit_amount_decimal === undefined ? {} : { unit_amount_decimal }),
    ...(tiers_mode === undefined ? {} : { tiers_mode }),
    ...(tiers === undefined ? {} : { tiers }),
    ...(transform_quantity === undefined ? {} : { transform_quantity }),
  };
}

function licensedFields(price: LicensedPrice): ListedPrice {
  const { interval, quantity } = price;
  return { usage_type: 'licensed', interval, quantity, ...priceFields(price) };
}

function meteredFields(price: PlanPrice): ListedPrice {
  const { interval, meter } = price;
  return { usage_type: 'metered', interval, meter, ...priceFields(price) };
}
