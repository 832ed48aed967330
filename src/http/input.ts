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
  const result = schema.safeParse(sent, { error: wordsOf });
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

type Issue = Parameters<z.core.$ZodErrorMap>[0];

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  function: 'a function',
};
const OTHER_KIND = 'of a kind that is taken here';
const NUMBERS = new Set(['number', 'int']);

/** What is wrong, for somebody who writes JSON or options. A schema may have words of its own, which go first. */
export function wordsOf(issue: Issue): string {
  if (issue.input === undefined) return 'It is missing';
  if (issue.code === 'invalid_type') return `It is not ${KINDS[issue.expected] ?? OTHER_KIND}`;
  if (issue.code === 'invalid_value') return `It is none of ${issue.values.join(', ')}`;
  if (issue.code === 'too_small') return `It is ${tooSmall(issue.origin, issue.minimum)}`;
  if (issue.code === 'too_big') return `It is ${tooBig(issue.origin, issue.maximum)}`;
  return `It is not ${OTHER_KIND}`;
}

function tooSmall(origin: string, minimum: number | bigint): string {
  const least = minimum.toLocaleString('en-US');
  if (NUMBERS.has(origin)) return `less than ${least}`;
  return least === '1' ? 'empty' : `shorter than ${least} characters`;
}

function tooBig(origin: string, maximum: number | bigint): string {
  const most = maximum.toLocaleString('en-US');
  return NUMBERS.has(origin) ? `more than ${most}` : `longer than ${most} characters`;
}
