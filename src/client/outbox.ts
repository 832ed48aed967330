import { newKey } from './idempotency-key.ts';
import { fromProblem, isProblem, RequestError } from './request-error.ts';
import { withRetries } from './retry.ts';
import type { Transport, TransportRequest } from './transport.ts';
import type { BatchResult, Increment, IncrementResult } from './wire.ts';

/** Calls that may wait for the server before new ones are refused as `overloaded`. */
export const MAX_WAITING_CALLS = 10_000;
/** The server takes 1,000 in one request. */
const MAX_BATCH = 1_000;
/** The server takes 1 MB; JSON escapes and the frame have room. */
const MAX_BATCH_CHARACTERS = 250_000;
/** A browser takes 64 KiB altogether from pages that are going away. */
const MAX_LAST_CHARACTERS = 15_000;
const MAX_QUANTITY = 999_999_999_999_999;
const PATH = '/v1/usage/batch';

/** An increment that waits, and the calls that it answers. */
interface Waiting {
  /** As it was when it was recorded: what the caller changes later is not sent with the same key. */
  item: Increment & { readonly idempotency_key: string };
  /** The key is ours: that the server knows it already means that an earlier attempt has counted it. */
  readonly has_own_key: boolean;
  readonly characters: number;
  readonly callers: PromiseWithResolvers<IncrementResult>[];
}

/**
 * Increments on their way to the server. Calls that are made while a request is under way go together in the next
 * one; there is no timer, and a lone call is sent at once. Every increment has an idempotency key that it keeps, so that
 * a request whose answer was lost is repeated without counting twice.
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #maxAttempts: number;
  #queue: Waiting[] = [];
  #underWay: readonly Waiting[] = [];
  /** Where further calls without a key of their own join, by account and meter. */
  #shared = new Map<string, Waiting>();
  #waitingCalls = 0;
  #isScheduled = false;
  #whenIdle: PromiseWithResolvers<void> | null = null;

  constructor(transport: Transport, max_attempts: number) {
    this.#transport = transport;
    this.#maxAttempts = max_attempts;
  }

  /** Resolves when the server has recorded it, durably. @throws RequestError. */
  record(increment: Increment): Promise<IncrementResult> {
    const caller = Promise.withResolvers<IncrementResult>();
    // A call that nobody awaits must not end the process when it fails.
    caller.promise.catch(() => {});
    try {
      if (this.#waitingCalls >= MAX_WAITING_CALLS) throw overloaded();
      this.#enqueue(increment, caller);
      this.#waitingCalls += 1;
      this.#schedule();
    } catch (error) {
      caller.reject(error instanceof RequestError ? error : unwritable(error));
    }
    return caller.promise;
  }

  /** Resolves when nothing waits any more, whatever became of it. */
  flush(): Promise<void> {
    if (this.#waitingCalls === 0) return Promise.resolve();
    this.#whenIdle ??= Promise.withResolvers();
    return this.#whenIdle.promise;
  }

  /**
   * Sends what waits, and again what is under way, in a way that outlives the page: their keys count them once. What is
   * more than a browser takes then stays where it is, for the case that the page comes back.
   */
  flushLast(): void {
    let characters = 0;
    const last = [...this.#underWay, ...this.#queue].filter((waiting) => {
      characters += waiting.characters;
      return characters <= MAX_LAST_CHARACTERS;
    });
    if (last.length === 0) return;
    // What may have been counted keeps its content.
    this.#shared.clear();
    // Whether it arrives is seen, if the page lives on, by the ordinary request, which is sent all the same.
    this.#transport.sendLast<BatchResult>(requestOf(last)).catch(() => {});
  }

  #enqueue(increment: Increment, caller: PromiseWithResolvers<IncrementResult>): void {
    const { idempotency_key, quantity = 1 } = increment;
    const is_shareable = isShareable(increment);
    const name = JSON.stringify([increment.account, increment.meter]);
    const shared = is_shareable ? this.#shared.get(name) : undefined;
    const sum = (shared?.item.quantity ?? 0) + quantity;
    if (shared && sum <= MAX_QUANTITY) {
      shared.item = { ...shared.item, quantity: sum };
      shared.callers.push(caller);
      return;
    }
    const text = JSON.stringify({ ...increment, quantity, idempotency_key: idempotency_key ?? newKey() });
    const item: Waiting['item'] = JSON.parse(text);
    const has_own_key = idempotency_key === undefined;
    const waiting = { item, has_own_key, characters: text.length, callers: [caller] };
    if (is_shareable) this.#shared.set(name, waiting);
    this.#queue.push(waiting);
  }

  /** After the current turn of the event loop, so that calls made together are sent together. */
  #schedule(): void {
    if (this.#isScheduled || this.#underWay.length > 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      void this.#sendBatch();
    });
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#takeBatch();
    this.#underWay = batch;
    try {
      await withRetries(this.#maxAttempts, () => this.#attempt());
    } catch (error) {
      for (const waiting of this.#underWay) this.#settle(waiting, ({ reject }) => reject(error));
    }
    this.#underWay = [];
    if (this.#queue.length > 0) this.#schedule();
    else if (this.#waitingCalls === 0) {
      this.#whenIdle?.resolve();
      this.#whenIdle = null;
    }
  }

  #takeBatch(): readonly Waiting[] {
    let characters = 0;
    const end = this.#queue.findIndex((waiting, index) => {
      characters += waiting.characters;
      return index > 0 && (index >= MAX_BATCH || characters > MAX_BATCH_CHARACTERS);
    });
    const batch = this.#queue.splice(0, end === -1 ? this.#queue.length : end);
    for (const waiting of batch) {
      const name = JSON.stringify([waiting.item.account, waiting.item.meter]);
      if (this.#shared.get(name) === waiting) this.#shared.delete(name);
    }
    return batch;
  }

  /** @throws RequestError when some of it may succeed later: the rest is answered and no longer under way. */
  async #attempt(): Promise<void> {
    const sent = this.#underWay;
    const outcomes = outcomesOf(await this.#transport.send<unknown>(requestOf(sent)), sent.length);
    let temporary: RequestError | null = null;
    const left = sent.filter((waiting, index) => {
      const outcome = outcomes[index] ?? null;
      const refusal = outcome !== null && 'error' in outcome ? fromProblem(outcome.error) : null;
      if (outcome === null || refusal?.is_temporary) {
        temporary = refusal ?? incomplete();
        return true;
      }
      this.#settle(waiting, ({ resolve, reject }) => {
        if (refusal) reject(refusal);
        else if (!('error' in outcome)) resolve(resultOf(outcome, waiting));
      });
      return false;
    });
    this.#underWay = left;
    if (temporary) throw temporary;
  }

  #settle(waiting: Waiting, answer: (caller: PromiseWithResolvers<IncrementResult>) => void): void {
    this.#waitingCalls -= waiting.callers.length;
    for (const caller of waiting.callers) answer(caller);
  }
}

