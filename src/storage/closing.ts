import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { billingPeriodAt, type Period } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { floorToSecond } from '../core/instant.ts';
import type { CloseReportsParams, CloseReportsResult } from '../core/store.ts';
import { timelineOf } from '../core/store.ts';
import type { ReportKey, UsageReport } from '../core/usage-report.ts';
import { loadAccounts } from './accounts.ts';
import { carryForward } from './carrying-forward.ts';
import type { Ledger } from './ledger.ts';
import { openReport } from './opening.ts';
import { type Db, insertReports, isReport, type NewReport, REPORT_COLUMNS, toReport } from './report-rows.ts';
import type { Database } from './schema.ts';

/**
 * Seals the open reports of one batch of accounts and opens the next ones, in the caller's transaction. Reports
 * without usage are not sealed: their start moves on.
 */
export async function closeReports(
  db: Db,
  ledger: Ledger,
  params: CloseReportsParams,
): Promise<CloseReportsResult> {
  const due = await lockDueAccounts(db, params);
  if (due.length === 0) return { closed: 0, after: null, more: false };
  const account_ids = [...new Set(due)];
  let reports = await lockOpenReports(db, account_ids);
  if (await carryForward(db, ledger, reports, endedBy(params)))
    reports = await lockOpenReports(db, account_ids);
  const dueReports = reports.filter((report) => isReportDue(report, params));
  const sealed = await sealReports(
    db,
    dueReports.filter(({ first_occurred_at }) => first_occurred_at !== null),
    params,
  );
  await openNextReports(db, reports, sealed, params.now);
  await moveEmptyReports(
    db,
    dueReports.filter(({ first_occurred_at }) => first_occurred_at === null),
    params,
  );
  return { closed: sealed.length, after: due.at(-1) ?? null, more: due.length === params.limit };
}

/** Next to another process that seals reports, each takes accounts that the other is not at. */
async function lockDueAccounts(db: Db, params: CloseReportsParams): Promise<string[]> {
  const due = dueAccounts(db, params);
  const rows = await (params.locked === 'skip' ? due.skipLocked() : inOrder(due, params)).execute();
  return rows.map(({ account_id }) => account_id);
}

/**
 * Whoever waits for accounts takes them in their order. Those whose period has ended are sorted: all open reports, through
 * which an index would be read in that order, are far more.
 */
function inOrder(due: ReturnType<typeof dueAccounts>, { which }: CloseReportsParams) {
  return which === 'all' ? due : due.orderBy(sql`coalesce(usage.account_id, '')`);
}

/** Accounts with open reports that are due, by which nobody is kept from anything. */
export async function listAccountsToClose(
  db: Db,
  params: Omit<CloseReportsParams, 'locked'>,
): Promise<string[]> {
  const { account_id, except = [], after, limit } = params;
  const rows = await db
    .selectFrom('usage')
    .select('account_id')
    .distinct()
    .where(isDue(params))
    .where('account_id', '>', after ?? '')
    .$if(account_id !== null, (query) => query.where('account_id', '=', account_id))
    .$if(except.length > 0, (query) => query.where('account_id', 'not in', except))
    .orderBy('account_id')
    .limit(limit)
    .execute();
  return rows.map((row) => row.account_id);
}

/** Locks the accounts of reports that are due: of those that have ended, or of all in their order. */
function dueAccounts(db: Db, params: CloseReportsParams) {
  const { which, account_id, except = [], after, limit } = params;
  return db
    .selectFrom('usage')
    .innerJoin('account as holder', 'holder.account_id', 'usage.account_id')
    .select('usage.account_id')
    .where(isDue(params))
    .$if(account_id !== null, (query) => query.where('usage.account_id', '=', account_id))
    .$if(except.length > 0, (query) => query.where('usage.account_id', 'not in', except))
    .$if(which === 'all', (query) =>
      query
        .where('usage.account_id', '>', after ?? '')
        .where('holder.account_id', '>', after ?? '') // so that a merge of the two begins there on both sides
        .orderBy('usage.account_id'),
    )
    .limit(limit)
    .forNoKeyUpdate('holder');
}

/**
 * Selects open reports that are to be sealed, or moved on where they are empty. A late one that is empty was just opened
 * for usage that is about to be recorded, and stays.
 */
function isDue(params: Pick<CloseReportsParams, 'which' | 'now' | 'ended_by'>) {
  const { which, now } = params;
  return (eb: ExpressionBuilder<Database, 'usage'>): Expression<SqlBool> => {
    const hasEnded = eb('billing_period_end', '<=', endedBy(params));
    return eb.and([
      eb('status', '=', 'open'),
      eb.or([eb('late', '=', false), eb('first_occurred_at', 'is not', null)]),
      which === 'ended' ? hasEnded : eb.or([hasEnded, eb('period_start', '<', floorToSecond(now))]),
    ]);
  };
}

/** The same of a report that was read. */
function isReportDue(
  { billing_period_end, period_start, late, first_occurred_at }: UsageReport,
  params: CloseReportsParams,
): boolean {
  if (late && first_occurred_at === null) return false;
  const { which, now } = params;
  return billing_period_end <= endedBy(params) || (which === 'all' && period_start < floorToSecond(now));
}

function endedBy({ now, ended_by = now }: Pick<CloseReportsParams, 'now' | 'ended_by'>): Instant {
  return ended_by;
}

interface OpenReport extends UsageReport {
  /** The number of the newest report of its account and meter. */
  readonly last_report_id: number;
}

