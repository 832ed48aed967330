import type { z } from 'zod';
import type { LicensedPrice, Plan, PlanPrice, Plans } from './core/plan.ts';
import type { publicPlan } from './http/wire/price.ts';
import { priceFields } from './query/cost-so-far.ts';

type PublicPlan = z.input<typeof publicPlan>;

/** What may be shown of plans: of those that are listed, and of one's own, what they cost and nothing else. */
export function listPublicPlans(plans: Plans, own: string | null): PublicPlan[] {
  return Object.entries(plans)
    .filter(([name, { listed }]) => listed || name === own)
    .map(([name, plan]) => toPublic(name, plan));
}

function toPublic(plan: string, { name, prices, licensed, limits }: Plan): PublicPlan {
  return { plan, name, prices: [...licensed.map(licensedFields), ...prices.map(meteredFields)], limits };
}

function meteredFields(price: PlanPrice): PublicPlan['prices'][number] {
  const { interval, meter } = price;
  return { usage_type: 'metered', interval, meter, ...priceFields(price) };
}

function licensedFields(price: LicensedPrice): PublicPlan['prices'][number] {
  const { interval, quantity } = price;
  return { usage_type: 'licensed', interval, quantity, ...priceFields(price) };
}
