import {
  type BillingPeriod,
  type BillingTimeline,
  billingPeriodAt,
  countingPeriodAt,
  type Period,
} from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { floorToSecond, SECOND_MS } from '../core/instant.ts';
import type { LateUsagePolicy } from '../core/late-usage.ts';
import { MAX_QUANTITY } from '../core/quantity.ts';
import type { UsageEntry } from '../core/store.ts';
import { timelineOf } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import { ensureAccounts, loadAccounts, lockAccounts } from './accounts.ts';
import {
  type Db,
  insertReports,
  isReport,
  type NewReport,
  nextReportId,
  openReportOf,
  REPORT_COLUMNS,
  toReport,
} from './report-rows.ts';

/**
 * Opens the reports that entries need, and the accounts too.
 *
 * @returns for each entry, the report that takes it.
 */
export async function openReportsFor(
  db: Db,
  entries: readonly UsageEntry[],
  now: Instant,
  late_usage: LateUsagePolicy,
): Promise<number[]> {
  const accounts = await loadAccounts(db, await lockAccountsOf(db, entries, now));
  const needed = entries.map(({ account_id, meter, occurred_at }) => {
    const account = accounts.get(account_id);
    if (!account) throw new Error('An account that was just created is missing.');
    return {
      account_id,
      meter,
      period: periodFor(timelineOf(account, meter), occurred_at ?? now, now, late_usage),
      requested_at: account.account.change_requested_at ?? 0,
    };
  });
  const opened = await openFirstReports(db, needed, now);
  const report_ids: number[] = [];
  for (const report of needed) {
    const { account_id, meter, period, requested_at } = report;
    const report_id =
      opened.get(keyOf(report)) ??
      (await openReport(db, account_id, meter, period, now, requested_at)).report_id;
    opened.set(keyOf(report), report_id);
    report_ids.push(report_id);
  }
  return report_ids;
}

/** Creates the accounts of entries that nobody knows yet, as of their first usage: it is in their first month. */
export async function lockAccountsOf(
  db: Db,
  entries: readonly UsageEntry[],
  now: Instant,
): Promise<string[]> {
  const created = new Map<string, Instant>();
  for (const { account_id, occurred_at } of entries) {
    created.set(account_id, Math.min(created.get(account_id) ?? now, occurred_at ?? now));
  }
  const account_ids = [...created.keys()];
  await ensureAccounts(db, created);
  await lockAccounts(db, account_ids);
  return account_ids;
}

/** Usage that is too late for its invoice stays in its own period where it is only tracked. */
function periodFor(
  timeline: BillingTimeline,
  occurred_at: Instant,
  now: Instant,
  late_usage: LateUsagePolicy,
): BillingPeriod {
  return late_usage === 'track'
    ? billingPeriodAt(timeline, Math.min(occurred_at, now))
    : countingPeriodAt(timeline, occurred_at, now);
}

interface NeededReport {
  readonly account_id: string;
  readonly meter: string;
  readonly period: BillingPeriod;
  /** Of a change of the subscription that is under way, which the report waits for; 0 = none is. */
  readonly requested_at: Instant;
}

function keyOf({ account_id, meter, period }: NeededReport): string {
  return JSON.stringify([account_id, meter, period.start]);
}

/**
 * Opens the very first reports of accounts and meters, all in one statement: many new accounts often come at once,
 * as in an import.
 *
 * @returns their numbers by {@link keyOf}.
 */
async function openFirstReports(
  db: Db,
  needed: readonly NeededReport[],
  now: Instant,
): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('usage')
    .select(['account_id', 'meter'])
    .distinct()
    .where('account_id', 'in', [...new Set(needed.map(({ account_id }) => account_id))])
    .execute();
  const known = new Set(rows.map(({ account_id, meter }) => JSON.stringify([account_id, meter])));
  const first = new Map<string, NeededReport>();
  for (const report of needed) {
    const pair = JSON.stringify([report.account_id, report.meter]);
    if (!known.has(pair) && !first.has(pair)) first.set(pair, report);
  }
  const reports = [...first.values()];
  await insertReports(
    db,
    reports.map(({ account_id, meter, period: { start, end }, requested_at }) => ({
      account_id,
      meter,
      report_id: 1,
      billing_period: { start, end },
      period_start: requested_at < end ? Math.max(start, requested_at) : start,
      late: end <= now,
    })),
  );
  return new Map(reports.map((report) => [keyOf(report), 1]));
}

