import { UsageError } from '../core/errors.ts';

/** A header has no encoding: other characters would arrive as other text than the same key in a body. */
const TEXT = /^[\x20-\x7e]*$/;

/**
 * What was sent with its idempotency key, which may stand in the header instead; quotation marks around it, as the draft
 * of the header has them, are no part of it.
 *
 * @throws UsageError `invalid_idempotency_key` where header and body differ, or the header is not ASCII.
 */
export function withIdempotencyKey<Body extends { readonly idempotency_key?: string | undefined }>(
  request: Request,
  body: Body,
): Body {
  const key = request.headers.get('idempotency-key');
  if (key === null) return body;
  if (!TEXT.test(key)) throw refusal('In the header it is of ASCII characters; others go into the body.');
  const idempotency_key = /^"(.*)"$/.exec(key)?.[1] ?? key;
  if (body.idempotency_key === undefined || body.idempotency_key === idempotency_key) {
    return { ...body, idempotency_key };
  }
  throw refusal('The header and the body name different keys.');
}

const OF_ITEMS = 'Every item has a key of its own: one for all would count only the first.';

/**
 * Where a key in the header would promise what is not kept: of several items, each has its own.
 *
 * @throws UsageError `invalid_idempotency_key`.
 */
export function refuseIdempotencyKey(request: Request, reason = OF_ITEMS): void {
  if (request.headers.has('idempotency-key')) throw refusal(reason);
}

function refusal(reason: string): UsageError {
  return new UsageError('invalid_idempotency_key', { field: 'Idempotency-Key', reason });
}
