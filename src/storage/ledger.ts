import { type RawBuilder, sql } from 'kysely';
import {
  type BillingPeriod,
  type BillingTimeline,
  billingPeriodAt,
  countingPeriodAt,
  type Period,
} from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { floorToSecond } from '../core/instant.ts';
import { exactTotal, isReportable } from '../core/quantity.ts';
import type { SumUsageParams, SumUsageResult } from '../core/store.ts';
import { MAX_REQUEST_AHEAD_MS } from '../core/subscription-change.ts';
import type { ReportKey, UsageReport } from '../core/usage-report.ts';
import { lastRegularEnd, openReport, sealFullReports } from './opening.ts';
import { type Db, isReport } from './report-rows.ts';

/** What engines lay out differently in the ledger: how the events of a report are found. */
export interface Ledger {
  /**
   * A table of the columns `position` (ascends in the order of recording), `event_id`, `quantity` and `occurred_at`:
   * the events of a report.
   *
   * @param range - no event outside of it is wanted, but some may be there.
   */
  eventsOf(report: ReportKey, range: Period): RawBuilder<unknown>;
  /** As `eventsOf`, with every column that explains an event instead of the position. */
  entriesOf(report: ReportKey, range: Period): RawBuilder<unknown>;
  /**
   * Gives events of a voided report, in the order of recording, to an open one.
   *
   * @returns what the open report must say besides its new sums.
   */
  moveEvents(db: Db, events: MovedEvents): Promise<{ readonly last_event_id?: number }>;
  /** Makes sure that events can be appended at an instant; before the transaction that does. */
  prepare(recorded_at: Instant): Promise<void>;
  /**
   * Writes an event of an open report that the caller has locked.
   *
   * @returns what the report must say besides its new sums.
   */
  appendEvent(db: Db, event: NewEvent): Promise<{ readonly last_event_id?: number }>;
  /** The quantity of an account and meter, used in a range, that is in no report yet; null = that never is. */
  unassigned: ((account_id: string, meter: string, range: Period) => RawBuilder<number | null>) | null;
  /** As `eventsOf`, without the position: the events behind `unassigned`; null = there never are any. */
  unassignedEvents: ((account_id: string, meter: string, range: Period) => RawBuilder<unknown>) | null;
  /** Whether events that occurred in the range may have been taken out of the ledger. */
  isArchived(db: Db, range: Period): Promise<boolean>;
}

/** An event without a key. */
export interface NewEvent extends ReportKey {
  readonly quantity: number;
  readonly occurred_at: Instant;
  readonly recorded_at: Instant;
  readonly properties: string;
}

export interface MovedEvents {
  readonly from: ReportKey;
  readonly to: ReportKey;
  readonly event_ids: readonly number[];
}

/**
 * Sums events in a range, report by report.
 *
 * @throws UsageError `usage_archived`.
 */
export async function sumUsage(db: Db, ledger: Ledger, params: SumUsageParams): Promise<SumUsageResult> {
  const { account_id, meter, range, report_ids } = params;
  const quantities = new Map<number, number>();
  if (report_ids.length > 0 && (await ledger.isArchived(db, range))) {
    throw new UsageError('usage_archived', { field: 'period_start' });
  }
  for (const report_id of report_ids) {
    const events = ledger.eventsOf({ account_id, meter, report_id }, range);
    const { rows } = await sql<{ quantity: number | null }>`
      select sum(quantity) as quantity from ${events} as event
      where occurred_at >= ${range.start} and occurred_at < ${range.end}`.execute(db);
    const [row] = rows;
    if (row && row.quantity !== null) quantities.set(report_id, exactTotal(row.quantity));
  }
  return { quantities };
}

/** How usage is given to other reports. */
export interface Moving {
  readonly timeline: BillingTimeline;
  /** Whether usage leaves a period that was cut short, too: the policy for late usage says so. */
  readonly isBilledNext: boolean;
  /** A switch of ours: what was used in the second before it was used after its request. null = there is none. */
  readonly switched_at: Instant | null;
  /** The request of a change that is under way: what comes after it is kept apart from what came before. null = none is. */
  readonly requested_at: Instant | null;
  readonly now: Instant;
}

/** Events that follow each other in the order of recording and are counted in one billing period. */
interface Run {
  readonly period: BillingPeriod;
  readonly event_ids: number[];
  quantity: number;
  first_occurred_at: Instant;
  last_occurred_at: Instant;
}

/**
 * Gives the events of a voided report to the open reports of the billing periods that they are counted in now.
 *
 * @returns the numbers of these reports.
 */
