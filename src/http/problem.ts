import { ERRORS, UsageError, type UsageErrorCode } from '../core/errors.ts';
import { remedyOf } from './remedies.ts';

/** Problem details (RFC 9457) with what an error of the library says. */
export interface Problem {
  /** Where the code is described. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: UsageErrorCode;
  /** The parameter or header that it is about. */
  readonly field?: string;
  readonly remedy: string;
  readonly request_id: string;
}

/** What a problem says of the request that met it. */
export interface ProblemContext {
  readonly request_id: string;
  /** What stands before every path; empty = nothing. */
  readonly base_path: string;
}

/** An error with headers of its own. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly refusal: UsageError;
  readonly headers: readonly (readonly [string, string])[];

  constructor(refusal: UsageError, headers: RefusedError['headers']) {
    super(refusal.message);
    this.refusal = refusal;
    this.headers = headers;
  }
}

/** Whatever was thrown, as an error of the library: what is not one is not told to whoever asked. */
export function toUsageError(error: unknown): UsageError {
  if (error instanceof RefusedError) return error.refusal;
  return error instanceof UsageError ? error : new UsageError('internal_error', { cause: error });
}

/**
 * What is told of an error. Of those behind which the server stands, as the database's, only the general meaning: their
 * own words are for its operator.
 */
export function toProblem(error: UsageError, { request_id, base_path }: ProblemContext): Problem {
  const { code, status, field } = error;
  const { meaning } = ERRORS[code];
  const isOurs = status === 500;
  return {
    type: `${base_path}/reference#${code}`,
    title: meaning,
    status,
    detail: shown(isOurs ? meaning : detailOf(error)),
    code,
    ...(field === undefined || isOurs ? {} : { field: shown(field) }),
    remedy: remedyOf(isOurs ? 'internal_error' : code),
    request_id,
  };
}

/** The message without the remedy, which is a field of its own. What is undefined for the library, JSON leaves out. */
export function detailOf({ message, remedy, field, value }: UsageError): string {
  const text = message.endsWith(remedy) ? message.slice(0, -remedy.length).trim() : message;
  return value === 'undefined' ? text.replace(`${field} undefined:`, `${field} is missing:`) : text;
}

const SECRETS = /\b(?:(?:sk|rk)_(?:test|live)_\w+|whsec_\w+|tbk_[0-9A-Za-z]{17,})|eyJ[\w-]+\.[\w-]+\.[\w-]+/g;

const MAX_LENGTH = 500;

/** Somebody who sends a key in the wrong place, or a very long name, does not get it back. */
function shown(text: string): string {
  const safe = text.slice(0, 2 * MAX_LENGTH).replaceAll(SECRETS, '[secret]');
  return safe.length > MAX_LENGTH ? `${safe.slice(0, MAX_LENGTH)}…` : safe;
}
