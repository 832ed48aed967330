import { z } from '@hono/zod-openapi';
import { count, instant, list, orNull, quantity } from './common.ts';
import { changeUnderWay, ratedAmount, upTo } from './usage.ts';

const tier = z.strictObject({
  up_to: upTo,
  unit_amount_decimal: z.string().optional(),
  flat_amount_decimal: z.string().optional(),
});

const priceFields = {
  currency: z.string(),
  billing_scheme: z.enum(['per_unit', 'tiered']).optional(),
  unit_amount_decimal: z.string().optional(),
  tiers_mode: z.enum(['volume', 'graduated']).optional(),
  tiers: list(tier).optional(),
  transform_quantity: z.strictObject({ divide_by: z.int(), round: z.enum(['up', 'down']) }).optional(),
};

export const price = z.strictObject(priceFields).openapi('Price');

export const interval = z.enum(['day', 'week', 'month', 'year']);

const publicPlan = z
  .strictObject({
    plan: z.string().openapi({ description: 'Its name in the configuration' }),
    name: z.string().openapi({ description: 'What customers call it' }),
    prices: list(
      z.union([
        z.strictObject({ ...priceFields, usage_type: z.literal('metered'), interval, meter: z.string() }),
        z.strictObject({
          ...priceFields,
          usage_type: z.literal('licensed'),
          interval,
          quantity: z.enum(['one', 'seats']),
        }),
      ]),
    ),
    limits: z.record(z.string(), count).openapi({ description: 'Units of a billing period, by meter' }),
  })
  .openapi('Plan');

export const plansResult = z.strictObject({ plans: list(publicPlan) }).openapi('Plans');

export const costResult = z
  .strictObject({
    account: z.string(),
    meter: z.string(),
    plan: z.string().nullable(),
    period_start: instant,
    period_end: instant,
    quantity,
    limit: count.nullable(),
    cost: orNull(ratedAmount),
    price: orNull(price),
    change: orNull(changeUnderWay),
  })
  .openapi('Cost');
