import { sql } from 'kysely';
import { billingPeriodAt } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { floorToSecond } from '../core/instant.ts';
import type { CloseReportsParams, CloseReportsResult } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import { loadAccounts, timelineOf } from './accounts.ts';
import { openReport } from './opening.ts';
import { type Db, insertReports, isReport, openReportRow, REPORT_COLUMNS, toReport } from './report-rows.ts';

/**
 * Seals one batch of open reports and opens the next ones, in the caller's transaction. Reports without usage are
 * not sealed: their start moves on. A batch leaves nothing behind that the next would find again.
 */
export async function closeReports(db: Db, params: CloseReportsParams): Promise<CloseReportsResult> {
  const sealed = await sealBatch(db, params);
  await openNextReports(db, sealed, params.now);
  const moved = await moveEmptyReports(db, params);
  return { closed: sealed.length, more: sealed.length === params.limit || moved === params.limit };
}

async function sealBatch(db: Db, params: CloseReportsParams): Promise<UsageReport[]> {
  const { now } = params;
  const cutoff = floorToSecond(now);
  // Usage of the second that is still running belongs to the sealed report, so that its end covers it.
  const endOfUsage = sql<number>`last_occurred_at - last_occurred_at % 1000 + 1000`;
  const rows = await db
    .updateTable('usage')
    .set({
      status: 'closed',
      due_at: now,
      period_end: sql<number>`case
        when billing_period_end <= ${now} or ${endOfUsage} >= billing_period_end then billing_period_end
        when ${endOfUsage} > ${cutoff} then ${endOfUsage} else ${cutoff} end`,
    })
    .where(isInBatch(openReports(db, params).where('first_occurred_at', 'is not', null)))
    .returning(REPORT_COLUMNS)
    .execute();
  return rows.map(toReport);
}

/** The keys of the open reports that are due. */
function openReports(db: Db, { now, which, account_id, limit }: CloseReportsParams) {
  return db
    .selectFrom('usage')
    .select(['account_id', 'meter', 'report_id'])
    .where('status', '=', 'open')
    .$if(account_id !== null, (query) => query.where('account_id', '=', account_id))
    .$if(which === 'ended', (query) => query.where('billing_period_end', '<=', now))
    .where((eb) => eb.or([eb('billing_period_end', '<=', now), eb('period_start', '<', floorToSecond(now))]))
    .limit(limit);
}

function isInBatch(batch: ReturnType<typeof openReports>) {
  return sql<boolean>`(account_id, meter, report_id) in ${batch}`;
}

async function openNextReports(db: Db, sealed: readonly UsageReport[], now: Instant): Promise<void> {
  const regular = sealed.filter(({ late }) => !late);
  await openWithinPeriod(
    db,
    regular.filter((report) => isWithinPeriod(report)),
  );
  await openNextPeriod(
    db,
    regular.filter((report) => !isWithinPeriod(report)),
    now,
  );
}

function isWithinPeriod(report: UsageReport): boolean {
  return report.period_end !== null && report.period_end < report.billing_period_end;
}

/** The next reports of billing periods that go on, all in one statement. */
async function openWithinPeriod(db: Db, sealed: readonly UsageReport[]): Promise<void> {
  if (sealed.length === 0) return;
  const lastIds = await lastReportIds(db, sealed);
  const rows = sealed.map((report) =>
    openReportRow({
      account_id: report.account_id,
      meter: report.meter,
      report_id: (lastIds.get(pairOf(report)) ?? report.report_id) + 1,
      billing_period: { start: report.billing_period_start, end: report.billing_period_end },
      period_start: report.period_end ?? report.period_start,
      late: false,
    }),
  );
  await insertReports(db, rows);
}

async function lastReportIds(db: Db, reports: readonly UsageReport[]): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('usage')
    .select((eb) => ['account_id', 'meter', eb.fn.max('report_id').as('last')])
    .where('account_id', 'in', [...new Set(reports.map(({ account_id }) => account_id))])
    .groupBy(['account_id', 'meter'])
    .execute();
  return new Map(rows.map((row) => [pairOf(row), Number(row.last)]));
}

function pairOf({ account_id, meter }: { account_id: string; meter: string }): string {
  return JSON.stringify([account_id, meter]);
}

/** The first reports of the next billing periods, where increments have not opened them already. */
async function openNextPeriod(db: Db, sealed: readonly UsageReport[], now: Instant): Promise<void> {
  const accounts = await loadAccounts(
    db,
    sealed.map(({ account_id }) => account_id),
  );
  for (const report of sealed) {
    const account = accounts.get(report.account_id);
    if (!account) continue;
    const period = billingPeriodAt(
      timelineOf(account, report.meter),
      Math.max(now, report.billing_period_end),
    );
    await openReport(db, report.account_id, report.meter, period, now);
  }
}

/** @returns how many empty reports were moved. */
async function moveEmptyReports(db: Db, params: CloseReportsParams): Promise<number> {
  const { now } = params;
  const empty = openReports(db, params).where('first_occurred_at', 'is', null);
  const moved = await db
    .updateTable('usage')
    .set({ period_start: floorToSecond(now) })
    .where(isInBatch(empty.where('billing_period_end', '>', now)))
    .executeTakeFirst();
  const ended = await empty
    .clearSelect()
    .select(REPORT_COLUMNS)
    .where('billing_period_end', '<=', now)
    .execute();
  const accounts = await loadAccounts(
    db,
    ended.map(({ account_id }) => account_id),
  );
  for (const report of ended.map(toReport)) {
    await db.updateTable('usage').set({ status: 'voided' }).where(isReport(report)).execute();
    const account = accounts.get(report.account_id);
    if (!account || report.late) continue;
    const period = billingPeriodAt(timelineOf(account, report.meter), now);
    await openReport(db, report.account_id, report.meter, period, now);
  }
  return Math.max(Number(moved.numUpdatedRows), ended.length);
}
