import { sql } from 'kysely';
import { exactTotal } from '../core/quantity.ts';
import type {
  ListEventsParams,
  ListEventsResult,
  ListReportsByStatusParams,
  ReportsToDecide,
  UsageEvent,
} from '../core/report-listing.ts';
import type { ReportKey, UsageReport } from '../core/usage-report.ts';
import type { Ledger } from './ledger.ts';
import { type Db, isReport, REPORT_COLUMNS, toReport } from './report-rows.ts';

export async function getReport(db: Db, key: ReportKey): Promise<UsageReport | null> {
  const row = await db.selectFrom('usage').select(REPORT_COLUMNS).where(isReport(key)).executeTakeFirst();
  return row ? toReport(row) : null;
}

export async function listEvents(
  db: Db,
  ledger: Ledger,
  { report, after, limit }: ListEventsParams,
): Promise<ListEventsResult> {
  const range = { start: report.first_occurred_at ?? 0, end: (report.last_occurred_at ?? 0) + 1 };
  const events = ledger.entriesOf(report, range);
  const { recorded_at, event_id } = after ?? { recorded_at: 0, event_id: 0 };
  const { rows: page } = await sql<UsageEvent>`
    select event_id, quantity, occurred_at, recorded_at, idempotency_key, properties from ${events} as event
    where recorded_at > ${recorded_at} or (recorded_at = ${recorded_at} and event_id > ${event_id})
    order by recorded_at, event_id limit ${limit}`.execute(db);
  const { rows: sums } = await sql<{ events: number; quantity: number | null }>`
    select count(*) as events, sum(quantity) as quantity from ${events} as event`.execute(db);
  const [sum] = sums;
  return {
    events: page,
    total: { events: exactTotal(sum?.events ?? 0), quantity: exactTotal(sum?.quantity ?? 0) },
    is_archived: report.first_occurred_at !== null && (await ledger.isArchived(db, range)),
  };
}

export async function listReportsByStatus(
  db: Db,
  { account_id, status, after, limit }: ListReportsByStatusParams,
): Promise<UsageReport[]> {
  const rows = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where('status', '=', status)
    // In these words an index of the few that wait for a person answers, however many reports there are.
    .$if(status === 'held' || status === 'failed', (query) =>
      query.where(sql<boolean>`status in ('held', 'failed')`),
    )
    .$if(account_id !== null, (query) => query.where('account_id', '=', account_id ?? ''))
    .$if(after !== null, (query) =>
      query.where(
        sql<boolean>`(account_id, meter, report_id) > (${after?.account_id}, ${after?.meter}, ${after?.report_id})`,
      ),
    )
    .orderBy('account_id')
    .orderBy('meter')
    .orderBy('report_id')
    .limit(limit)
    .execute();
  return rows.map(toReport);
}

/** By the index of the few that wait for a person. */
export async function countReportsToDecide(db: Db): Promise<ReportsToDecide> {
  const rows = await db
    .selectFrom('usage')
    .select((eb) => ['status', eb.fn.countAll().as('reports')])
    .where(sql<boolean>`status in ('held', 'failed')`)
    .groupBy('status')
    .execute();
  const countOf = (status: 'held' | 'failed') =>
    Number(rows.find((row) => row.status === status)?.reports ?? 0);
  return { held: countOf('held'), failed: countOf('failed') };
}
