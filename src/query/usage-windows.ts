import type { Period } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { formatInstant } from '../core/instant.ts';
import { exactTotal } from '../core/quantity.ts';
import type { UsageReader } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import { type WindowName, windowBoundaries } from '../core/usage-window.ts';
import { type AccountContext, findAccount } from './billed-account.ts';
import { findPresentAccount, presentPeriod } from './present-account.ts';

export interface UsageWindowsParams {
  readonly account_id: string;
  readonly meter: string;
  /** null = the current billing period. */
  readonly range: Period | null;
  readonly window: WindowName;
  /** IANA name. */
  readonly time_zone: string;
}

/** What `usage.windows` answers. Instants are ISO 8601 in UTC. */
export interface UsageWindowsResult {
  readonly account: string;
  readonly meter: string;
  readonly window: WindowName;
  readonly time_zone: string;
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
  /** Units used in `[period_start, period_end)`: the sum of the windows. */
  readonly quantity: number;
  /** Every window of the range, also those without usage; the first and the last end where the range does. */
  readonly windows: readonly UsageWindow[];
}

export interface UsageWindow {
  readonly start: string;
  /** Exclusive. */
  readonly end: string;
  readonly quantity: number;
}

/**
 * What an account used, hour by hour, day by day or month by month on the clock of a time zone.
 *
 * @throws UsageError `account_not_found`, `invalid_window`, `quantity_overflow`, `usage_archived`.
 */
export async function queryWindows(
  context: AccountContext,
  params: UsageWindowsParams,
): Promise<UsageWindowsResult> {
  const { account_id, meter, window, time_zone } = params;
  const range = await rangeOf(context, params);
  const boundaries = windowBoundaries(range, window, time_zone);
  const quantities = await context.store.readAtOnce((reader) =>
    sumWindows(reader, { account_id, meter, range, boundaries }),
  );
  const windows = boundaries.slice(0, -1).map((start, index) => ({
    start: formatInstant(Math.max(start, range.start)),
    end: formatInstant(Math.min(boundaries[index + 1] ?? range.end, range.end)),
    quantity: exactTotal(quantities.get(start) ?? 0n),
  }));
  const quantity = exactTotal([...quantities.values()].reduce((sum, part) => sum + part, 0n));
  const [period_start, period_end] = [formatInstant(range.start), formatInstant(range.end)];
  return { account: account_id, meter, window, time_zone, period_start, period_end, quantity, windows };
}

async function rangeOf(
  context: AccountContext,
  { account_id, meter, range }: UsageWindowsParams,
): Promise<Period> {
  if (!range) return presentPeriod(context, await findPresentAccount(context, account_id), meter);
  await findAccount(context, account_id);
  return range;
}

interface SumWindowsParams {
  readonly account_id: string;
  readonly meter: string;
  readonly range: Period;
  readonly boundaries: readonly Instant[];
}

/** A report that lies wholly in a window is its own total; the ledger is read for those that a boundary cuts. */
async function sumWindows(
  reader: UsageReader,
  { account_id, meter, range, boundaries }: SumWindowsParams,
): Promise<ReadonlyMap<Instant, bigint>> {
  const { reports } = await reader.listReportsWithUsage({ account_id, meter, range });
  const sums = new Map<Instant, bigint>();
  const add = (window: Instant, quantity: number) =>
    sums.set(window, (sums.get(window) ?? 0n) + BigInt(quantity));
  const cut: UsageReport[] = [];
  for (const report of reports) {
    const window = windowAround(report, range, boundaries);
    if (window === null) cut.push(report);
    else add(window, report.quantity);
  }
  const { quantities } = await reader.sumUsageByWindow({
    account_id,
    meter,
    range,
    report_ids: cut.map(({ report_id }) => report_id),
    boundaries,
  });
  for (const [window, quantity] of quantities) add(window, quantity);
  return sums;
}

/** The start of the window that all of a report's usage is in; null = none is. */
function windowAround(
  { first_occurred_at, last_occurred_at }: UsageReport,
  range: Period,
  boundaries: readonly Instant[],
): Instant | null {
  if (first_occurred_at === null || last_occurred_at === null) return null;
  if (first_occurred_at < range.start || last_occurred_at >= range.end) return null;
  const next = boundaries.findIndex((boundary) => boundary > first_occurred_at);
  const [start, end] = [boundaries[next - 1], boundaries[next]];
  return start !== undefined && end !== undefined && last_occurred_at < end ? start : null;
}
