import { setTimeout as sleep } from 'node:timers/promises';
import { CommitUnknownError } from '../../core/store.ts';
import { decodeOutcomes } from '../outcomes.ts';
import type { WriteOutcome, WriteParams, WritePath, WriteResult } from '../write-path.ts';
import { toUsageError } from './failures.ts';
import { ensureMonths, isMonthMissing } from './ledger-months.ts';
import { encodeByAccount, encodeByInstant, encodeOne } from './record-usage-parameters.ts';
import { isFromServer, type PostgresPool, Session, UnreachableError } from './session.ts';

/** A server that restarts is waited for so long; whoever calls then gets an error, and nothing was lost. */
const PATIENCE_MS = 10_000;
const MAX_PAUSE_MS = 500;
/** Reports that were sealed meanwhile, and deadlocks that the server resolved, do not go on for so long. */
const MAX_REPEATS = 20;

/** Answers are asked for again within seconds; the ids of older flushes are dropped. */
const REMEMBERED_FLUSHES_MS = 600_000;
const PRUNING_INTERVAL_MS = 60_000;

/**
 * TB001, the functions' own: an account without an open report for the entries, or a report sealed meanwhile. P0003: more
 * than one open report for a lone entry.
 */
const NOT_FITTING = new Set(['TB001', 'P0003']);
const UNIQUE_VIOLATION = '23505';
const LOCK_NOT_AVAILABLE = '55P03';
const REPEATABLE = new Set(['40001', '40P01']); // serialization failure, deadlock

/** Connections that a batch uses that is written entry by entry. */
const PARTS_AT_ONCE = 3;

export interface RecordUsageContext {
  readonly pool: PostgresPool;
  /** A quoted identifier. */
  readonly schema: string;
}

