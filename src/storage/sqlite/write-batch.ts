import type { StatementSync } from 'node:sqlite';
import { isReportable } from '../../core/quantity.ts';
import { type FlushOutcome, firstUuidAt, OUTCOME_LETTERS } from '../outcomes.ts';
import type { RoutedEntry, WriteParams } from '../write-path.ts';
import type { SqliteDatabase } from './database.ts';
import { type OpenReport, OpenReports, takes } from './open-reports.ts';

const EVERYTHING_RECORDED = /^r*$/;

/** Answers are asked for again within seconds; the ids of older flushes are dropped. */
const REMEMBERED_FLUSHES_MS = 600_000;
const FLUSHES_BETWEEN_PRUNING = 256;
/** A batch of so few comes from an app with little to do. */
const FEW_ENTRIES = 4;

/** What a batch adds to one open report. */
interface Addition {
  readonly report: OpenReport;
  quantity: number;
  first_occurred_at: number;
  last_occurred_at: number;
  last_event_id: number | null;
}

/**
 * Writes a batch of usage in one transaction. Runs in the connection's thread, straight on prepared statements:
 * this loop is what the throughput of an installation depends on.
 */
export class BatchWriter {
  readonly #database: SqliteDatabase;
  readonly #openReports: OpenReports;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #flushes = 0;

  /** On a database whose schema is up to date. */
  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#openReports = new OpenReports(database);
    this.#statements = prepareStatements(database);
  }

  /** @returns the outcomes in the short form that {@link decodeOutcomes} reads. */
  write(params: WriteParams): string {
    this.#database.setLoad(params.entries.length > FEW_ENTRIES ? 'heavy' : 'light');
    this.#database.begin();
    try {
      this.#openReports.beginBatch();
      const letters = this.#writeNew(params);
      if (letters === null) return this.#undo(params.flush_id);
      this.#database.commit();
      return letters;
    } catch (error) {
      this.#openReports.forget();
      this.#database.rollback();
      throw error;
    }
  }

  /** The answer to a flush that turned out to have been committed before. */
  #undo(flush_id: string): string {
    this.#openReports.forget();
    this.#database.rollback();
    return String(this.#statements.selectFlush.get(flush_id)?.['outcomes'] ?? '');
  }

  /** @returns null when the flush was written before. */
  #writeNew({ flush_id, recorded_at, entries }: WriteParams): string | null {
    let letters = '';
    let addition: Addition | null = null;
    for (const entry of entries) {
      const instant = instantOf(entry, recorded_at);
      if (!addition || !takes(addition.report, entry, instant)) {
        if (addition) this.#add(addition);
        addition = additionTo(this.#openReports.find(entry, instant));
      }
      letters += OUTCOME_LETTERS[addition ? this.#writeEntry(entry, recorded_at, addition) : 'no_report'];
    }
    if (addition) this.#add(addition);
    const outcomes = EVERYTHING_RECORDED.test(letters) ? '' : letters;
    return this.#remember(flush_id, outcomes, recorded_at) ? outcomes : null;
  }

  #writeEntry(entry: RoutedEntry, recorded_at: number, addition: Addition): FlushOutcome {
    const { report } = addition;
    if (!isReportable(report.quantity + addition.quantity + entry.quantity)) return 'full';
    if (entry.idempotency_key !== null) {
      const claimed = this.#claimKey(entry, recorded_at);
      if (claimed !== 'recorded') return claimed;
    }
    // A timestamp slightly ahead stays in the billing period in which it was recorded.
    const occurred_at = Math.min(entry.occurred_at ?? recorded_at, report.billing_period_end - 1);
    const { lastInsertRowid } = this.#statements.insertEvent.run(
      entry.account_id,
      entry.meter,
      report.report_id,
      addition.last_event_id,
      entry.quantity,
      occurred_at,
      recorded_at,
      entry.idempotency_key,
      entry.properties,
    );
    addition.last_event_id = Number(lastInsertRowid);
    addition.quantity += entry.quantity;
    if (occurred_at < addition.first_occurred_at) addition.first_occurred_at = occurred_at;
    if (occurred_at > addition.last_occurred_at) addition.last_occurred_at = occurred_at;
    return 'recorded';
  }

  #claimKey(entry: RoutedEntry, recorded_at: number): 'recorded' | 'duplicate' | 'conflict' {
    const claim = this.#statements.insertKey.run(
      entry.account_id,
      entry.meter,
      entry.idempotency_key,
      entry.content,
      recorded_at,
    );
    if (claim.changes === 1) return 'recorded';
    const row = this.#statements.selectKey.get(entry.account_id, entry.meter, entry.idempotency_key);
    return row?.['content'] === entry.content ? 'duplicate' : 'conflict';
  }

  #add({ report, quantity, first_occurred_at, last_occurred_at, last_event_id }: Addition): void {
    // Nothing was written; what was may come to 0.
    if (last_event_id === report.last_event_id) return;
    const { changes } = this.#statements.addToReport.run(
      quantity,
      first_occurred_at,
      first_occurred_at,
      last_occurred_at,
      last_occurred_at,
      last_event_id,
      report.account_id,
      report.meter,
      report.report_id,
      report.last_event_id,
    );
    if (changes !== 1) throw new Error('An open report is not as it was remembered.');
    report.quantity += quantity;
    report.last_event_id = last_event_id;
  }

  /** @returns false when it is remembered already. */
  #remember(flush_id: string, outcomes: string, recorded_at: number): boolean {
    if (this.#statements.insertFlush.run(flush_id, outcomes).changes === 0) return false;
    this.#flushes += 1;
    if (this.#flushes % FLUSHES_BETWEEN_PRUNING === 1) {
      this.#statements.pruneFlushes.run(firstUuidAt(recorded_at - REMEMBERED_FLUSHES_MS));
    }
    return true;
  }
}

/** The instant that decides the billing period: never later than now. */
function instantOf({ occurred_at }: RoutedEntry, recorded_at: number): number {
  return occurred_at === null ? recorded_at : Math.min(occurred_at, recorded_at);
}

function additionTo(report: OpenReport | null): Addition | null {
  if (!report) return null;
  return {
    report,
    quantity: 0,
    first_occurred_at: Number.POSITIVE_INFINITY,
    last_occurred_at: Number.NEGATIVE_INFINITY,
    last_event_id: report.last_event_id,
  };
}

function prepareStatements(database: SqliteDatabase) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    selectFlush: prepare('SELECT outcomes FROM usage_flush WHERE flush_id = ?'),
    insertFlush: prepare('INSERT INTO usage_flush (flush_id, outcomes) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    pruneFlushes: prepare('DELETE FROM usage_flush WHERE flush_id < ?'),
    insertKey: prepare(
      `INSERT INTO usage_key (account_id, meter, idempotency_key, content, recorded_at)
       VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    selectKey: prepare(
      'SELECT content FROM usage_key WHERE account_id = ? AND meter = ? AND idempotency_key = ?',
    ),
    insertEvent: prepare(
      `INSERT INTO usage_event (account_id, meter, report_id, previous_event_id, quantity, occurred_at, recorded_at,
         idempotency_key, properties) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addToReport: prepare(
      `UPDATE usage SET quantity = quantity + ?, first_occurred_at = min(coalesce(first_occurred_at, ?), ?),
         last_occurred_at = max(coalesce(last_occurred_at, ?), ?), last_event_id = ?
       WHERE account_id = ? AND meter = ? AND report_id = ? AND status = 'open' AND last_event_id IS ?`,
    ),
  };
}
