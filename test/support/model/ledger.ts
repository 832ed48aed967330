import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import type { Exchange } from '../../../src/testing/stripe-simulator/exchange.ts';

export interface ReportRow {
  readonly account_id: string;
  readonly meter: string;
  readonly report_id: number;
  readonly status: string;
  readonly reason: string | null;
  readonly late: number;
  readonly period_start: number;
  readonly period_end: number | null;
  readonly billing_period_start: number;
  readonly billing_period_end: number;
  readonly quantity: number;
  readonly first_occurred_at: number | null;
  readonly last_occurred_at: number | null;
  readonly last_event_id: number | null;
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
  readonly report_id: number;
  readonly previous_event_id: number | null;
  readonly quantity: number;
  readonly occurred_at: number;
  readonly recorded_at: number;
}

/** The tables, read from outside of the product. */
export class Ledger {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  close(): void {
    this.#database.close();
  }

  reports(): ReportRow[] {
    return this.#database
      .prepare('select * from usage order by account_id, report_id')
      .all() as unknown as ReportRow[];
  }

  events(): EventRow[] {
    return this.#database
      .prepare('select * from usage_event order by event_id')
      .all() as unknown as EventRow[];
  }

  newestOccurredAt(account: string): number {
    const sql = 'select occurred_at from usage_event where account_id = ? order by event_id desc limit 1';
    return Number(this.#database.prepare(sql).get(account)?.['occurred_at']);
  }

  /** I6 and I11: whatever reaches Stripe was written down before, with this attempt, customer, quantity and slot. */
  checkIntent({ method, path, params, idempotency_key, replayed }: Exchange): void {
    if (method !== 'POST' || path !== '/v1/billing/meter_events' || replayed) return;
    const sql = 'select * from usage where identifier = ?';
    const row = this.#database.prepare(sql).get(String(params?.['identifier'])) as unknown as
      | ReportRow
      | undefined;
    expect(row, 'a report was sent that is not in the table').toBeDefined();
    const attempt = Number(idempotency_key?.split(':').at(-1));
    expect(attempt).toBeLessThanOrEqual(row?.attempts ?? 0);
    expect(params).toMatchObject({
      timestamp: String((row?.slot ?? 0) / 1_000),
      payload: { stripe_customer_id: row?.stripe_customer, value: String(row?.quantity) },
    });
  }
}
