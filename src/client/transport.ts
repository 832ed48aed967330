import type { Authorization } from './authorization.ts';
import { fromProblem, isProblem, RequestError } from './request-error.ts';
import { retryAfterOf } from './retry.ts';
import { untilAborted } from './until-aborted.ts';

/** Values of a query; undefined = left out. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportOptions {
  readonly base_url: string;
  readonly authorization: Authorization;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly timeout_ms: number;
}

/** Sends one request, and once more with another token where the server refuses the first. */
export class Transport {
  readonly #base: string;
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = options.base_url.replace(/\/+$/, '');
  }

  /** @throws RequestError, or the reason of the caller's own signal. */
  async send<Answer>(request: TransportRequest): Promise<Answer> {
    const { authorization } = this.#options;
    const header = await this.#authorize(request.signal);
    try {
      return await this.#attempt<Answer>(request, header);
    } catch (error) {
      const isRefused = error instanceof RequestError && error.status === 401;
      if (!isRefused || !authorization.renew(header)) throw error;
      return await this.#attempt<Answer>(request, await this.#authorize(request.signal));
    }
  }

  /**
   * Sends in a way that outlives the page, without waiting for anything but the first token.
   *
   * @throws RequestError when there was no answer of the API.
   */
  async sendLast<Answer>(request: TransportRequest): Promise<Answer> {
    const { authorization } = this.#options;
    const header = authorization.latest ?? authorization.header();
    return await this.#attempt<Answer>(request, header instanceof Promise ? await header : header, true);
  }

  async #authorize(signal: AbortSignal | undefined): Promise<string | null> {
    try {
      const header = this.#options.authorization.header();
      return header instanceof Promise && signal ? await untilAborted(header, signal) : await header;
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw unreachable('There is no token to send.', cause);
    }
  }

  async #attempt<Answer>(
    { method, path, query, body, signal }: TransportRequest,
    authorization: string | null,
    keepalive = false,
  ): Promise<Answer> {
    const { fetch, timeout_ms } = this.#options;
    const timeout = AbortSignal.timeout(timeout_ms);
    const init: RequestInit = {
      method,
      headers: {
        Accept: 'application/json',
        ...(authorization === null ? {} : { Authorization: authorization }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(keepalive ? { keepalive } : { signal: signal ? AbortSignal.any([signal, timeout]) : timeout }),
    };
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#base}${path}${queryText(query)}`, init);
      text = await response.text();
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw unreachable(timeout.aborted ? `No answer within ${timeout_ms} ms.` : 'No connection.', cause);
    }
    return readAnswer<Answer>(response, text);
  }
}

function unreachable(reason: string, cause: unknown): RequestError {
  return new RequestError({ code: 'unreachable', message: `The server did not answer. ${reason}`, cause });
}

function queryText(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  return params.size === 0 ? '' : `?${params}`;
}

/** The types are the server's: what it answers is held to its schemas there. */
function readAnswer<Answer>(response: Response, text: string): Answer {
  const { status, headers } = response;
  if (status === 204) return undefined as Answer;
  const value = parse(text);
  if (response.ok && value !== undefined) return value as Answer;
  const retry_after_ms = retryAfterOf(headers.get('retry-after'));
  if (!response.ok && isProblem(value)) throw fromProblem(value, retry_after_ms);
  throw new RequestError({
    code: 'unexpected_answer',
    message: `The answer is not one of the API (status ${status}). Check base_url.`,
    status,
    ...(retry_after_ms === null ? {} : { retry_after_ms }),
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
