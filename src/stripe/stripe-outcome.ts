import type { Failed, SendReportResult, Unavailable } from '../core/billing-provider.ts';
import { NotSentError } from './rate-limiter.ts';
import { retryAfterOf } from './retry-after.ts';
import { type RefusalShape, refusalCodeOf } from './stripe-refusal.ts';

/** What the SDK's errors have in common (stripe-node's StripeError), as far as it decides what to do. */
interface StripeErrorShape extends RefusalShape {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the SDK was told by its HTTP client. */
  readonly detail?: unknown;
}

/** What a failed call means for the report that it was to send. */
export function sendFailureOf(error: unknown): SendReportResult {
  return isDuplicate(shapeOf(error)) ? { outcome: 'duplicate' } : failureOf(error);
}

/**
 * What a failed call means. Only a 4xx that is about the request itself is final: 409 and 429 ask to come back, 401
 * and 403 are about our key and not about the account, an idempotency error is about a key that a restored backup
 * made us use again, a timestamp that is still ahead, since our clock is, comes right by itself, and everything else
 * (5xx, connection lost, time-out, an answer that is not JSON) may have taken effect.
 */
export function failureOf(error: unknown): Failed {
  const shape = shapeOf(error);
  const { message, rawType, code, statusCode = 0 } = shape;
  const isFinal =
    statusCode >= 400 &&
    statusCode < 500 &&
    ![401, 403, 409, 429].includes(statusCode) &&
    rawType !== 'idempotency_error' &&
    code !== 'timestamp_in_future';
  return isFinal ? { outcome: 'refused', message, code: refusalCodeOf(shape) } : unavailableOf(error);
}

function unavailableOf(error: unknown): Unavailable {
  const { message, headers, detail, statusCode } = shapeOf(error);
  if (detail instanceof NotSentError) {
    return { outcome: 'unknown', message: detail.message, retry_after_ms: detail.retry_after_ms };
  }
  const retry_after_ms = retryAfterOf(headers?.['retry-after']);
  // Saved under the idempotency key (docs.stripe.com/api/idempotent_requests); other 5xx come from what is before Stripe.
  const kept = statusCode === 500 ? ({ is_kept: true } as const) : {};
  return { outcome: 'unknown', message, retry_after_ms, ...kept };
}

/** Stripe answers a repeated identifier with a 400 that has no code of its own; version 2 of the API names it. */
function isDuplicate({ statusCode, code, message }: StripeErrorShape): boolean {
  return (
    statusCode === 400 &&
    (code === 'duplicate_meter_event' || /already exists with identifier/i.test(message))
  );
}

function shapeOf(error: unknown): StripeErrorShape {
  return error instanceof Error ? error : { message: String(error) };
}