function isShareable({ idempotency_key, timestamp, properties, quantity = 1 }: Increment): boolean {
  const isPlain = idempotency_key === undefined && timestamp === undefined && properties === undefined;
  // What the server refuses must not take others with it.
  return isPlain && Number.isInteger(quantity) && quantity >= 0;
}

function requestOf(batch: readonly Waiting[]): TransportRequest {
  return { method: 'POST', path: PATH, body: { increments: batch.map(({ item }) => item) } };
}

type Outcome = BatchResult['results'][number];

/** One for each increment; null = the answer, which may be of something between, does not say. */
function outcomesOf(answer: unknown, count: number): readonly (Outcome | null)[] {
  const isBatch = typeof answer === 'object' && answer !== null && 'results' in answer;
  if (!isBatch || !Array.isArray(answer.results) || answer.results.length !== count) return [];
  return answer.results.map((result: unknown) => (isOutcome(result) ? result : null));
}

function isOutcome(result: unknown): result is Outcome {
  if (typeof result !== 'object' || result === null) return false;
  if ('error' in result) return isProblem(result.error);
  const { recorded, duplicate }: { recorded?: unknown; duplicate?: unknown } = result;
  return typeof recorded === 'boolean' && typeof duplicate === 'boolean';
}

/** Nobody else has our key: the server knows it from a request of ours that came before, or has overtaken this one. */
function resultOf(result: IncrementResult, { has_own_key }: Waiting): IncrementResult {
  return result.duplicate && has_own_key ? { recorded: true, duplicate: false } : result;
}

function overloaded(): RequestError {
  const message = `${MAX_WAITING_CALLS} increments wait for the server; this one was not recorded.`;
  return new RequestError({ code: 'overloaded', message, status: 503 });
}

function unwritable(cause: unknown): RequestError {
  const message = 'The increment cannot be written as JSON; it was not recorded.';
  return new RequestError({ code: 'invalid_parameter', message, status: 400, cause });
}

function incomplete(): RequestError {
  const message = 'The answer to a batch does not say what became of each increment.';
  return new RequestError({ code: 'unexpected_answer', message, status: 502 });
}
