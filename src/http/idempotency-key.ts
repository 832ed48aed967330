import { UsageError } from '../core/errors.ts';

/**
 * What was sent with its idempotency key, which may stand in the header instead; quotation marks around it, as the draft
 * of the header has them, are no part of it.
 *
 * @throws UsageError `invalid_idempotency_key` where header and body differ.
 */
export function withIdempotencyKey<Body extends { readonly idempotency_key?: string | undefined }>(
  request: Request,
  body: Body,
): Body {
  const key = request.headers.get('idempotency-key');
  if (key === null) return body;
  const idempotency_key = /^"(.*)"$/.exec(key)?.[1] ?? key;
  if (body.idempotency_key === undefined || body.idempotency_key === idempotency_key) {
    return { ...body, idempotency_key };
  }
  const reason = 'The header and the body name different keys.';
  throw new UsageError('invalid_idempotency_key', { field: 'Idempotency-Key', reason });
}

const OF_ITEMS = 'Every item has a key of its own: one for all would count only the first.';

/**
 * Where a key in the header would promise what is not kept: of several items, each has its own.
 *
 * @throws UsageError `invalid_idempotency_key`.
 */
export function refuseIdempotencyKey(request: Request, reason = OF_ITEMS): void {
  if (!request.headers.has('idempotency-key')) return;
  throw new UsageError('invalid_idempotency_key', { field: 'Idempotency-Key', reason });
}
