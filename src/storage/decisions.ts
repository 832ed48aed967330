import type { ListDecisionsParams, ReportDecision } from '../core/report-listing.ts';
import type { AcknowledgedUsageParams, DecideReportParams } from '../core/store.ts';
import type { ReportKey } from '../core/usage-report.ts';
import { changeReport, type Db } from './report-rows.ts';

/** What a person decides of a report: the change, and who decided it and why, or neither. */
export async function decideReport(db: Db, params: DecideReportParams): Promise<boolean> {
  const { report, action, actor, reason, at, acknowledged } = params;
  if (!(await changeReport(db, params))) return false;
  const { account_id, meter, report_id } = report;
  // The changed report is locked, so that nobody else numbers its decisions.
  const last = await ofReport(db, report)
    .select((eb) => eb.fn.max('decision_id').as('last'))
    .executeTakeFirst();
  const decision_id = Number(last?.last ?? 0) + 1;
  await db
    .insertInto('decision')
    .values({ account_id, meter, report_id, decision_id, at, action, actor, reason, acknowledged })
    .execute();
  return true;
}

export async function listDecisions(
  db: Db,
  { report, limit }: ListDecisionsParams,
): Promise<ReportDecision[]> {
  const rows = await ofReport(db, report)
    .select(['at', 'action', 'actor', 'reason', 'acknowledged'])
    .orderBy('decision_id', 'desc')
    .limit(limit)
    .execute();
  return rows.reverse();
}

function ofReport(db: Db, { account_id, meter, report_id }: ReportKey) {
  return db.selectFrom('decision').where((eb) => eb.and({ account_id, meter, report_id }));
}

export async function acknowledgedUsage(
  db: Db,
  { account_id, meter, since }: AcknowledgedUsageParams,
): Promise<number> {
  const row = await db
    .selectFrom('decision')
    .innerJoin('usage', (join) =>
      join
        .onRef('usage.account_id', '=', 'decision.account_id')
        .onRef('usage.meter', '=', 'decision.meter')
        .onRef('usage.report_id', '=', 'decision.report_id'),
    )
    .select((eb) => eb.fn.sum('acknowledged').as('sum'))
    .where('decision.account_id', '=', account_id)
    .where('decision.meter', '=', meter)
    .where('usage.billing_period_end', '>', since)
    .executeTakeFirst();
  return Number(row?.sum ?? 0);
}
