import type { Environment } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { LateUsagePolicy } from '../core/late-usage.ts';
import { MAX_QUANTITY } from '../core/quantity.ts';
import type { Store, UsageEntry, UsageEntryOutcome } from '../core/store.ts';
import { contentOf, type Increment } from '../core/usage-event.ts';

/** What became of an increment. */
export interface IncrementResult {
  /** True when this call was counted, durably. False for a duplicate and for `quantity: 0`. */
  readonly recorded: boolean;
  /** True when the idempotency key was counted before, with the same content. */
  readonly duplicate: boolean;
}

/** Calls that may wait for the database before new ones are refused as `overloaded`. */
export const MAX_WAITING_CALLS = 100_000;

/** Kept: an app's tests may put another one in its place, which waits until the test lets time pass. */
const { setImmediate: afterTurn } = globalThis;

type RecorderStore = Pick<Store, 'batching' | 'recordUsage' | 'recordInTransaction'>;

/** An entry that waits for its commit, and the calls that it answers. */
interface WaitingEntry {
  entry: UsageEntry;
  readonly callers: PromiseWithResolvers<IncrementResult>[];
}

/**
 * Group commit: calls that arrive while a commit is in flight go together in the next one, so that a disk that syncs
 * a thousand times a second records hundreds of thousands of increments. There is no timer; a lone call costs one
 * commit. Calls without a key that differ in nothing share one usage event.
 */
export class Recorder {
  readonly #store: RecorderStore;
  readonly #lateUsage: LateUsagePolicy;
  readonly #environment: Environment;
  #queue: WaitingEntry[] = [];
  /** The waiting entry that further unkeyed calls of an account and meter join. */
  #shared = new Map<string, Map<string, WaitingEntry>>();
  #waitingCalls = 0;
  #commitsInFlight = 0;
  #isScheduled = false;
  #whenIdle: PromiseWithResolvers<void> | null = null;

  constructor(store: RecorderStore, environment: Environment, late_usage: LateUsagePolicy = 'bill_next') {
    this.#store = store;
    this.#lateUsage = late_usage;
    this.#environment = environment;
  }

  /** Resolves when the increment is durable. @throws UsageError `overloaded`, `idempotency_conflict`, `storage_*`. */
  record(increment: Increment): Promise<IncrementResult> {
    if (increment.quantity === 0) return Promise.resolve({ recorded: false, duplicate: false });
    if (this.#waitingCalls >= MAX_WAITING_CALLS) return Promise.reject(new UsageError('overloaded'));
    const caller = Promise.withResolvers<IncrementResult>();
    this.#waitingCalls += 1;
    this.#enqueue(increment, caller);
    this.#schedule();
    return caller.promise;
  }

  /**
   * Records in a transaction of the app, which decides whether it counts.
   *
   * @throws UsageError `idempotency_conflict`, `transaction_unsupported`, `invalid_transaction`, `storage_*`.
   */
  async recordIn(transaction: unknown, increment: Increment, recorded_at: number): Promise<IncrementResult> {
    if (increment.quantity === 0) return { recorded: false, duplicate: false };
    const entry = this.#entryOf(increment);
    const outcome = await this.#store.recordInTransaction({ transaction, recorded_at, entry });
    if (outcome === 'conflict') throw conflictOf(entry);
    return { recorded: outcome === 'recorded', duplicate: outcome === 'duplicate' };
  }

