import type { JsonObject } from './json.ts';

/** What distinguishes one refusal from another, in Stripe's words (docs.stripe.com/api/errors). */
export interface StripeErrorDetails {
  /** HTTP status; default 400. */
  readonly status?: number;
  /** Default `invalid_request_error`. */
  readonly type?: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  readonly code?: string;
  /** Why the bank refuses, of a card error. */
  readonly decline_code?: string;
  readonly param?: string;
  /** Extra headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer in Stripe's error format. */
export class StripeError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;

  constructor(message: string, details: StripeErrorDetails = {}) {
    super(message);
    this.status = details.status ?? 400;
    this.headers = details.headers ?? {};
    this.body = {
      error: {
        type: details.type ?? 'invalid_request_error',
        message,
        ...(details.code === undefined ? {} : { code: details.code }),
        ...(details.decline_code === undefined ? {} : { decline_code: details.decline_code }),
        ...(details.param === undefined ? {} : { param: details.param }),
      },
    };
  }
}

/**
 * An id in the path that leads nowhere is a 404, one in a parameter a 400. Ids with `_live_` in them stand for objects
 * that exist in live mode only.
 */
export function noSuch(what: string, id: string, param = 'id'): StripeError {
  const status = param === 'id' ? 404 : 400;
  const elsewhere = id.includes('_live_')
    ? '; a similar object exists in live mode, but a test mode key was used to make this request.'
    : '';
  return new StripeError(`No such ${what}: '${id}'${elsewhere}`, { status, code: 'resource_missing', param });
}
