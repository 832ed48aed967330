import { type RawBuilder, sql } from 'kysely';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { exactTotal } from '../core/quantity.ts';
import type { SumUsageByWindowParams, SumUsageByWindowResult } from '../core/store.ts';
import type { Ledger } from './ledger.ts';
import type { Db } from './report-rows.ts';

/**
 * Sums events in a range, window by window. The database counts in steps of one length that divides every window, which
 * both engines can do without a list of windows; the steps are then put together.
 *
 * @throws UsageError `usage_archived`.
 */
export async function sumUsageByWindow(
  db: Db,
  ledger: Ledger,
  params: SumUsageByWindowParams,
): Promise<SumUsageByWindowResult> {
  const { account_id, meter, range, report_ids, boundaries } = params;
  if (report_ids.length > 0 && (await ledger.isArchived(db, range))) {
    throw new UsageError('usage_archived', { field: 'period_start' });
  }
  const sums = new Map<Instant, bigint>();
  const tables = report_ids.map((report_id) => ledger.eventsOf({ account_id, meter, report_id }, range));
  if (ledger.unassignedEvents) tables.push(ledger.unassignedEvents(account_id, meter, range));
  for (const events of tables) {
    for (const { at, quantity } of await sumBySteps(db, events, params)) {
      const window = windowOf(at, boundaries);
      sums.set(window, (sums.get(window) ?? 0n) + BigInt(quantity));
    }
  }
  return { quantities: new Map([...sums].map(([window, sum]) => [window, exactTotal(sum)])) };
}

async function sumBySteps(
  db: Db,
  events: RawBuilder<unknown>,
  { range, boundaries }: SumUsageByWindowParams,
): Promise<{ readonly at: Instant; readonly quantity: number | string }[]> {
  const [first = range.start] = boundaries;
  const step_ms = commonStep(boundaries);
  // The parts are integers, and so is their quotient in both engines; nothing occurs before the first boundary.
  const step = sql`(occurred_at - ${sql.lit(first)}) / ${sql.lit(step_ms)}`;
  const { rows } = await sql<{ step: number | string; quantity: number | string }>`
    select ${step} as step, sum(quantity) as quantity from ${events} as event
    where occurred_at >= ${range.start} and occurred_at < ${range.end} group by 1`.execute(db);
  return rows.map(({ step, quantity }) => ({ at: first + Number(step) * step_ms, quantity }));
}

/** The greatest length that divides all windows. */
function commonStep(boundaries: readonly Instant[]): number {
  const [first = 0] = boundaries;
  return boundaries.reduce((divisor, boundary) => greatestCommonDivisor(boundary - first, divisor), 0) || 1;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The last boundary at or before an instant. */
function windowOf(at: Instant, boundaries: readonly Instant[]): Instant {
  let [low, high] = [0, boundaries.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((boundaries[middle] ?? at) <= at) low = middle;
    else high = middle - 1;
  }
  return boundaries[low] ?? at;
}
