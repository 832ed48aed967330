import { sql } from 'kysely';
import {
  type BillingPeriod,
  type BillingTimeline,
  billingPeriodAt,
  countingPeriodAt,
} from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { floorToSecond } from '../core/instant.ts';
import { exactTotal, MAX_QUANTITY } from '../core/quantity.ts';
import type { SumUsageParams, SumUsageResult } from '../core/store.ts';
import type { ReportKey } from '../core/usage-report.ts';
import { lastRegularEnd, openReport, sealFullReports } from './opening.ts';
import { type Db, isReport } from './report-rows.ts';

/**
 * The events of a report, newest first: a walk along the chain that begins at the report's last event. The ledger
 * has no index by account, which is what keeps increments cheap.
 */
function eventsOf({ account_id, meter, report_id }: ReportKey) {
  return sql`(
    with recursive chain (age, event_id, previous_event_id, quantity, occurred_at) as (
      select 0, event_id, previous_event_id, quantity, occurred_at from usage_event where event_id = (
        select last_event_id from usage
        where account_id = ${account_id} and meter = ${meter} and report_id = ${report_id})
      union all
      select chain.age + 1, event.event_id, event.previous_event_id, event.quantity, event.occurred_at
      from chain join usage_event as event on event.event_id = chain.previous_event_id
    )
    select age, event_id, quantity, occurred_at from chain)`;
}

/** Sums events in a range, report by report. */
export async function sumUsage(db: Db, params: SumUsageParams): Promise<SumUsageResult> {
  const { account_id, meter, range, report_ids } = params;
  const quantities = new Map<number, number>();
  for (const report_id of report_ids) {
    const { rows } = await sql<{ quantity: number | null }>`
      select sum(quantity) as quantity from ${eventsOf({ account_id, meter, report_id })} as event
      where occurred_at >= ${range.start} and occurred_at < ${range.end}`.execute(db);
    const [row] = rows;
    if (row && row.quantity !== null) quantities.set(report_id, exactTotal(row.quantity));
  }
  return { quantities };
}

/** Events that follow each other in the chain and are counted in one billing period. */
interface Run {
  readonly period: BillingPeriod;
  readonly event_ids: number[];
  quantity: number;
  first_occurred_at: Instant;
  last_occurred_at: Instant;
}

/** Gives the events of a voided report to the open reports of the billing periods that they are counted in now. */
export async function moveEvents(
  db: Db,
  from: ReportKey,
  timeline: BillingTimeline,
  now: Instant,
): Promise<void> {
  const { rows } = await sql<{ event_id: number; quantity: number; occurred_at: number }>`
    select event_id, quantity, occurred_at from ${eventsOf(from)} as event order by age desc`.execute(db);
  const runs: Run[] = [];
  for (const { event_id, quantity, occurred_at } of rows) {
    const last = runs.at(-1);
    const period = periodToMoveTo(timeline, occurred_at, now);
    const continues = last?.period.start === period.start && last.quantity + quantity <= MAX_QUANTITY;
    const run = last && continues ? last : newRun(period, occurred_at);
    if (run !== last) runs.push(run);
    run.event_ids.push(event_id);
    run.quantity += quantity;
    run.first_occurred_at = Math.min(run.first_occurred_at, occurred_at);
    run.last_occurred_at = Math.max(run.last_occurred_at, occurred_at);
  }
  for (const run of runs) await moveRun(db, from, run, now);
}

/** As for usage that is recorded now, but what was used while it was paid for does not become free by moving. */
function periodToMoveTo(timeline: BillingTimeline, occurred_at: Instant, now: Instant): BillingPeriod {
  const period = countingPeriodAt(timeline, occurred_at, now);
  return period.billed_by === 'paid' ? period : billingPeriodAt(timeline, occurred_at);
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

/** Within a run the chain stays as it is; only its ends are tied anew. */
async function moveRun(db: Db, from: ReportKey, run: Run, now: Instant): Promise<void> {
  const { account_id, meter } = from;
  await sealFullReports(db, [{ account_id, meter, quantity: run.quantity }], now);
  const to = await openReport(db, account_id, meter, run.period, now);
  const { last_event_id } = await db
    .selectFrom('usage')
    .select('last_event_id')
    .where(isReport(to))
    .executeTakeFirstOrThrow();
  for (let at = 0; at < run.event_ids.length; at += MAX_EVENTS_PER_STATEMENT) {
    const event_ids = run.event_ids.slice(at, at + MAX_EVENTS_PER_STATEMENT);
    await db
      .updateTable('usage_event')
      .set({ report_id: to.report_id })
      .where('event_id', 'in', event_ids)
      .execute();
  }
  await tieChain(db, run.event_ids, last_event_id);
  const { first_occurred_at, last_occurred_at } = run;
  const sealedUntil = await lastRegularEnd(db, account_id, meter, to.period_start);
  const period_start = Math.min(to.period_start, Math.max(startOf(run), sealedUntil));
  await db
    .updateTable('usage')
    .set({
      quantity: to.quantity + run.quantity,
      first_occurred_at: Math.min(to.first_occurred_at ?? first_occurred_at, first_occurred_at),
      last_occurred_at: Math.max(to.last_occurred_at ?? last_occurred_at, last_occurred_at),
      last_event_id: run.event_ids.at(-1) ?? null,
      // The report reaches back over the usage it has taken in, as far as what stood there is voided.
      ...(to.late ? {} : { period_start }),
    })
    .where(isReport(to))
    .execute();
}

const MAX_EVENTS_PER_STATEMENT = 1_000;

/** The first event of the run follows what the report had before. */
async function tieChain(
  db: Db,
  event_ids: readonly number[],
  previous_event_id: number | null,
): Promise<void> {
  const [first] = event_ids;
  if (first === undefined) return;
  await db.updateTable('usage_event').set({ previous_event_id }).where('event_id', '=', first).execute();
}

function startOf({ first_occurred_at, period }: Run): Instant {
  return Math.max(floorToSecond(first_occurred_at), period.start);
}
