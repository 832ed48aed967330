import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { billingPeriodAt } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { floorToSecond } from '../core/instant.ts';
import type { CloseReportsParams, CloseReportsResult } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import { loadAccounts, timelineOf } from './accounts.ts';
import { openReport } from './opening.ts';
import { type Db, insertReports, isReport, REPORT_COLUMNS, toReport } from './report-rows.ts';
import type { Database } from './schema.ts';

/**
 * Seals the open reports of one batch of accounts and opens the next ones, in the caller's transaction. Reports
 * without usage are not sealed: their start moves on. A batch leaves nothing behind that the next would find again.
 */
export async function closeReports(db: Db, params: CloseReportsParams): Promise<CloseReportsResult> {
  const due = await lockDueAccounts(db, params);
  if (due.length === 0) return { closed: 0, after: null, more: false };
  const reports = await lockOpenReports(db, due);
  const dueReports = reports.filter((report) => isReportDue(report, params));
  const sealed = await sealReports(
    db,
    dueReports.filter(({ first_occurred_at }) => first_occurred_at !== null),
    params,
  );
  await openNextReports(db, sealed, params.now);
  await moveEmptyReports(
    db,
    dueReports.filter(({ first_occurred_at }) => first_occurred_at === null),
    params,
  );
  return { closed: sealed.length, after: due.at(-1) ?? null, more: true };
}

/** Next to another process that seals reports, each takes accounts that the other is not at. */
async function lockDueAccounts(db: Db, params: CloseReportsParams): Promise<string[]> {
  const found = await dueAccounts(db, params).skipLocked().execute();
  // At the end of the list, those that others were at.
  const rows = found.length > 0 ? found : await dueAccounts(db, { ...params, after: null }).execute();
  return [...new Set(rows.map(({ account_id }) => account_id))];
}

/** Locks the accounts of reports that are due: of those that have ended, or of all in their order. */
function dueAccounts(db: Db, params: CloseReportsParams) {
  const { which, account_id, after, limit } = params;
  return db
    .selectFrom('usage')
    .innerJoin('account as holder', 'holder.account_id', 'usage.account_id')
    .select('usage.account_id')
    .where(isDue(params))
    .$if(account_id !== null, (query) => query.where('usage.account_id', '=', account_id))
    .$if(which === 'all', (query) =>
      query.where('usage.account_id', '>', after ?? '').orderBy('usage.account_id'),
    )
    .limit(limit)
    .forNoKeyUpdate('holder');
}

/** Selects open reports that are to be sealed, or moved on where they are empty. */
function isDue({ which, now }: CloseReportsParams) {
  return (eb: ExpressionBuilder<Database, 'usage'>): Expression<SqlBool> => {
    const hasEnded = eb('billing_period_end', '<=', now);
    return eb.and([
      eb('status', '=', 'open'),
      which === 'ended' ? hasEnded : eb.or([hasEnded, eb('period_start', '<', floorToSecond(now))]),
    ]);
  };
}

/** The same of a report that was read. */
function isReportDue(
  { billing_period_end, period_start }: UsageReport,
  { which, now }: CloseReportsParams,
): boolean {
  return billing_period_end <= now || (which === 'all' && period_start < floorToSecond(now));
}

/** In the order in which usage is added to them, so that nobody waits in a circle. */
async function lockOpenReports(db: Db, account_ids: readonly string[]): Promise<UsageReport[]> {
  const rows = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where('account_id', 'in', account_ids)
    .where('status', '=', 'open')
    .orderBy('account_id')
    .orderBy('meter')
    .orderBy('report_id')
    .forUpdate()
    .execute();
  return rows.map(toReport);
}

/** All in one statement. */
async function sealReports(
  db: Db,
  reports: readonly UsageReport[],
  params: CloseReportsParams,
): Promise<UsageReport[]> {
  if (reports.length === 0) return [];
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
    .where('account_id', 'in', accountsOf(reports))
    .where(isDue(params))
    .where('first_occurred_at', 'is not', null)
    .returning(REPORT_COLUMNS)
    .execute();
  return rows.map(toReport);
}

function accountsOf(reports: readonly UsageReport[]): string[] {
  return [...new Set(reports.map(({ account_id }) => account_id))];
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
  const next = sealed.map((report) => ({
    account_id: report.account_id,
    meter: report.meter,
    report_id: (lastIds.get(pairOf(report)) ?? report.report_id) + 1,
    billing_period: { start: report.billing_period_start, end: report.billing_period_end },
    period_start: report.period_end ?? report.period_start,
    late: false,
  }));
  await insertReports(db, next);
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

async function moveEmptyReports(
  db: Db,
  reports: readonly UsageReport[],
  params: CloseReportsParams,
): Promise<void> {
  const { now } = params;
  const running = reports.filter(({ billing_period_end }) => billing_period_end > now);
  if (running.length > 0) {
    await db
      .updateTable('usage')
      .set({ period_start: floorToSecond(now) })
      .where('account_id', 'in', accountsOf(running))
      .where(isDue(params))
      .where('first_occurred_at', 'is', null)
      .where('billing_period_end', '>', now)
      .execute();
  }
  const ended = reports.filter(({ billing_period_end }) => billing_period_end <= now);
  const accounts = await loadAccounts(db, accountsOf(ended));
  for (const report of ended) {
    await db.updateTable('usage').set({ status: 'voided' }).where(isReport(report)).execute();
    const account = accounts.get(report.account_id);
    if (!account || report.late) continue;
    const period = billingPeriodAt(timelineOf(account, report.meter), now);
    await openReport(db, report.account_id, report.meter, period, now);
  }
}
