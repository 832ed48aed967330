import { recordEach, toBatchResult } from '../record-each.ts';
import { defineRoute, type Route } from '../route.ts';
import {
  batchResult,
  documentedIncrementBatch,
  increment,
  incrementBatch,
  incrementResult,
  sentIncrement,
} from '../wire/usage.ts';

const RECORDING_ERRORS = [
  'invalid_account',
  'invalid_meter',
  'meter_required',
  'invalid_quantity',
  'invalid_timestamp',
  'invalid_properties',
  'idempotency_conflict',
  'late_usage',
  'overloaded',
] as const;

export const INCREMENTS: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/usage',
    operation_id: 'recordUsage',
    summary: 'Record usage',
    description:
      'Durable when it is answered. The header `Idempotency-Key` is the same as `idempotency_key` in the body.',
    access: { scope: 'write', browser_token: false, account: 'one' },
    body: { schema: sentIncrement, documented: increment },
    answer: incrementResult,
    errors: [...RECORDING_ERRORS, 'account_not_found'],
    handle: ({ body }, { service }) => service.increment(body),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/usage/batch',
    operation_id: 'recordUsageBatch',
    summary: 'Record up to 1,000 increments',
    description:
      'Each is recorded, or refused, by itself; each has its own idempotency key. Answers 200 also where items failed.',
    access: { scope: 'write', browser_token: false, account: 'each' },
    body: { schema: incrementBatch, documented: documentedIncrementBatch },
    answer: batchResult,
    errors: ['batch_too_large', 'overloaded'],
    handle: async ({ body, caller, request_id }, context) => {
      const outcomes = await recordEach(body.increments, (item) => item, caller, context);
      return toBatchResult(outcomes, { request_id, base_path: context.base_path });
    },
  }),
];