/** In the order in which usage is added to them, so that nobody waits in a circle. */
async function lockOpenReports(db: Db, account_ids: readonly string[]): Promise<OpenReport[]> {
  const rows = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .select((eb) =>
      eb
        .selectFrom('usage as any_report')
        .select((any) => any.fn.max('any_report.report_id').as('last'))
        .whereRef('any_report.account_id', '=', 'usage.account_id')
        .whereRef('any_report.meter', '=', 'usage.meter')
        .as('last_report_id'),
    )
    .where('account_id', 'in', account_ids)
    .where('status', '=', 'open')
    .orderBy('account_id')
    .orderBy('meter')
    .orderBy('report_id')
    .forUpdate()
    .execute();
  return rows.map(({ last_report_id, ...row }) => ({
    ...toReport(row),
    last_report_id: Number(last_report_id),
  }));
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
        when billing_period_end <= ${endedBy(params)} or ${endOfUsage} >= billing_period_end then billing_period_end
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

/** The next reports of billing periods that go on, and the first ones of those that follow, all in one statement. */
async function openNextReports(
  db: Db,
  open: readonly OpenReport[],
  sealed: readonly UsageReport[],
  now: Instant,
): Promise<void> {
  const regular = sealed.filter(({ late }) => !late);
  if (regular.length === 0) return;
  const lastIds = new Map(open.map((report) => [pairOf(report), report.last_report_id]));
  const next: NewReport[] = [];
  const unusual: FollowingPeriod[] = [];
  const ended = regular.filter((report) => !isWithinPeriod(report));
  for (const report of regular.filter(isWithinPeriod)) {
    const period = { start: report.billing_period_start, end: report.billing_period_end };
    next.push(newReport(report, period, report.period_end ?? report.period_start, lastIds));
  }
  for (const following of await followingPeriods(db, open, ended, now)) {
    const { report, period, isTaken } = following;
    if (isTaken) unusual.push(following);
    else next.push(newReport(report, period, period.start, lastIds));
  }
  await insertReports(db, next);
  for (const { report, period } of unusual) {
    await openReport(db, report.account_id, report.meter, period, now);
  }
}

function isWithinPeriod(report: UsageReport): boolean {
  return report.period_end !== null && report.period_end < report.billing_period_end;
}

function newReport(
  { account_id, meter }: ReportKey,
  billing_period: Period,
  period_start: Instant,
  lastIds: Map<string, number>,
): NewReport {
  const report_id = (lastIds.get(pairOf({ account_id, meter })) ?? 0) + 1;
  lastIds.set(pairOf({ account_id, meter }), report_id);
  return { account_id, meter, report_id, billing_period, period_start, late: false };
}

function pairOf({ account_id, meter }: Pick<ReportKey, 'account_id' | 'meter'>): string {
  return JSON.stringify([account_id, meter]);
}

/** The billing period that comes after that of a sealed report. */
interface FollowingPeriod {
  readonly report: UsageReport;
  readonly period: Period;
  /** Whether a part of it is in some report already, as after a change of its boundaries. */
  readonly isTaken: boolean;
}

/** Those in which increments have not opened a report already. */
async function followingPeriods(
  db: Db,
  open: readonly OpenReport[],
  ended: readonly UsageReport[],
  now: Instant,
): Promise<FollowingPeriod[]> {
  const accounts = await loadAccounts(db, accountsOf(ended));
  const isOpen = new Set(open.map((report) => `${pairOf(report)} ${report.billing_period_start}`));
  const following = new Map<string, { report: UsageReport; period: Period }>();
  for (const report of ended) {
    const account = accounts.get(report.account_id);
    if (!account) continue;
    const after = Math.max(now, report.billing_period_end);
    const { start, end } = billingPeriodAt(timelineOf(account, report.meter), after);
    const key = `${pairOf(report)} ${start}`;
    if (!isOpen.has(key)) following.set(key, { report, period: { start, end } });
  }
  const found = [...following.values()];
  const taken = await pairsReportedSince(db, found);
  return found.map(({ report, period }) => ({
    report,
    period,
    isTaken: (report.period_end ?? 0) > period.start || taken.has(pairOf(report)),
  }));
}

/** Accounts and meters that have regular reports since the first of the periods. */
async function pairsReportedSince(
  db: Db,
  following: readonly { readonly report: UsageReport; readonly period: Period }[],
): Promise<Set<string>> {
  if (following.length === 0) return new Set();
  const rows = await db
    .selectFrom('usage')
    .select(['account_id', 'meter'])
    .where('account_id', 'in', accountsOf(following.map(({ report }) => report)))
    .where('period_start', '>=', Math.min(...following.map(({ period }) => period.start)))
    .where('late', '=', false)
    .where('status', '<>', 'voided')
    .execute();
  return new Set(rows.map(pairOf));
}

async function moveEmptyReports(
  db: Db,
  reports: readonly UsageReport[],
  params: CloseReportsParams,
): Promise<void> {
  const { now } = params;
  const ended_by = endedBy(params);
  const running = reports.filter(({ billing_period_end }) => billing_period_end > ended_by);
  if (running.length > 0) {
    await db
      .updateTable('usage')
      .set({ period_start: floorToSecond(now) })
      .where('account_id', 'in', accountsOf(running))
      .where(isDue(params))
      .where('first_occurred_at', 'is', null)
      .where('billing_period_end', '>', ended_by)
      .execute();
  }
  const ended = reports.filter(({ billing_period_end }) => billing_period_end <= ended_by);
  const accounts = await loadAccounts(db, accountsOf(ended));
  for (const report of ended) {
    await db.updateTable('usage').set({ status: 'voided' }).where(isReport(report)).execute();
    const account = accounts.get(report.account_id);
    if (!account) continue;
    const after = Math.max(now, report.billing_period_end);
    const period = billingPeriodAt(timelineOf(account, report.meter), after);
    await openReport(db, report.account_id, report.meter, period, now);
  }
}
