import type { BillingPeriod, Period } from '../core/billing-period.ts';
import { formatInstant } from '../core/instant.ts';
import { freeReason } from '../core/plan.ts';
import { type RatedAmount, rate } from '../core/price.ts';
import { exactTotal } from '../core/quantity.ts';
import type { AccountWithItems } from '../core/store.ts';
import type { SubscriptionChange } from '../core/subscription-change.ts';
import type { UsageReport } from '../core/usage-report.ts';
import { type AccountContext, findAccount, periodAt, planOf, priceOf } from './billed-account.ts';
import { findPresentAccount, type PresentAccount, presentPeriod } from './present-account.ts';
import { toReportResult, type UsageResult } from './usage-result.ts';

export interface UsageQueryParams {
  readonly account_id: string;
  readonly meters: readonly string[];
  /** null = each meter's current billing period. */
  readonly range: Period | null;
}

/**
 * What an account used, per meter.
 *
 * @throws UsageError `account_not_found`, `quantity_overflow`.
 */
export async function queryUsage(context: AccountContext, params: UsageQueryParams): Promise<UsageResult[]> {
  const { account_id, meters, range } = params;
  if (range) {
    const account = await findAccount(context, account_id);
    return await Promise.all(meters.map((meter) => queryRange(context, account, meter, range)));
  }
  const present = await findPresentAccount(context, account_id);
  return await Promise.all(meters.map((meter) => queryCurrentPeriod(context, present, meter)));
}

/** Adds up whole reports: two indexed reads, however long the history. */
export async function queryCurrentPeriod(
  context: AccountContext,
  present: PresentAccount,
  meter: string,
): Promise<UsageResult> {
  const { account_id } = present.account.account;
  const period = presentPeriod(context, present, meter);
  const { reports, unassigned } = await context.store.listReports({ account_id, meter, range: period });
  const quantities = new Map(reports.map(({ report_id, quantity }) => [report_id, quantity]));
  const found = { reports, quantities, unassigned, is_current: true };
  return summarise({ context, ...present, meter, period, range: period, ...found });
}

/** Adds up reports that lie wholly in the range, and ledger rows of those that it cuts. */
async function queryRange(
  context: AccountContext,
  account: AccountWithItems,
  meter: string,
  range: Period,
): Promise<UsageResult> {
  const { account_id } = account.account;
  // At once: usage that is given to a report in between would be seen twice.
  const { reports, unassigned, cutQuantities } = await context.store.readAtOnce(async (reader) => {
    const listed = await reader.listReportsWithUsage({ account_id, meter, range });
    const cut = listed.reports.filter((report) => !isInside(report, range));
    const { quantities } = await reader.sumUsage({
      account_id,
      meter,
      range: usedWithin(cut, range),
      report_ids: cut.map(({ report_id }) => report_id),
    });
    return { ...listed, cutQuantities: quantities };
  });
  const quantities = new Map<number, number>(
    reports.map((report) => [
      report.report_id,
      isInside(report, range) ? report.quantity : (cutQuantities.get(report.report_id) ?? 0),
    ]),
  );
  const touched = reports.filter(({ report_id }) => quantities.get(report_id) !== 0);
  const billing = periodAt(account, meter, range.start);
  const isWhole = billing.start === range.start && billing.end === range.end;
  return summarise({
    context,
    account,
    meter,
    period: isWhole ? billing : null,
    range,
    reports: touched,
    quantities,
    unassigned,
    is_current: false,
    change: null,
  });
}

/** The part of the range in which the reports have usage: no more of the ledger need be there. */
function usedWithin(reports: readonly UsageReport[], { start, end }: Period): Period {
  const first = reports.map((report) => report.first_occurred_at ?? start);
  const last = reports.map((report) => report.last_occurred_at ?? end);
  return { start: Math.max(start, Math.min(...first)), end: Math.min(end, Math.max(...last) + 1) };
}

function isInside({ first_occurred_at, last_occurred_at }: UsageReport, range: Period): boolean {
  if (first_occurred_at === null || last_occurred_at === null) return true;
  return first_occurred_at >= range.start && last_occurred_at < range.end;
}

interface Findings {
  readonly context: AccountContext;
  readonly account: AccountWithItems;
  readonly meter: string;
  /** The billing period that the range is; null = it is not one. */
  readonly period: BillingPeriod | null;
  readonly range: Period;
  readonly reports: readonly UsageReport[];
  /** What of each report is in the range. */
  readonly quantities: ReadonlyMap<number, number>;
  /** What is in the range and in no report yet. */
  readonly unassigned: number;
  /** Whether the range is the current billing period because the caller named none. */
  readonly is_current: boolean;
  /** The change under way that the account is seen after; null = none. */
  readonly change: SubscriptionChange | null;
}

function summarise(findings: Findings): UsageResult {
  const { account, meter, range, reports, quantities, period } = findings;
  const sum = (of: (report: UsageReport) => boolean, unassigned = 0) =>
    exactTotal(
      reports
        .filter(of)
        .reduce((total, { report_id }) => total + BigInt(quantities.get(report_id) ?? 0), BigInt(unassigned)),
    );
  // Until a change is made, reports are of the billing period that it cuts short.
  const periodOf = (report: UsageReport) => (findings.change ? range.start : report.billing_period_start);
  const isFree = (report: UsageReport) =>
    report.status === 'not_billable' || isFreeFrom(findings, periodOf(report));
  const pendingUnassigned = isFreeFrom(findings, range.start) ? 0 : findings.unassigned;
  const quantity = sum(() => true, findings.unassigned);
  const limit = limitOf(findings);
  return {
    account: account.account.account_id,
    meter,
    period_start: formatInstant(range.start),
    period_end: formatInstant(range.end),
    quantity,
    reported_quantity: sum(({ reported }) => reported),
    pending_quantity: sum((report) => !report.reported && !isFree(report), pendingUnassigned),
    reports: reports.map(toReportResult),
    cost:
      period &&
      costOf(
        findings,
        period,
        sum((report) => !isFree(report), pendingUnassigned),
      ),
    limit,
    remaining: limit === null ? null : Math.max(0, limit - Math.max(0, quantity)),
    change: toChangeUnderWay(findings.change),
  };
}

function limitOf({ context, account, meter, is_current }: Findings): number | null {
  return (is_current ? planOf(context, account)?.limits[meter] : null) ?? null;
}

function toChangeUnderWay(change: SubscriptionChange | null): UsageResult['change'] {
  if (change === null || change.kind === 'seats') return null;
  const { change_id, kind, plan, requested_at } = change;
  return { change: change_id, kind, plan, requested_at: formatInstant(requested_at) };
}

/** Whether usage of the billing period of an instant that is not settled yet will turn out to be free. */
function isFreeFrom({ context, account, meter }: Findings, instant: number): boolean {
  const { billed_by } = periodAt(account, meter, instant);
  if (billed_by !== 'none') return billed_by === 'trial';
  const plan = planOf(context, account);
  return (
    account.items.some((item) => item.meter === meter) || (plan !== null && freeReason(plan, meter) !== null)
  );
}

function costOf(findings: Findings, period: BillingPeriod, quantity: number): RatedAmount | null {
  const { context, account, meter } = findings;
  const price = priceOf(context, account, meter, period);
  return price && rate(price, Math.max(0, quantity));
}
