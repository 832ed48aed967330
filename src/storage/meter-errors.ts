import type { MeterErrorSample, NoteMeterErrorsParams, NoteMeterErrorsResult } from '../core/meter-errors.ts';
import type { ReportKey } from '../core/usage-report.ts';
import { type Db, isReport } from './report-rows.ts';
import { makeSyncDue } from './webhook-events.ts';

/** Long words of Stripe's are shortened: they are for people. */
const MAX_ERROR_LENGTH = 500;

/**
 * Keeps what Stripe said of reports that it had accepted, and makes their accounts due. Nothing else about a report
 * changes: whether Stripe counted it, only its count can tell.
 */
export async function noteMeterErrors(
  db: Db,
  { errors, now }: NoteMeterErrorsParams,
): Promise<NoteMeterErrorsResult> {
  const samples = new Map<string, MeterErrorSample>();
  for (const sample of errors.samples) if (sample.identifier) samples.set(sample.identifier, sample);
  if (samples.size === 0) return { noted: [] };
  const reports = await db
    .selectFrom('usage')
    .select(['account_id', 'meter', 'report_id', 'identifier'])
    .where('identifier', 'in', [...samples.keys()])
    .where('status', '=', 'reported')
    .orderBy('account_id')
    .orderBy('meter')
    .orderBy('report_id')
    .execute();
  // Accounts first, then their reports: the order in which everybody locks.
  await makeSyncDue(db, [...new Set(reports.map(({ account_id }) => account_id))], now);
  const noted: ReportKey[] = [];
  for (const { identifier, ...report } of reports) {
    const sample = samples.get(identifier ?? '');
    if (!sample) continue;
    await db
      .updateTable('usage')
      .set({ last_error: `${sample.code}: ${sample.message}`.slice(0, MAX_ERROR_LENGTH) })
      .where(isReport(report))
      .where('status', '=', 'reported')
      .execute();
    noted.push(report);
  }
  return { noted };
}
