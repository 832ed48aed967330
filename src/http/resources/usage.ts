import { z } from '@hono/zod-openapi';
import { defineRoute, type Route } from '../route.ts';
import { account, dateInput, meter } from '../wire/common.ts';
import { costResult } from '../wire/price.ts';
import { type report, type reportStatus, usageByMeter, usageResult, windowsResult } from '../wire/usage.ts';

const readable = { scope: 'read', browser_token: true, account: 'one' } as const;
const range = { period_start: dateInput.optional(), period_end: dateInput.optional() };
const READING_ERRORS = [
  'invalid_account',
  'invalid_meter',
  'account_not_found',
  'quantity_overflow',
] as const;

export const USAGE: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/usage',
    operation_id: 'getUsage',
    summary: 'Read usage',
    description:
      'In exactly `[period_start, period_end)`, or without dates in the current billing period, with its cost so far. One entry per meter where several are configured and the request names none.',
    access: readable,
    query: z.strictObject({ account, meter: meter.optional(), ...range }),
    answer: z.union([usageResult, usageByMeter]),
    errors: [...READING_ERRORS, 'invalid_period', 'amount_overflow', 'usage_archived'],
    handle: async ({ query, caller }, { service }) => {
      const usage = await service.get(query);
      return caller.kind === 'token' ? withoutInternals(usage) : usage;
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/usage/windows',
    operation_id: 'getUsageWindows',
    summary: 'Read usage hour by hour, day by day or month by month',
    description:
      'On the clock of a time zone, at most 1,000 windows. Without dates in the current billing period.',
    access: readable,
    query: z.strictObject({
      account,
      meter: meter.optional(),
      window: z.enum(['hour', 'day', 'month']),
      time_zone: z.string().min(1).max(100).optional().openapi({
        description: 'IANA name. Default: UTC',
        example: 'Europe/Berlin',
      }),
      ...range,
    }),
    answer: windowsResult,
    errors: [...READING_ERRORS, 'meter_required', 'invalid_period', 'invalid_window', 'usage_archived'],
    handle: ({ query }, { service }) => service.windows(query),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/usage/cost',
    operation_id: 'getCost',
    summary: 'Read what the current billing period costs so far',
    description: 'With the price and all its tiers, and the limit that the plan sets.',
    access: readable,
    query: z.strictObject({ account, meter: meter.optional() }),
    answer: costResult,
    errors: [...READING_ERRORS, 'meter_required', 'amount_overflow'],
    handle: ({ query }, { service }) => service.cost(query),
  }),
];

type Usage = z.input<typeof usageResult> | z.input<typeof usageByMeter>;

/** What went wrong with a report is for the operator: the account's own page does not show it. */
function withoutInternals(usage: Usage): Usage {
  if (!('meters' in usage)) return withoutTroubles(usage);
  const meters = Object.entries(usage.meters).map(([name, each]) => [name, withoutTroubles(each)]);
  return { ...usage, meters: Object.fromEntries(meters) };
}

function withoutTroubles(usage: z.input<typeof usageResult>): z.input<typeof usageResult> {
  const reports = usage.reports.map((each) => ({
    ...each,
    status: shownStatus(each),
    reason: null,
    last_error: null,
  }));
  return { ...usage, reports };
}

/** Whatever somebody has to look into: for the customer it has arrived at Stripe, or waits. */
function shownStatus({ status, reported }: z.input<typeof report>): z.input<typeof reportStatus> {
  if (status !== 'failed' && status !== 'held') return status;
  return reported ? 'reported' : 'closed';
}
