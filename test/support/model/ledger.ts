import { expect } from 'vitest';
import type { Exchange } from '../../../src/testing/stripe-simulator/exchange.ts';
import type { ModelDatabase, Row } from './database.ts';

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
  readonly attempts: number;
  readonly first_attempt_at: number | null;
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
  readonly #database: ModelDatabase;

  constructor(database: ModelDatabase) {
    this.#database = database;
  }

  async reports(): Promise<ReportRow[]> {
    const rows = await this.#database.rows('usage');
    return rows.map((row) => ({ ...(row as Row & ReportRow), late: Boolean(row['late']) }));
  }

  async events(): Promise<EventRow[]> {
    return (await this.#database.rows('usage_event')) as (Row & EventRow)[];
  }

  /** I6 and I11: whatever reaches Stripe was written down before, with this attempt, customer, quantity and slot. */
  async checkIntent({ method, path, params, idempotency_key, replayed }: Exchange): Promise<void> {
    if (method !== 'POST' || path !== '/v1/billing/meter_events' || replayed) return;
    const reports = await this.reports();
    const row = reports.find(({ identifier }) => identifier === params?.['identifier']);
    expect(row, 'a report was sent that is not in the table').toBeDefined();
    const attempt = Number(idempotency_key?.split(':').at(-1));
    expect(attempt).toBeLessThanOrEqual(row?.attempts ?? 0);
    expect(params).toMatchObject({
      timestamp: String((row?.slot ?? 0) / 1_000),
      payload: { stripe_customer_id: row?.stripe_customer, value: String(row?.quantity) },
    });
  }
}
