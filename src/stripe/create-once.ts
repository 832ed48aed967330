import type { Clock } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';
import { failureOf } from './stripe-outcome.ts';

export interface CreateOnceParams<Made> {
  /** Names what is to be made: whoever asks for the same uses the same key, also another process after a crash. */
  readonly key: string;
  /** What an earlier attempt, or somebody else, has made; null = nothing. */
  find(): Promise<Made | null>;
  create(idempotency_key: string): Promise<Made>;
  readonly clock: Clock;
}

/** Attempts whose outcome is unknown; somebody waits for the answer. */
const MAX_FAILURES = 3;
/** Keys with refusals that Stripe has saved, such as a declined card's. */
const MAX_KEYS = 30;
const FIRST_WAIT_MS = SECOND_MS / 2;

/**
 * Makes something at Stripe once. Stripe repeats its answer to an Idempotency-Key for a day, its own failures and
 * declined payments included: after one of those, and a look at what there is, the next key of the same name is tried.
 * An attempt without an answer is repeated under its own key.
 *
 * @throws what Stripe's SDK threw last.
 */
export async function createOnce<Made>({ key, find, create, clock }: CreateOnceParams<Made>): Promise<Made> {
  let failures = 0;
  for (let number = 1; ; ) {
    try {
      return await create(`${key}:${number}`);
    } catch (error) {
      const next = nextStep(error);
      if (next === 'give_up' || number === MAX_KEYS) throw error;
      const found = await find();
      if (found) return found;
      if (next !== 'next_key') failures += 1;
      if (failures === MAX_FAILURES) throw error;
      if (next !== 'repeat') number += 1;
      if (next !== 'next_key') await clock.sleep(FIRST_WAIT_MS * 2 ** failures);
    }
  }
}

/** `next_key`: the key is used up by something else. `fresh_key`: Stripe failed, and would say so again. */
function nextStep(error: unknown): 'give_up' | 'next_key' | 'fresh_key' | 'repeat' {
  const shape: ErrorShape & { readonly message: string } =
    error instanceof Error ? error : { message: String(error) };
  const { statusCode = 0, rawType, headers } = shape;
  if (statusCode === 409) return 'repeat';
  if (rawType === 'idempotency_error') return 'next_key';
  if (headers?.['idempotent-replayed'] === 'true') return 'next_key';
  if (statusCode >= 500) return 'fresh_key';
  if (statusCode === 0 && failureOf(error).outcome === 'unknown') return 'repeat';
  return 'give_up';
}

/** What of the SDK's errors says what to do next. */
interface ErrorShape {
  readonly statusCode?: number;
  readonly rawType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
