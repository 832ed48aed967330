import type { ExpressionBuilder } from 'kysely';
import type { Instant } from '../core/environment.ts';
import { DAY_MS } from '../core/instant.ts';
import type {
  MeterErrorSample,
  MeterErrors,
  NoteMeterErrorsParams,
  NoteMeterErrorsResult,
} from '../core/meter-errors.ts';
import type { ReportKey } from '../core/usage-report.ts';
import { type Db, isReport } from './report-rows.ts';
import type { Database } from './schema.ts';

/** Long words of Stripe's are shortened: they are for people. */
const MAX_ERROR_LENGTH = 500;

/** Stripe looks at events after it has accepted them: those that it rejects now were accepted so long before, at most. */
const MAX_VALIDATION_DELAY_MS = DAY_MS;

/**
 * Keeps what Stripe said of reports that it had accepted, and makes them due: whether Stripe counted them, only its count
 * can tell. Where it names examples only, every report of the time is read back.
 */
export async function noteMeterErrors(
  db: Db,
  { errors, now }: NoteMeterErrorsParams,
): Promise<NoteMeterErrorsResult> {
  const samples = new Map<string, MeterErrorSample>();
  for (const sample of errors.samples) if (sample.identifier) samples.set(sample.identifier, sample);
  if (errors.error_count > samples.size) await verifyTime(db, errors, now);
  if (samples.size === 0) return { noted: [] };
  const reports = await db
    .selectFrom('usage')
    .select(['account_id', 'meter', 'report_id', 'identifier'])
    .where('identifier', 'in', [...samples.keys()])
    .where(isUnproven)
    .orderBy('account_id') // whoever locks several reports locks them in this order
    .orderBy('meter')
    .orderBy('report_id')
    .execute();
  const noted: ReportKey[] = [];
  for (const { identifier, ...report } of reports) {
    const sample = samples.get(identifier ?? '');
    if (!sample) continue;
    const { numUpdatedRows } = await db
      .updateTable('usage')
      .set({
        reason: 'rejected',
        last_error: `${sample.code}: ${sample.message}`.slice(0, MAX_ERROR_LENGTH),
        due_at: now,
      })
      .where(isReport(report))
      .where(isUnproven)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) noted.push(report);
  }
  return { noted };
}

/** Accepted, and not counted so far; a report may be held for it already. */
function isUnproven(eb: ExpressionBuilder<Database, 'usage'>) {
  return eb.or([
    eb.and([eb('status', '=', 'reported'), eb('verified_at', 'is', null)]),
    eb.and({ status: 'held', reason: 'not_counted' }),
  ]);
}

/** Makes all reports due that may be among the rejected ones. */
async function verifyTime(db: Db, { validated_from }: MeterErrors, now: Instant): Promise<void> {
  await db
    .updateTable('usage')
    .set({ due_at: now })
    .where('due_at', '>', now)
    .where('status', '=', 'reported')
    .where('reported_at', '>=', (validated_from ?? now) - MAX_VALIDATION_DELAY_MS)
    .execute();
}
