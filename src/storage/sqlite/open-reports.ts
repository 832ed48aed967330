import type { StatementSync } from 'node:sqlite';
import type { RoutedEntry } from '../write-path.ts';
import type { SqliteDatabase } from './database.ts';

/** An open report, as far as adding usage to it needs to know. */
export interface OpenReport {
  readonly account_id: string;
  readonly meter: string;
  readonly report_id: number;
  readonly billing_period_end: number;
  /** Usage of instants in `[takes_from, takes_until)` belongs to it, and to no other open report. */
  readonly takes_from: number;
  readonly takes_until: number;
  /** The writer keeps these two as they are in the table. */
  quantity: number;
  last_event_id: number | null;
}

/** Of each of the two generations: at most some dozen megabytes. */
const MAX_REMEMBERED = 100_000;

const COLUMNS = 'report_id, billing_period_end, quantity, last_event_id';

/**
 * Finds the open reports that usage belongs to, and remembers them for as long as only the batch writer that uses it
 * changes the database: with many accounts, looking a report up costs as much as adding to it.
 */
export class OpenReports {
  readonly #byInstant: StatementSync;
  readonly #byId: StatementSync;
  readonly #dataVersion: StatementSync;
  readonly #database: SqliteDatabase;
  #remembered = new Map<string, OpenReport>();
  /** Remembered before that, and forgotten next. */
  #older = new Map<string, OpenReport>();
  #dataVersionSeen: unknown = null;
  #executionsSeen = 0;

  constructor(database: SqliteDatabase) {
    // By name: Node 22 does not bind numbered parameters.
    this.#byInstant = database.prepare(
      `SELECT ${COLUMNS}, (SELECT min(billing_period_start) FROM usage
         WHERE account_id = :account AND meter = :meter AND status = 'open' AND billing_period_start > :instant) AS next_start
       FROM usage WHERE account_id = :account AND meter = :meter AND status = 'open'
         AND billing_period_start <= :instant AND billing_period_end > :instant
       ORDER BY billing_period_start DESC LIMIT 1`,
    );
    this.#byId = database.prepare(
      `SELECT ${COLUMNS} FROM usage WHERE account_id = ? AND meter = ? AND report_id = ? AND status = 'open'`,
    );
    this.#dataVersion = database.prepare('PRAGMA data_version');
    this.#database = database;
  }

  /**
   * When a transaction has begun: forgets everything if anything else has changed the database, which shows in the
   * data version where it was another connection and in the executions where it was this one.
   */
  beginBatch(): void {
    const { data_version } = this.#dataVersion.get() ?? {};
    const { executions } = this.#database;
    if (data_version !== this.#dataVersionSeen || executions !== this.#executionsSeen) this.forget();
    this.#dataVersionSeen = data_version;
    this.#executionsSeen = executions;
  }

  /** When the transaction's changes are undone. */
  forget(): void {
    this.#remembered = new Map();
    this.#older = new Map();
  }

  /**
   * @param instant - what decides the report, unless the entry names it.
   * @returns null = no open report takes the entry.
   */
  find(entry: RoutedEntry, instant: number): OpenReport | null {
    const key = `${entry.meter}\n${entry.account_id}`;
    const known = this.#remembered.get(key) ?? this.#older.get(key);
    const report = known && takes(known, entry, instant) ? known : this.#read(entry, instant);
    if (report) this.#remember(key, report);
    return report;
  }

  /** One per account and meter, so that no report is remembered twice. */
  #remember(key: string, report: OpenReport): void {
    if (this.#remembered.size === MAX_REMEMBERED) {
      this.#older = this.#remembered;
      this.#remembered = new Map();
    }
    this.#remembered.set(key, report);
  }

  #read({ account_id, meter, report_id }: RoutedEntry, instant: number): OpenReport | null {
    const row =
      report_id === null
        ? this.#byInstant.get({ account: account_id, meter, instant })
        : this.#byId.get(account_id, meter, report_id);
    if (!row) return null;
    const billing_period_end = Number(row['billing_period_end']);
    const takes_until = Math.min(billing_period_end, Number(row['next_start'] ?? billing_period_end));
    return {
      account_id,
      meter,
      report_id: Number(row['report_id']),
      billing_period_end,
      takes_from: instant,
      takes_until: report_id === null ? takes_until : instant,
      quantity: Number(row['quantity']),
      last_event_id: row['last_event_id'] === null ? null : Number(row['last_event_id']),
    };
  }
}

/** Whether the entry belongs to this report for certain. */
export function takes(report: OpenReport, entry: RoutedEntry, instant: number): boolean {
  if (report.account_id !== entry.account_id || report.meter !== entry.meter) return false;
  if (entry.report_id !== null) return report.report_id === entry.report_id;
  return report.takes_from <= instant && instant < report.takes_until;
}
