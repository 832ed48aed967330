import type { Instant } from '../core/environment.ts';
import type { UsageEntry } from '../core/store.ts';

/**
 * The hot part of recording usage, which each engine does its own way: one durable transaction that claims the
 * idempotency keys, writes the ledger rows and adds them to the open reports. What needs thought (a new account,
 * a new billing period, a full report) is left to the caller by the outcomes `no_report` and `full`.
 */
export interface WritePath {
  /** @throws CommitUnknownError when it may or may not have been committed: repeat with the same `flush_id`. */
  write(params: WriteParams): Promise<WriteResult>;
}

export interface WriteResult {
  /** One per entry, in their order. */
  readonly outcomes: readonly WriteOutcome[];
  /** Why entries failed while others were recorded; null = none did. */
  readonly failure: unknown;
}

export interface WriteParams {
  /** UUID version 7. */
  readonly flush_id: string;
  readonly recorded_at: Instant;
  /** In the order of account and meter, so that two writers lock rows in the same order. */
  readonly entries: readonly RoutedEntry[];
}

export interface RoutedEntry extends UsageEntry {
  /** The open report that takes the entry; null = that of the billing period it occurred in. */
  readonly report_id: number | null;
}

/**
 * `no_report`: no open report takes it. `full`: its open report would exceed 15 digits. `failed`: see `failure`. None of
 * these wrote anything.
 */
export type WriteOutcome = 'recorded' | 'duplicate' | 'conflict' | 'no_report' | 'full' | 'failed';
