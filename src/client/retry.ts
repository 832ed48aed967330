import { RequestError } from './request-error.ts';

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
/** A server that asks for more patience than this is answered with an error instead. */
const MAX_RETRY_AFTER_MS = 120_000;

/** Runs what may be repeated until it succeeds, fails for good, or has been tried often enough. */
export async function withRetries<Result>(
  max_attempts: number,
  run: (attempt: number) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run(attempt);
    } catch (error) {
      if (attempt >= max_attempts || !(error instanceof RequestError) || !error.is_temporary) throw error;
      if ((error.retry_after_ms ?? 0) > MAX_RETRY_AFTER_MS) throw error;
      await wait(waitBefore(attempt + 1, error.retry_after_ms), signal);
    }
  }
}

/** Doubling, with jitter, so that clients that failed together do not come back together; what the server asks at least. */
function waitBefore(attempt: number, retry_after_ms: number | null): number {
  const most = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 2));
  return Math.max(retry_after_ms ?? 0, most * (0.5 + Math.random() / 2));
}

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), in milliseconds; null = it says neither. */
export function retryAfterOf(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    function done() {
      signal?.removeEventListener('abort', stop);
      resolve();
    }
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
