import { z } from '@hono/zod-openapi';
import { count, instant } from './common.ts';

/** In a query, everything is text. */
export const quantityText = z
  .string()
  .regex(/^\d{1,15}$/, 'It is not a whole number from 0 to 999,999,999,999,999')
  .transform(Number)
  .optional()
  .openapi({
    type: 'integer',
    minimum: 0,
    maximum: 999_999_999_999_999,
    description: 'Units that are about to be used. Default: 1',
  });

export const limitResult = z
  .strictObject({
    account: z.string(),
    meter: z.string(),
    allowed: z.boolean().openapi({ description: 'Whether `used` and the quantity are within the limit' }),
    limit: count.nullable().openapi({ description: 'Units of a billing period; null = there is no limit' }),
    used: count,
    remaining: count.nullable().openapi({ description: 'What is left, from 0; null = without a limit' }),
    period_end: instant,
  })
  .openapi('Limit');
