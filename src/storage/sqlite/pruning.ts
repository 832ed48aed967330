import { type Kysely, sql } from 'kysely';
import type { Instant } from '../../core/environment.ts';
import type { Database } from '../schema.ts';

/** Keys looked at in one transaction: increments wait behind it. */
const KEYS_PER_STEP = 5_000;

interface Cursor {
  readonly idempotency_key: string;
  readonly account_id: string;
  readonly meter: string;
}

/**
 * Forgets idempotency keys recorded before an instant. The table is read from end to end, in the order of its key: an
 * index by time would cost every keyed increment.
 */
export async function pruneKeys(db: Kysely<Database>, before: Instant): Promise<void> {
  let from: Cursor = { idempotency_key: '', account_id: '', meter: '' };
  for (let more = true; more; ) {
    const isAfter = sql`(idempotency_key, account_id, meter) > (${from.idempotency_key}, ${from.account_id}, ${from.meter})`;
    const { rows } =
      await sql<Cursor>`select idempotency_key, account_id, meter from usage_key where ${isAfter}
      order by idempotency_key, account_id, meter limit 1 offset ${KEYS_PER_STEP - 1}`.execute(db);
    const [last] = rows;
    const isInStep = last
      ? sql`${isAfter} and (idempotency_key, account_id, meter) <= (${last.idempotency_key}, ${last.account_id}, ${last.meter})`
      : isAfter;
    await sql`delete from usage_key where ${isInStep} and recorded_at < ${before}`.execute(db);
    more = last !== undefined;
    if (last) from = last;
  }
}
