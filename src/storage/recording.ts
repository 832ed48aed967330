import { LATE_WINDOW_MS } from '../core/billing-period.ts';
import type { UsageError } from '../core/errors.ts';
import type { LateUsagePolicy } from '../core/late-usage.ts';
import {
  CommitUnknownError,
  type RecordUsageParams,
  type RecordUsageResult,
  type UsageEntryOutcome,
} from '../core/store.ts';
import { refuseLateEntries } from './late-entries.ts';
import { lockAccountsOf, openReportsFor, sealFullReports } from './opening.ts';
import type { Db } from './report-rows.ts';
import type { RoutedEntry, WriteParams, WritePath, WriteResult } from './write-path.ts';

/** A report that was opened for an entry can be closed again before the entry is written, but not forever. */
const MAX_ROUNDS = 8;
const MAX_COMMIT_TRIES = 3;

export interface RecordingContext {
  readonly writePath: WritePath;
  /** Runs a function in one transaction. */
  readonly transact: <Result>(run: (db: Db) => Promise<Result>) => Promise<Result>;
  readonly uuid: () => string;
  readonly toUsageError: (error: unknown) => UsageError;
}

/**
 * Records usage: the write path does nearly all of it, the entries that have no open report go round once more. What
 * a round has committed stays committed: a later failure is the failure of the entries that were still waiting.
 */
export async function recordUsage(
  context: RecordingContext,
  { flush_id, recorded_at, entries, late_usage = 'bill_next' }: RecordUsageParams,
): Promise<RecordUsageResult> {
  const outcomes = new Array<UsageEntryOutcome>(entries.length).fill('failed');
  const failures: unknown[] = [];
  let waiting: Waiting[] = entries.map((entry, index) => ({ entry: { ...entry, report_id: null }, index }));
  for (let round = 0; waiting.length > 0; round += 1) {
    try {
      if (round === 0 && late_usage === 'reject') {
        waiting = await withoutLate(context, waiting, recorded_at, outcomes);
        if (waiting.length === 0) break;
      }
      if (round === MAX_ROUNDS) throw new Error(`No open report stayed open in ${MAX_ROUNDS} rounds.`);
      waiting = await recordRound(
        context,
        { flush_id: round === 0 ? flush_id : context.uuid(), recorded_at, late_usage },
        waiting,
        outcomes,
        failures,
      );
    } catch (error) {
      failures.push(error);
      break;
    }
  }
  const [failure] = failures;
  if (failure === undefined) return { outcomes, failure: null };
  if (outcomes.every((outcome) => outcome === 'failed')) throw failure;
  return { outcomes, failure: context.toUsageError(failure) };
}

/** @returns the entries that need another round, with the reports that were opened for them. */
async function recordRound(
  context: RecordingContext,
  { flush_id, recorded_at, late_usage }: Required<Omit<RecordUsageParams, 'entries'>>,
  waiting: readonly Waiting[],
  outcomes: UsageEntryOutcome[],
  failures: unknown[],
): Promise<Waiting[]> {
  const entries = waiting.map(({ entry }) => entry);
  const { outcomes: written, failure } = await writeOnce(context.writePath, {
    flush_id,
    recorded_at,
    entries,
  });
  if (failure !== null) failures.push(failure);
  const again: Waiting[] = [];
  const full: RoutedEntry[] = [];
  for (const [position, { entry, index }] of waiting.entries()) {
    const outcome = written[position];
    if (outcome === 'full') full.push(entry);
    if (outcome === 'no_report' || outcome === 'full') again.push({ entry, index });
    else if (outcome) outcomes[index] = outcome;
  }
  if (again.length === 0) return again;
  return await openFor(context, again, full, recorded_at, late_usage);
}

/** Repeats a commit whose answer was lost: under the same id it counts once. */
async function writeOnce(writePath: WritePath, params: WriteParams): Promise<WriteResult> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await writePath.write(params);
    } catch (error) {
      if (!(error instanceof CommitUnknownError) || tries === MAX_COMMIT_TRIES) throw error;
    }
  }
}

interface Waiting {
  readonly entry: RoutedEntry;
  readonly index: number;
}

/**
 * Refuses entries that no invoice of their own can bill any more, also where their report is still open, since no worker
 * has sealed it. Only those with an old timestamp need a look.
 */
async function withoutLate(
  { transact }: RecordingContext,
  waiting: readonly Waiting[],
  now: number,
  outcomes: UsageEntryOutcome[],
): Promise<Waiting[]> {
  const old = waiting.filter(({ entry }) => (entry.occurred_at ?? now) <= now - LATE_WINDOW_MS);
  if (old.length === 0) return [...waiting];
  const entries = old.map(({ entry }) => entry);
  const refused = await transact((db) => refuseLateEntries(db, entries, now));
  for (const [position, { index }] of old.entries()) {
    const outcome = refused.get(position);
    if (outcome) outcomes[index] = outcome;
  }
  const isRefused = new Set(old.filter((_, position) => refused.has(position)));
  return waiting.filter((candidate) => !isRefused.has(candidate));
}

async function openFor(
  { transact }: RecordingContext,
  waiting: readonly Waiting[],
  full: readonly RoutedEntry[],
  now: number,
  late_usage: LateUsagePolicy,
): Promise<Waiting[]> {
  if (waiting.length === 0) return [];
  const entries = waiting.map(({ entry }) => entry);
  const report_ids = await transact(async (db) => {
    if (full.length > 0) {
      // All accounts before any of their reports, so that nobody waits in a circle.
      await lockAccountsOf(db, entries, now);
      await sealFullReports(db, full, now);
    }
    return await openReportsFor(db, entries, now, late_usage);
  });
  return waiting.map(({ entry, index }, position) => ({
    entry: { ...entry, report_id: report_ids[position] ?? null },
    index,
  }));
}
