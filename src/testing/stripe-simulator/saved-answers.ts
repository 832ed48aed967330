import type { Answer } from './answer.ts';
import type { FormObject } from './form.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';

/** How long Stripe keeps an answer (docs.stripe.com/api/idempotent_requests). */
const MEMORY_MS = 24 * 3_600_000;

/** What must be the same when an Idempotency-Key is used again. */
export function fingerprintOf(method: string, path: string, params: FormObject): string {
  return JSON.stringify([method, path, sorted(params)]);
}

/**
 * The answer that is kept under the key, if any.
 *
 * @throws StripeError when the key belongs to another request, or to one that is still in progress.
 */
export function savedAnswer(simulation: Simulation, key: string, fingerprint: string): Answer | null {
  for (const request of simulation.state.delayedRequests.values()) {
    if (request.idempotency_key === key) throw keyInUse(key);
  }
  const saved = simulation.state.savedAnswers.get(key);
  if (!saved || simulation.now_ms - saved.saved_at_ms >= MEMORY_MS) return null;
  if (saved.fingerprint !== fingerprint) {
    throw new StripeError(
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      { type: 'idempotency_error' },
    );
  }
  return { status: saved.status, body: saved.body, headers: { 'Idempotent-Replayed': 'true' } };
}

/**
 * Keeps what came of an execution, errors of the server and payments that failed included. A request that was refused
 * before anything was done may be corrected under its key.
 */
export function saveAnswer(
  simulation: Simulation,
  key: string,
  fingerprint: string,
  { status, body }: Answer,
): void {
  if (status >= 400 && status < 500 && status !== 402) return;
  const { savedAnswers } = simulation.state;
  for (const { id, saved_at_ms } of savedAnswers.values()) {
    if (simulation.now_ms - saved_at_ms < MEMORY_MS) break;
    savedAnswers.delete(id);
  }
  savedAnswers.delete(key);
  savedAnswers.put({ id: key, fingerprint, saved_at_ms: simulation.now_ms, status, body });
}

export function keyInUse(key: string): StripeError {
  return new StripeError(
    `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    { status: 409, type: 'idempotency_error', code: 'idempotency_key_in_use' },
  );
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, entry]) => [key, sorted(entry)]);
}
