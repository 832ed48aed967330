import type { Row, SimulationDatabase } from '../database/simulation-database.ts';

export interface ReportRow {
  readonly account_id: string;
  readonly meter: string;
  readonly report_id: number;
  readonly status: string;
  readonly reason: string | null;
  readonly late: boolean;
  readonly period_start: number;
  readonly period_end: number | null;
  readonly billing_period_start: number;
  readonly billing_period_end: number;
  readonly quantity: number;
  readonly first_occurred_at: number | null;
  readonly last_occurred_at: number | null;
  /** Absent where the events of a report form no chain. */
  readonly last_event_id?: number | null;
  readonly stripe_customer: string | null;
  readonly identifier: string | null;
  readonly slot: number | null;
  /** Whether others may be stamped in the slot's minute. */
  readonly slot_shared: boolean;
  readonly attempts: number;
  readonly generation: number;
  readonly first_attempt_at: number | null;
  readonly reported_at: number | null;
  readonly verified_at: number | null;
  readonly due_at: number | null;
  readonly last_error: string | null;
}

export interface EventRow {
  readonly event_id: number;
  readonly account_id: string;
  readonly meter: string;
  /** null = recorded in a transaction of the app, and not rolled up yet. */
  readonly report_id: number | null;
  readonly previous_event_id?: number | null;
  readonly quantity: number;
  readonly occurred_at: number;
  readonly recorded_at: number;
}

/** The tables, read from outside of the product. */
export class Ledger {
  readonly #database: SimulationDatabase;

  constructor(database: SimulationDatabase) {
    this.#database = database;
  }

  async reports(): Promise<ReportRow[]> {
    return (await this.#database.rows('usage')).map(toReport);
  }

  async events(): Promise<EventRow[]> {
    return (await this.#database.rows('usage_event')) as (Row & EventRow)[];
  }

  async reportWith(identifier: string): Promise<ReportRow | null> {
    const row = await this.#database.reportWith(identifier);
    return row ? toReport(row) : null;
  }
}

function toReport(row: Row): ReportRow {
  return {
    ...(row as Row & ReportRow),
    late: Boolean(row['late']),
    slot_shared: Boolean(row['slot_shared']),
  };
}

export function keyOf({ account_id, meter, report_id }: EventRow | ReportRow): string {
  return `${account_id}|${meter}|${report_id}`;
}

export function total(rows: readonly { quantity: number }[]): number {
  return rows.reduce((sum, { quantity }) => sum + quantity, 0);
}
