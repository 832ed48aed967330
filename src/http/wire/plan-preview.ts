import { z } from '@hono/zod-openapi';
import { instant, list, orNull, quantity } from './common.ts';
import { interval, price } from './price.ts';

const line = z.strictObject({
  meter: z.string().nullable().openapi({ description: 'null = it is not about usage' }),
  description: z.string(),
  quantity: z.number().nullable(),
  unit_amount_decimal: z.string().nullable(),
  amount: z.int().openapi({ description: 'Minor units' }),
  period_start: instant,
  period_end: instant,
});

const billFields = {
  currency: z.string(),
  total: z.int().openapi({ description: 'Minor units, before taxes and discounts' }),
  lines: list(line),
};

const previewedPrice = z
  .strictObject({
    price,
    unit_amount_decimal: z.string().openapi({ description: 'What one more costs at the present quantity' }),
    amount: z.int().openapi({ description: 'What the present quantity costs, in minor units' }),
  })
  .openapi('PreviewedPrice');

export const planPreview = z
  .strictObject({
    account: z.string(),
    plan: z.string(),
    interval: interval
      .nullable()
      .openapi({ description: 'null = the plan is free: the subscription would end' }),
    seats: z.int().nullable().openapi({ description: 'null = the plan sells none' }),
    proration_date: instant.openapi({
      description: 'Passed on with the change, it makes the invoice what `now` says',
    }),
    now: z.strictObject(billFields).openapi('PreviewedBill'),
    next: orNull(z.strictObject({ ...billFields, at: instant }).openapi('PreviewedNextBill')),
    meters: list(
      z.strictObject({
        meter: z.string(),
        quantity,
        before: orNull(previewedPrice),
        after: orNull(previewedPrice),
      }),
    ),
  })
  .openapi('PlanPreview');