/** Records batches with one call of a database function each. */
export function createWritePath(context: RecordUsageContext): WritePath {
  const byAccount = `SELECT ${context.schema}.record_usage(${placeholders(13)}) AS outcomes`;
  const one = `SELECT ${context.schema}.record_one(${placeholders(9)}) AS outcomes`;
  const byInstant = `SELECT ${context.schema}.record_usage_by_instant(${placeholders(12)}) AS outcomes`;

  let prunedAt = performance.now();

  async function write(params: WriteParams): Promise<WriteResult> {
    try {
      return { outcomes: await writeBatch(params), failure: null };
    } catch (error) {
      if (!isLocked(error) || params.entries.length === 1) throw error;
      return await writeApart(params);
    }
  }

  /**
   * One entry's key is held by a transaction of the app that has not ended: all others need not wait for it. Unkeyed
   * entries stay together, the others go one by one, each under an id that follows from the batch's own.
   */
  async function writeApart({ flush_id, recorded_at, entries }: WriteParams): Promise<WriteResult> {
    const outcomes = new Array<WriteOutcome>(entries.length).fill('failed');
    const indexes = [...entries.keys()];
    const unkeyed = indexes.filter((index) => entries[index]?.idempotency_key === null);
    const keyed = indexes.filter((index) => entries[index]?.idempotency_key !== null).map((index) => [index]);
    const parts = [...(unkeyed.length > 0 ? [unkeyed] : []), ...keyed].entries();
    let failure: unknown = null;
    const writeParts = async () => {
      for (const [number, part] of parts) {
        try {
          const written = await writeBatch({
            flush_id: partId(flush_id, number),
            recorded_at,
            entries: part.flatMap((index) => entries[index] ?? []),
          });
          for (const [position, index] of part.entries()) outcomes[index] = written[position] ?? 'failed';
        } catch (error) {
          failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, writeParts));
    return { outcomes, failure };
  }

  async function writeBatch(params: WriteParams): Promise<readonly WriteOutcome[]> {
    const startedAt = performance.now();
    let call = firstCall(params);
    let repeats = 0;
    let mayBeWritten = false;
    for (let pause_ms = 10; ; pause_ms = Math.min(2 * pause_ms, MAX_PAUSE_MS)) {
      try {
        const outcomes = await writeOnce(call, params);
        forgetOldFlushes();
        return decodeOutcomes(outcomes, params.entries.length);
      } catch (error) {
        mayBeWritten ||= error instanceof CommitUnknownError;
        const isLost = isWorthWaitingFor(error);
        repeats += 1;
        const isOver = isLost
          ? performance.now() - startedAt > PATIENCE_MS
          : !isRepeatable(error) || repeats > MAX_REPEATS;
        // Whatever the last try met, an earlier one may have been committed.
        if (isOver) throw mayBeWritten ? toUsageError(new CommitUnknownError('', { cause: error })) : error;
        if (isLost || repeats > 2) await sleep(pause_ms);
        if (isNotFitting(error)) call = { text: byInstant, values: encodeByInstant(params) };
      }
    }
  }

  /** A lone entry has a function of its own, and so have batches whose reports were opened for them, or that take away. */
  function firstCall(params: WriteParams): Call {
    const [entry, ...others] = params.entries;
    const takesAway = others.length > 0 && params.entries.some(({ quantity }) => quantity < 0);
    if (takesAway || params.entries.some(({ report_id }) => report_id !== null)) {
      return { text: byInstant, values: encodeByInstant(params) };
    }
    return entry && others.length === 0
      ? { text: one, values: encodeOne(params, entry) }
      : { text: byAccount, values: encodeByAccount(params) };
  }

  async function writeOnce({ text, values }: Call, params: WriteParams): Promise<string> {
    const session = await Session.open(context.pool);
    try {
      const { rows } = await session.query(text, values);
      return String(rows[0]?.['outcomes']);
    } catch (error) {
      if (isWrittenBefore(error)) return await outcomesOf(session, params.flush_id);
      if (isMonthMissing(error)) {
        await ensureMonths(session, context.schema, params.recorded_at);
        throw new MonthAddedError();
      }
      throw error;
    } finally {
      session.release();
    }
  }

  /** Beside the writing; a failure is made up for by the next time. */
  function forgetOldFlushes(): void {
    if (performance.now() - prunedAt < PRUNING_INTERVAL_MS) return;
    prunedAt = performance.now();
    pruneFlushes(context).catch(() => {});
  }

  /** The answer of a commit whose answer was lost. */
  async function outcomesOf(session: Session, flush_id: string): Promise<string> {
    const { rows } = await session.query(
      `SELECT outcomes FROM ${context.schema}.usage_flush WHERE flush_id = $1`,
      [flush_id],
    );
    const [row] = rows;
    if (!row) throw new Error('A flush that was written before is not remembered.');
    return String(row['outcomes']);
  }

  return { write };
}

/** By the server's clock: those of two apps may be far apart, and one must not drop what the other still asks for. */
async function pruneFlushes({ pool, schema }: RecordUsageContext): Promise<void> {
  const session = await Session.open(pool);
  try {
    await session.query(
      `DELETE FROM ${schema}.usage_flush WHERE written_at < now() - $1 * interval '1 millisecond'`,
      [REMEMBERED_FLUSHES_MS],
    );
  } finally {
    session.release();
  }
}

interface Call {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The ledger had no partition for the month, and has one now. */
class MonthAddedError extends Error {}

/** Not where the call has waited for a connection as long as one may: the app's pool is exhausted. */
function isWorthWaitingFor(error: unknown): boolean {
  return error instanceof CommitUnknownError || (error instanceof UnreachableError && !error.hasWaited);
}

function isRepeatable(error: unknown): boolean {
  if (error instanceof MonthAddedError || isNotFitting(error)) return true;
  return isFromServer(error) && REPEATABLE.has(error.code);
}

/** A lock was waited for as long as one may. */
function isLocked(error: unknown): boolean {
  return isFromServer(error) && error.code === LOCK_NOT_AVAILABLE;
}

/** The same for a repeated write; the last 48 of a version 7 UUID's bits are random. */
function partId(flush_id: string, number: number): string {
  const random = (BigInt(`0x${flush_id.slice(-12)}`) + BigInt(number) + 1n) % 2n ** 48n;
  return flush_id.slice(0, -12) + random.toString(16).padStart(12, '0');
}

/** Also where a lone entry's key was used before. */
function isNotFitting(error: unknown): boolean {
  return (isFromServer(error) && NOT_FITTING.has(error.code)) || isTwice(error, 'usage_key_pkey');
}

function isWrittenBefore(error: unknown): boolean {
  return isTwice(error, 'usage_flush_pkey');
}

function isTwice(error: unknown, constraint: string): boolean {
  if (!isFromServer(error) || error.code !== UNIQUE_VIOLATION) return false;
  return 'constraint' in error && error.constraint === constraint;
}

function placeholders(count: number): string {
  return Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');
}
