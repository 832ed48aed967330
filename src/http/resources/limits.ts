import { z } from '@hono/zod-openapi';
import { defineRoute, type Route } from '../route.ts';
import { account, meter } from '../wire/common.ts';
import { limitResult, quantityText } from '../wire/limits.ts';

export const LIMITS: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/limits/check',
    operation_id: 'checkLimit',
    summary: 'Ask whether the plan includes what is about to be used',
    description:
      'To be asked before the work: usage is never refused for a limit, and requests at the same time do not see each other.',
    access: { scope: 'read', browser_token: true, account: 'one' },
    query: z.strictObject({ account, meter: meter.optional(), quantity: quantityText }),
    answer: limitResult,
    errors: [
      'invalid_account',
      'invalid_meter',
      'meter_required',
      'invalid_quantity',
      'account_not_found',
      'quantity_overflow',
      'amount_overflow',
    ],
    handle: ({ query }, { service }) => service.limits.check(query),
  }),
];