  /** Resolves when nothing waits any more. */
  drain(): Promise<void> {
    if (this.#waitingCalls === 0) return Promise.resolve();
    this.#whenIdle ??= Promise.withResolvers();
    return this.#whenIdle.promise;
  }

  #enqueue(increment: Increment, caller: PromiseWithResolvers<IncrementResult>): void {
    if (!isShareable(increment)) {
      this.#queue.push({ entry: this.#entryOf(increment), callers: [caller] });
      return;
    }
    const meters = this.#shared.get(increment.account_id) ?? new Map<string, WaitingEntry>();
    this.#shared.set(increment.account_id, meters);
    const shared = meters.get(increment.meter);
    if (shared && shared.entry.quantity + increment.quantity <= MAX_QUANTITY) {
      shared.entry = { ...shared.entry, quantity: shared.entry.quantity + increment.quantity };
      shared.callers.push(caller);
      return;
    }
    const waiting = { entry: this.#entryOf(increment), callers: [caller] };
    meters.set(increment.meter, waiting);
    this.#queue.push(waiting);
  }

  #entryOf(increment: Increment): UsageEntry {
    const content =
      increment.idempotency_key === null
        ? null
        : contentOf(increment, (text) => this.#environment.digest(text));
    return { ...increment, content };
  }

  /** At the end of the event loop's turn: what requests that came together count is committed together. */
  #schedule(): void {
    if (this.#isScheduled || !this.#mayCommit()) return;
    this.#isScheduled = true;
    afterTurn(() => {
      this.#isScheduled = false;
      while (this.#queue.length > 0 && this.#mayCommit()) void this.#commit();
    });
  }

  /** Next to a commit in flight only with many entries: fewer wait, and share a sync with what comes. */
  #mayCommit(): boolean {
    if (this.#commitsInFlight === 0) return true;
    const { max_in_flight, entries_to_overlap } = this.#store.batching;
    return this.#commitsInFlight < max_in_flight && this.#queue.length >= entries_to_overlap;
  }

  async #commit(): Promise<void> {
    const batch = this.#takeBatch();
    this.#commitsInFlight += 1;
    try {
      const { outcomes, failure } = await this.#store.recordUsage({
        flush_id: this.#environment.uuid(),
        recorded_at: this.#environment.clock.now(),
        entries: batch.map(({ entry }) => entry),
        late_usage: this.#lateUsage,
      });
      for (const [index, waiting] of batch.entries()) answer(waiting, outcomes[index], failure);
    } catch (error) {
      for (const waiting of batch) reject(waiting, error);
    } finally {
      this.#commitsInFlight -= 1;
      for (const { callers } of batch) this.#waitingCalls -= callers.length;
      if (this.#queue.length > 0) this.#schedule();
      else if (this.#waitingCalls === 0) this.#becomeIdle();
    }
  }

  /**
   * In the databases' order of account and meter: writers that lock rows in one order do not deadlock. Where few wait,
   * the commits that may start can divide them between accounts, so that none has to wait for another one's locks.
   */
  #takeBatch(): WaitingEntry[] {
    const { max_entries, max_in_flight, divides_accounts } = this.#store.batching;
    const share = Math.ceil(this.#queue.length / (max_in_flight - this.#commitsInFlight));
    const batch = this.#queue.splice(0, max_entries);
    const inOrder = batch.some(({ entry }) => SURROGATE.test(entry.account_id)) ? byCodePoint : byCodeUnit;
    batch.sort((a, b) => compare(a.entry, b.entry, inOrder));
    if (divides_accounts && share < batch.length) this.#queue.unshift(...this.#rest(batch, share));
    for (const { entry } of batch) this.#shared.delete(entry.account_id);
    return batch;
  }

  /** Takes out of a batch what can be a commit of its own. */
  #rest(batch: WaitingEntry[], share: number): WaitingEntry[] {
    let end = share;
    while (batch[end]?.entry.account_id === batch[end - 1]?.entry.account_id) end += 1;
    return batch.length - end < this.#store.batching.entries_to_overlap ? [] : batch.splice(end);
  }

  #becomeIdle(): void {
    this.#whenIdle?.resolve();
    this.#whenIdle = null;
  }
}

function isShareable({ idempotency_key, occurred_at, properties }: Increment): boolean {
  return idempotency_key === null && occurred_at === null && properties === null;
}

type Order = (a: string, b: string) => number;

function compare(a: UsageEntry, b: UsageEntry, inOrder: Order): number {
  return a.account_id === b.account_id ? byCodeUnit(a.meter, b.meter) : inOrder(a.account_id, b.account_id);
}

/** JavaScript's own order, which is that of UTF-8 but for characters beyond U+FFFF. */
function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Half of a character beyond U+FFFF, which ids have rarely. */
const SURROGATE = /[\ud800-\udfff]/;

function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at === -1) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}

function answer(
  waiting: WaitingEntry,
  outcome: UsageEntryOutcome | undefined,
  failure: UsageError | null,
): void {
  if (outcome === 'recorded' || outcome === 'duplicate') {
    const result = { recorded: outcome === 'recorded', duplicate: outcome === 'duplicate' };
    for (const caller of waiting.callers) caller.resolve(result);
  } else {
    const refusal = outcome === 'conflict' ? conflictOf(waiting.entry) : failure;
    reject(waiting, outcome === 'late' ? new UsageError('late_usage', { field: 'timestamp' }) : refusal);
  }
}

function reject({ callers }: WaitingEntry, error: unknown): void {
  for (const caller of callers) caller.reject(error);
}

function conflictOf(entry: UsageEntry): UsageError {
  return new UsageError('idempotency_conflict', { field: 'idempotency_key', value: entry.idempotency_key });
}
