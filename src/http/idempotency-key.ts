import { z } from '@hono/zod-openapi';
import { UsageError } from '../core/errors.ts';
import type { Route } from './route.ts';

/** A header has no encoding: other characters would arrive as other text than the same key in a body. */
const TEXT = /^[\x20-\x7e]*$/;
const OF_ITEMS = 'Every item has a key of its own: one for all would count only the first.';
const NOT_KEPT = 'The route keeps none: its documentation says what becomes of a request that is sent again.';

/**
 * The key in the header `Idempotency-Key`, which stands for `idempotency_key` in the body; quotation marks around it, as
 * the draft of the header has them, are no part of it. null = there is none, or nothing is changed that it could protect.
 *
 * @throws UsageError `invalid_idempotency_key` where it is not ASCII, or would promise what the route does not keep.
 */
export function readIdempotencyKey(
  request: Request,
  { access, body }: Pick<Route['definition'], 'access' | 'body'>,
): string | null {
  const key = request.headers.get('idempotency-key');
  if (key === null || access.scope === 'read') return null;
  if (!takesKey(body?.schema)) throw refusal(access.account === 'each' ? OF_ITEMS : NOT_KEPT);
  if (!TEXT.test(key)) throw refusal('In the header it is of ASCII characters; others go into the body.');
  return /^"(.*)"$/.exec(key)?.[1] ?? key;
}

/**
 * A body as it was sent, with the key of the header; null = without one.
 *
 * @throws UsageError `invalid_idempotency_key` where the body has another one.
 */
export function withIdempotencyKey(sent: unknown, idempotency_key: string | null): unknown {
  if (idempotency_key === null || typeof sent !== 'object' || sent === null || Array.isArray(sent))
    return sent;
  if ('idempotency_key' in sent && sent.idempotency_key !== idempotency_key) {
    throw refusal('The header and the body name different keys.');
  }
  return { ...sent, idempotency_key };
}

function takesKey(schema: z.ZodType | undefined): boolean {
  return schema instanceof z.ZodObject && 'idempotency_key' in schema.shape;
}

function refusal(reason: string): UsageError {
  return new UsageError('invalid_idempotency_key', { field: 'Idempotency-Key', reason });
}
