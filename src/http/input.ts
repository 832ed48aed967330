import type { z } from '@hono/zod-openapi';
import { UsageError, type UsageErrorCode } from '../core/errors.ts';

/** What a wrong parameter is called, where it is the same everywhere. */
const CODES: Readonly<Record<string, UsageErrorCode>> = {
  account: 'invalid_account',
  meter: 'invalid_meter',
  quantity: 'invalid_quantity',
  idempotency_key: 'invalid_idempotency_key',
  timestamp: 'invalid_timestamp',
  properties: 'invalid_properties',
  reason: 'invalid_reason',
  actor: 'invalid_actor',
  plan: 'invalid_plan',
  stripe_customer: 'invalid_stripe_customer',
  period_start: 'invalid_period',
  period_end: 'invalid_period',
  window: 'invalid_window',
  time_zone: 'invalid_window',
};

/**
 * What was sent, as a schema has it.
 *
 * @throws UsageError of the parameter that is wrong first.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, sent: unknown): z.output<Schema> {
  const result = schema.safeParse(sent);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const [field = ''] = issue.keys;
    throw new UsageError('invalid_parameter', { field, reason: 'It is not known here.' });
  }
  const [name] = issue?.path ?? [];
  const field = issue?.path.map(String).join('.') || 'body';
  const code = typeof name === 'string' && Object.hasOwn(CODES, name) ? CODES[name] : undefined;
  throw new UsageError(code ?? 'invalid_parameter', {
    field,
    reason: `${issue?.message ?? 'It is not valid'}.`,
  });
}
