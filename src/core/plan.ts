import { UsageError } from './errors.ts';
import type { Price } from './price.ts';

export type PriceInterval = 'day' | 'week' | 'month' | 'year';

/** How a price of a plan is found at Stripe. */
export interface PriceReference {
  /** `price_…` that the configuration names; null = the active price with the lookup key. */
  readonly stripe_price: string | null;
  /** At most 200 characters, unique in a Stripe account. */
  readonly lookup_key: string;
}

/** A metered price of a plan: what Stripe bills for one meter and interval. */
export interface PlanPrice extends Price, PriceReference {
  readonly interval: PriceInterval;
  readonly meter: string;
}

/** A price of a plan that is billed in advance, whatever is used: a base fee, or seats. */
export interface LicensedPrice extends Price, PriceReference {
  readonly interval: PriceInterval;
  /** `one`: a base fee. `seats`: as many as the account has. */
  readonly quantity: 'one' | 'seats';
}

/** A plan as the configuration declares it. */
export interface Plan {
  /** What customers call it. */
  readonly name: string;
  /** False: only its own accounts see it. Absent: true. */
  readonly listed?: boolean;
  /** Metered prices, at most one per meter and interval. */
  readonly prices: readonly PlanPrice[];
  /** At most one base fee, and one price of seats, per interval. */
  readonly licensed: readonly LicensedPrice[];
  /** Units that a billing period includes at most, by meter. */
  readonly limits: Readonly<Record<string, number>>;
}

export type Plans = Readonly<Record<string, Plan>>;

/** @throws UsageError `invalid_plan`. */
export function parsePlan(value: unknown, plans: Plans): string {
  if (typeof value === 'string' && Object.hasOwn(plans, value)) return value;
  const names = Object.keys(plans);
  throw new UsageError('invalid_plan', {
    field: 'plan',
    value,
    reason: names.length === 0 ? 'No plans are configured.' : `The plans are ${names.join(', ')}.`,
  });
}

/** Whether nothing of a plan is ever billed. */
export function isFree({ prices, licensed }: Plan): boolean {
  return prices.length === 0 && licensed.length === 0;
}

/** The plan of accounts that no subscription bills: the only free one; null = there is none, or there are several. */
export function freePlanOf(plans: Plans): string | null {
  const free = Object.keys(plans).filter((name) => plans[name] && isFree(plans[name]));
  return free.length === 1 ? (free[0] ?? null) : null;
}

/** Why usage of a meter on this plan is never billed, or null if the plan has a price for it. */
export function freeReason(plan: Plan, meter: string): 'free' | 'no_price' | null {
  if (isFree(plan)) return 'free';
  return plan.prices.some((price) => price.meter === meter) ? null : 'no_price';
}

/** The intervals that a plan can be subscribed to by, in the order of their prices. */
export function intervalsOf({ prices, licensed }: Plan): readonly PriceInterval[] {
  return [...new Set([...prices, ...licensed].map(({ interval }) => interval))];
}

/**
 * The lookup key that a plan's price has at Stripe unless the configuration names another:
 * `tallybook:pro:month:credits`, `tallybook:pro:month:@seats`, `tallybook:pro:month:@base_fee`.
 */
export function lookupKeyOf(
  plan: string,
  interval: PriceInterval,
  billed: { readonly meter: string } | { readonly quantity: LicensedPrice['quantity'] },
): string {
  const what = 'meter' in billed ? billed.meter : billed.quantity === 'seats' ? '@seats' : '@base_fee';
  return `tallybook:${plan}:${interval}:${what}`;
}