export async function moveUsage(
  db: Db,
  ledger: Ledger,
  from: UsageReport,
  moving: Moving,
): Promise<number[]> {
  const range = { start: from.first_occurred_at ?? 0, end: (from.last_occurred_at ?? 0) + 1 };
  const { rows } = await sql<{ event_id: number; quantity: number; occurred_at: number }>`
    select event_id, quantity, occurred_at from ${ledger.eventsOf(from, range)} as event order by position`.execute(
    db,
  );
  const runs: Run[] = [];
  for (const { event_id, quantity, occurred_at } of rows) {
    const last = runs.at(-1);
    const period = periodToMoveTo(moving, from, occurred_at);
    const continues = last?.period.start === period.start && isReportable(last.quantity + quantity);
    const run = last && continues ? last : newRun(period, occurred_at);
    if (run !== last) runs.push(run);
    run.event_ids.push(event_id);
    run.quantity += quantity;
    run.first_occurred_at = Math.min(run.first_occurred_at, occurred_at);
    run.last_occurred_at = Math.max(run.last_occurred_at, occurred_at);
  }
  const begins = isBeforeRequest(from, moving) ? 0 : (moving.requested_at ?? 0);
  const report_ids: number[] = [];
  for (const run of runs) report_ids.push(await moveRun(db, ledger, from, { ...run, begins }, moving.now));
  return report_ids;
}

/** Whether a report was sealed for the request of a change that is under way, or earlier. */
export function isBeforeRequest(
  report: UsageReport,
  { requested_at }: Pick<Moving, 'requested_at'>,
): boolean {
  return requested_at !== null && isSealedBy(report, requested_at);
}

function isSealedBy({ period_end }: UsageReport, at: Instant): boolean {
  return period_end !== null && period_end <= at;
}

/**
 * A request counts from a second to come. What was recorded before it has been sealed, and sent; what a change moves was
 * recorded after it, and belongs to the time that begins with the request from then on.
 */
function since(begins: readonly (Instant | null)[], from: UsageReport, occurred_at: Instant): Instant {
  const isJustBefore = (at: Instant | null) =>
    at !== null && occurred_at < at && occurred_at >= at - MAX_REQUEST_AHEAD_MS && !isSealedBy(from, at);
  return begins.find(isJustBefore) ?? occurred_at;
}

/** As for usage that is recorded now. */
function periodToMoveTo(moving: Moving, from: UsageReport, occurred_at: Instant): BillingPeriod {
  const { timeline, isBilledNext, switched_at, requested_at, now } = moving;
  const used_at = since([switched_at, requested_at, from.billing_period_start], from, occurred_at);
  const own = billingPeriodAt(timeline, used_at);
  if (own.is_cut_short && !isBilledNext) return own;
  return countingPeriodAt(timeline, used_at, now);
}

function newRun(period: BillingPeriod, occurred_at: Instant): Run {
  return {
    period,
    event_ids: [],
    quantity: 0,
    first_occurred_at: occurred_at,
    last_occurred_at: occurred_at,
  };
}

interface MovedRun extends Run {
  /** No regular report that takes it begins earlier, where the billing period has this instant; 0 = any may. */
  readonly begins: Instant;
}

async function moveRun(
  db: Db,
  ledger: Ledger,
  from: ReportKey,
  run: MovedRun,
  now: Instant,
): Promise<number> {
  const { account_id, meter } = from;
  await sealFullReports(db, [{ account_id, meter, quantity: run.quantity }], now);
  const to = await openReport(db, account_id, meter, run.period, now, run.begins);
  const chained = await ledger.moveEvents(db, { from, to, event_ids: run.event_ids });
  const { first_occurred_at, last_occurred_at } = run;
  const sealedUntil = await lastRegularEnd(db, account_id, meter, to.period_start);
  const period_start = Math.min(to.period_start, Math.max(startOf(run), sealedUntil));
  await db
    .updateTable('usage')
    .set({
      ...chained,
      quantity: to.quantity + run.quantity,
      first_occurred_at: Math.min(to.first_occurred_at ?? first_occurred_at, first_occurred_at),
      last_occurred_at: Math.max(to.last_occurred_at ?? last_occurred_at, last_occurred_at),
      // The report reaches back over the usage it has taken in, as far as what stood there is voided.
      ...(to.late ? {} : { period_start }),
    })
    .where(isReport(to))
    .execute();
  return to.report_id;
}

function startOf({ first_occurred_at, period, begins }: MovedRun): Instant {
  const start = Math.max(floorToSecond(first_occurred_at), period.start);
  return begins < period.end ? Math.max(start, begins) : start;
}
