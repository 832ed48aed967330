import { billingPeriodAt, mayBeInvoiced } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import type { UsageEntry, UsageEntryOutcome } from '../core/store.ts';
import { timelineOf } from '../core/store.ts';
import { loadAccounts } from './accounts.ts';
import type { Db } from './report-rows.ts';

export type LateOutcome = Extract<UsageEntryOutcome, 'late' | 'duplicate' | 'conflict'>;

/**
 * What becomes of entries that are too late for their invoices, where such are refused. A repeated one that was counted in
 * time gets the answer that it would have got in time.
 *
 * @returns outcomes by position; entries that are not late are absent.
 */
export async function refuseLateEntries(
  db: Db,
  entries: readonly UsageEntry[],
  now: Instant,
): Promise<Map<number, LateOutcome>> {
  const accounts = await loadAccounts(
    db,
    entries.map(({ account_id }) => account_id),
  );
  const refused = new Map<number, LateOutcome>();
  for (const [position, entry] of entries.entries()) {
    const { account_id, meter, occurred_at } = entry;
    const account = accounts.get(account_id);
    if (!account || occurred_at === null) continue;
    const period = billingPeriodAt(timelineOf(account, meter), Math.min(occurred_at, now));
    if (mayBeInvoiced(period, now)) refused.set(position, await outcomeOf(db, entry));
  }
  return refused;
}

async function outcomeOf(
  db: Db,
  { account_id, meter, idempotency_key, content }: UsageEntry,
): Promise<LateOutcome> {
  if (idempotency_key === null) return 'late';
  const known = await db
    .selectFrom('usage_key')
    .select('content')
    .where('idempotency_key', '=', idempotency_key)
    .where('account_id', '=', account_id)
    .where('meter', '=', meter)
    .executeTakeFirst();
  if (!known) return 'late';
  return known.content === content ? 'duplicate' : 'conflict';
}