/**
 * The open report of a billing period; a new one if there is none. The caller has locked the account, so that nobody
 * seals it; its row is not locked, which is done in order by whoever adds to several.
 *
 * @param requested_at of a change of the subscription that is under way: what is recorded since then begins there.
 */
export async function openReport(
  db: Db,
  account_id: string,
  meter: string,
  period: BillingPeriod | Period,
  now: Instant,
  requested_at: Instant = 0,
): Promise<UsageReport> {
  const open = await findOpenReport(db, account_id, meter, period.start);
  if (open) return open;
  const { start, end } = period;
  const begins = requested_at < end ? Math.max(start, requested_at) : start;
  const sealedUntil = Math.max(begins, await lastRegularEnd(db, account_id, meter, end));
  const late = end <= now || sealedUntil >= end;
  const report_id = await nextReportId(db, account_id, meter);
  const report: NewReport = {
    account_id,
    meter,
    report_id,
    billing_period: { start, end },
    period_start: late ? start : sealedUntil,
    late,
  };
  await insertReports(db, [report]);
  return openReportOf(report);
}

async function findOpenReport(
  db: Db,
  account_id: string,
  meter: string,
  billing_period_start: Instant,
): Promise<UsageReport | null> {
  const row = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where('account_id', '=', account_id)
    .where('meter', '=', meter)
    .where('billing_period_start', '=', billing_period_start)
    .where('status', '=', 'open')
    .executeTakeFirst();
  return row ? toReport(row) : null;
}

/**
 * Where the last regular report that begins before an instant ends; 0 if there is none. It may have begun in an earlier
 * billing period whose end was moved back afterwards.
 */
export async function lastRegularEnd(
  db: Db,
  account_id: string,
  meter: string,
  before: Instant,
): Promise<Instant> {
  const row = await db
    .selectFrom('usage')
    .select(['period_end', 'billing_period_end'])
    .where('account_id', '=', account_id)
    .where('meter', '=', meter)
    .where('period_start', '<', before)
    .where('late', '=', false)
    .where('status', '<>', 'voided')
    .orderBy('period_start', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? (row.period_end ?? row.billing_period_end) : 0;
}

/**
 * Seals the open reports that an entry would push past Stripe's 15 digits, so that the next ones are opened. Their
 * ends are the next whole second, in which no other report has begun.
 */
export async function sealFullReports(
  db: Db,
  entries: readonly Pick<UsageEntry, 'account_id' | 'meter' | 'quantity'>[],
  now: Instant,
): Promise<void> {
  await lockAccounts(
    db,
    entries.map(({ account_id }) => account_id),
  );
  for (const { account_id, meter, quantity } of entries) {
    const rows = await db
      .selectFrom('usage')
      .select(REPORT_COLUMNS)
      .where('account_id', '=', account_id)
      .where('meter', '=', meter)
      .where('status', '=', 'open')
      .where((eb) =>
        quantity > 0
          ? eb('quantity', '>', MAX_QUANTITY - quantity)
          : eb('quantity', '<', -MAX_QUANTITY - quantity),
      )
      .orderBy('report_id')
      .forUpdate()
      .execute();
    for (const report of rows.map(toReport)) {
      await db
        .updateTable('usage')
        .set({ status: 'closed', period_end: endOfFullReport(report, now), due_at: now })
        .where(isReport(report))
        .execute();
    }
  }
}

function endOfFullReport(report: UsageReport, now: Instant): Instant {
  if (report.late) return report.billing_period_end;
  const latest = Math.max(now, report.period_start, report.last_occurred_at ?? 0);
  const nextSecond = floorToSecond(latest) + SECOND_MS;
  return Math.min(nextSecond, report.billing_period_end);
}
