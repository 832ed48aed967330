import { z } from '@hono/zod-openapi';
import { accountId, count, dateInput, instant, list, meter, orNull, problem, quantity } from './common.ts';

export const incrementResult = z
  .strictObject({
    recorded: z.boolean().openapi({ description: 'Counted by this request, durably' }),
    duplicate: z.boolean().openapi({ description: 'Its idempotency key was counted before' }),
  })
  .openapi('IncrementResult');

const properties = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .openapi({ description: 'At most 50 entries and 8 KB as JSON; kept with the usage event' });

const incrementFields = {
  account: accountId.optional().openapi({
    description: 'Id of the account; one that is not known yet is created. Default: that of the key',
  }),
  meter: meter.optional(),
  quantity: z.int().min(0).max(999_999_999_999_999).optional().openapi({ description: 'Default: 1' }),
  idempotency_key: z.string().min(1).max(255).optional().openapi({
    description: 'Counts repeated requests once, per account and meter, for at least 35 days',
  }),
  timestamp: dateInput.optional().openapi({
    description: 'When it was used: at most 35 days ago and 5 minutes ahead. Default: now',
  }),
  properties: properties.optional(),
};

/** As it is documented. */
export const increment = z.strictObject(incrementFields).openapi('Increment');

/** As it is read: a record leaves out `__proto__` without a word, and the library looks at properties itself. */
export const sentIncrement = z.strictObject({ ...incrementFields, properties: z.unknown().optional() });

/** The items are checked one by one: a bad one does not refuse the others. */
export const incrementBatch = z.strictObject({ increments: z.array(z.unknown()).min(1) });

export const documentedIncrementBatch = z
  .strictObject({ increments: z.array(increment).min(1).max(1_000) })
  .openapi('IncrementBatch');

export const batchResult = z
  .strictObject({
    recorded: count.openapi({ description: 'Items that this request has counted' }),
    duplicate: count,
    failed: count,
    results: list(
      z.union([incrementResult, z.strictObject({ error: problem }).openapi('FailedItem')]),
    ).openapi({ description: 'One per item, in their order' }),
  })
  .openapi('BatchResult');

export const reportStatus = z
  .enum(['open', 'closed', 'sending', 'reported', 'failed', 'held', 'voided', 'not_billable'])
  .openapi({
    description:
      '`closed`: it waits. `failed`, `held`: somebody has to look into it; browser tokens see `closed`, or `reported` where Stripe has accepted it',
  });

export const reportFields = {
  report_id: count,
  status: reportStatus,
  reason: z.string().nullable().openapi({
    description: 'Why it is where it is; null = nothing to add. Browser tokens are not told',
  }),
  reported: z.boolean(),
  late: z.boolean(),
  period_start: instant,
  period_end: instant.nullable(),
  quantity,
  reported_at: instant.nullable(),
  last_error: z.string().nullable().openapi({
    description: 'What went wrong, in words; null = nothing. Browser tokens are not told',
  }),
};
export const report = z.strictObject(reportFields).openapi('Report');

export const upTo = z.union([z.int(), z.literal('inf')]);
const ratedLine = z.strictObject({
  tier: z.int().nullable(),
  up_to: upTo.nullable(),
  quantity: z.number(),
  unit_amount_decimal: z.string().nullable(),
  flat_amount_decimal: z.string().nullable(),
  amount: z.int().openapi({ description: 'Minor units' }),
  amount_decimal: z.string(),
});

export const ratedAmount = z
  .strictObject({
    currency: z.string(),
    amount: z.int().openapi({ description: 'Minor units, before taxes and discounts' }),
    amount_decimal: z.string(),
    lines: list(ratedLine),
  })
  .openapi('RatedAmount');

export const changeUnderWay = z
  .strictObject({
    change: count,
    kind: z.enum(['plan', 'cancel']),
    plan: z.string().nullable(),
    requested_at: instant.openapi({ description: 'The current billing period begins there' }),
  })
  .openapi('ChangeUnderWay');

export const usageResult = z
  .strictObject({
    account: z.string(),
    meter: z.string(),
    period_start: instant,
    period_end: instant,
    quantity,
    reported_quantity: quantity,
    pending_quantity: quantity,
    reports: list(report),
    cost: orNull(ratedAmount),
    limit: count.nullable().openapi({
      description: 'Units that the plan includes at most; null = it sets no limit, or for other ranges',
    }),
    remaining: count.nullable().openapi({ description: 'What is left, from 0; null = without a limit' }),
    change: orNull(changeUnderWay),
  })
  .openapi('Usage');

export const usageByMeter = z
  .strictObject({ account: z.string(), meters: z.record(z.string(), usageResult) })
  .openapi('UsageByMeter');

export const windowsResult = z
  .strictObject({
    account: z.string(),
    meter: z.string(),
    window: z.enum(['hour', 'day', 'month']),
    time_zone: z.string(),
    period_start: instant,
    period_end: instant,
    quantity,
    windows: list(z.strictObject({ start: instant, end: instant, quantity })),
  })
  .openapi('UsageWindows');
