import type { Problem } from './wire.ts';

/** The server's own codes, and two for what never was an answer of it. */
export type RequestErrorCode = Problem['code'] | 'unreachable' | 'unexpected_answer';

export interface RequestErrorDetails {
  readonly code: RequestErrorCode;
  readonly message: string;
  readonly problem?: Problem;
  readonly status?: number;
  readonly retry_after_ms?: number;
  readonly cause?: unknown;
}

/**
 * What every call of the client rejects with. Where the server answered, `problem` holds its problem details (RFC 9457).
 * `unreachable`: there was no answer in time, so it is not known what became of the request. `unexpected_answer`:
 * something else than the API answered, such as a proxy.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** Stable word to switch on. */
  readonly code: RequestErrorCode;
  /** HTTP status; 0 = there was no answer. */
  readonly status: number;
  /** null = the answer was not one of the API, or there was none. */
  readonly problem: Problem | null;
  /** How long the server asks to wait, in milliseconds; null = it does not say. */
  readonly retry_after_ms: number | null;

  constructor({ code, message, problem, status = 0, retry_after_ms, cause }: RequestErrorDetails) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.status = status;
    this.problem = problem ?? null;
    this.retry_after_ms = retry_after_ms ?? null;
  }

  /** Whether the same request may succeed later. */
  get is_temporary(): boolean {
    return this.status === 0 || isTemporary(this.status);
  }
}

/** Of the server's trouble, and of too many requests: the request itself is right. */
function isTemporary(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** The error for a problem that the server told. */
export function fromProblem(problem: Problem, retry_after_ms: number | null = null): RequestError {
  return new RequestError({
    code: problem.code,
    message: `${problem.detail} ${problem.remedy}`,
    problem,
    status: problem.status,
    ...(retry_after_ms === null ? {} : { retry_after_ms }),
  });
}

export function isProblem(value: unknown): value is Problem {
  return (
    typeof value === 'object' && value !== null && 'code' in value && 'detail' in value && 'remedy' in value
  );
}
