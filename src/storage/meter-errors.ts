import type { MeterErrorSample, NoteMeterErrorsParams, NoteMeterErrorsResult } from '../core/meter-errors.ts';
import type { ReportKey } from '../core/usage-report.ts';
import { type Db, isReport } from './report-rows.ts';

/** Long words of Stripe's are shortened: they are for people. */
const MAX_ERROR_LENGTH = 500;

/**
 * Keeps what Stripe said of reports that it had accepted, and makes them due to be verified. That is all: whether Stripe
 * counted a report, only its count can tell. What its count has proven already stays proven.
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
    .where('verified_at', 'is', null)
    .orderBy('account_id') // whoever locks several reports locks them in this order
    .orderBy('meter')
    .orderBy('report_id')
    .execute();
  const noted: ReportKey[] = [];
  for (const { identifier, ...report } of reports) {
    const sample = samples.get(identifier ?? '');
    if (!sample) continue;
    const last_error = `${sample.code}: ${sample.message}`.slice(0, MAX_ERROR_LENGTH);
    const { numUpdatedRows } = await db
      .updateTable('usage')
      .set({ reason: 'rejected', last_error, due_at: now })
      .where(isReport(report))
      .where('status', '=', 'reported')
      .where('verified_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) noted.push(report);
  }
  return { noted };
}
