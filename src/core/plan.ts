import { UsageError } from './errors.ts';
import type { Price } from './price.ts';

/** A price of a plan: what Stripe bills for one meter and interval. */
export interface PlanPrice extends Price {
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly meter: string;
}

/** A plan as the configuration declares it. */
export interface Plan {
  /** At most one per meter and interval; none: the plan is free. */
  readonly prices: readonly PlanPrice[];
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

/** Why usage of a meter on this plan is never billed, or null if the plan has a price for it. */
export function freeReason(plan: Plan, meter: string): 'free' | 'no_price' | null {
  if (plan.prices.length === 0) return 'free';
  return plan.prices.some((price) => price.meter === meter) ? null : 'no_price';
}
