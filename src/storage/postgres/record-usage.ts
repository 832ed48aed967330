import { setTimeout as sleep } from 'node:timers/promises';
import { CommitUnknownError } from '../../core/store.ts';
import { decodeOutcomes } from '../outcomes.ts';
import type { RoutedEntry, WriteOutcome, WriteParams, WritePath } from '../write-path.ts';
import { ensureMonths, isMonthMissing } from './ledger-months.ts';
import { isFromServer, type PostgresPool, Session, UnreachableError } from './session.ts';

/** A server that restarts is waited for so long; whoever calls then gets an error, and nothing was lost. */
const PATIENCE_MS = 10_000;
const MAX_PAUSE_MS = 500;
/** Reports that were sealed meanwhile, and deadlocks that the server resolved, do not go on for so long. */
const MAX_REPEATS = 20;

const REPORT_SEALED = 'TB001';
const UNIQUE_VIOLATION = '23505';
const REPEATABLE = new Set([REPORT_SEALED, '40001', '40P01']); // serialization failure, deadlock

export interface RecordUsageContext {
  readonly pool: PostgresPool;
  /** A quoted identifier. */
  readonly schema: string;
}

/** Records batches with one call of the database function `record_usage` each. */
export function createWritePath(context: RecordUsageContext): WritePath {
  const text = `SELECT ${context.schema}.record_usage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS outcomes`;

  async function write(params: WriteParams): Promise<readonly WriteOutcome[]> {
    const values = encode(params);
    const startedAt = performance.now();
    let repeats = 0;
    for (let pause_ms = 10; ; pause_ms = Math.min(2 * pause_ms, MAX_PAUSE_MS)) {
      try {
        return decodeOutcomes(await writeOnce(values, params), params.entries.length);
      } catch (error) {
        const isLost = error instanceof CommitUnknownError || error instanceof UnreachableError;
        if (isLost ? performance.now() - startedAt > PATIENCE_MS : !isRepeatable(error)) throw error;
        repeats += 1;
        if (!isLost && repeats > MAX_REPEATS) throw error;
        if (isLost || repeats > 1) await sleep(pause_ms);
      }
    }
  }

  async function writeOnce(values: readonly unknown[], params: WriteParams): Promise<string> {
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

  /** The answer of a commit whose answer was lost. */
  async function outcomesOf(session: Session, flush_id: string): Promise<string> {
    const { rows } = await session.query(
      `SELECT outcomes FROM ${context.schema}.usage_flush WHERE flush_id = $1`,
      [flush_id],
    );
    return String(rows[0]?.['outcomes']);
  }

  return { write };
}

/** The ledger had no partition for the month, and has one now. */
class MonthAddedError extends Error {}

function isRepeatable(error: unknown): boolean {
  return error instanceof MonthAddedError || (isFromServer(error) && REPEATABLE.has(error.code));
}

function isWrittenBefore(error: unknown): boolean {
  if (!isFromServer(error) || error.code !== UNIQUE_VIOLATION) return false;
  return 'constraint' in error && error.constraint === 'usage_flush_pkey';
}

/** The parameters of `record_usage`, as arrays in the server's own notation. */
function encode({ flush_id, recorded_at, entries }: WriteParams): unknown[] {
  const groups: RoutedEntry[] = [];
  const numbers: number[] = [];
  let last: RoutedEntry | null = null;
  for (const entry of entries) {
    if (!last || !isSameGroup(last, entry)) groups.push(entry);
    numbers.push(groups.length);
    last = entry;
  }
  const instantOf = ({ occurred_at }: RoutedEntry) => Math.min(occurred_at ?? recorded_at, recorded_at);
  return [
    flush_id,
    recorded_at,
    textArray(groups.map(({ account_id }) => account_id)),
    textArray(groups.map(({ meter }) => meter)),
    numberArray(groups.map(instantOf)),
    numberArray(groups.map(({ report_id }) => report_id)),
    numberArray(numbers),
    numberArray(entries.map(({ quantity }) => quantity)),
    orNull(entries, 'occurred_at', numberArray),
    orNull(entries, 'idempotency_key', textArray),
    orNull(entries, 'content', textArray),
    orNull(entries, 'properties', textArray),
  ];
}

/** Entries come in the order of account and meter. */
function isSameGroup(a: RoutedEntry, b: RoutedEntry): boolean {
  return (
    a.account_id === b.account_id &&
    a.meter === b.meter &&
    a.occurred_at === b.occurred_at &&
    a.report_id === b.report_id
  );
}

/** An array of nothing but null is sent as null. */
function orNull<Field extends keyof RoutedEntry>(
  entries: readonly RoutedEntry[],
  field: Field,
  encodeArray: (values: RoutedEntry[Field][]) => string,
): string | null {
  const values = entries.map((entry) => entry[field]);
  return values.some((value) => value !== null) ? encodeArray(values) : null;
}

function numberArray(values: readonly (number | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join()}}`;
}

function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : `"${escaped(value)}"`)).join()}}`;
}

const SPECIAL = /["\\]/g;

function escaped(text: string): string {
  return text.replace(SPECIAL, '\\$&');
}
