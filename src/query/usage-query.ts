import { type BillingPeriod, billingPeriodAt, type Period } from '../core/billing-period.ts';
import type { Clock } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { freeReason, type Plans } from '../core/plan.ts';
import { type Price, type RatedAmount, rate } from '../core/price.ts';
import { exactTotal } from '../core/quantity.ts';
import type { AccountWithItems, Store } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';
import type { ReportResult, UsageResult } from './usage-result.ts';

export interface UsageQueryContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly plans: Plans;
}

export interface UsageQueryParams {
  readonly account_id: string;
  readonly meters: readonly string[];
  /** null = each meter's current billing period. */
  readonly range: Period | null;
}

const ROLL_UP_LIMIT = 1_000;

/**
 * What an account used, per meter.
 *
 * @throws UsageError `account_not_found`, `quantity_overflow`.
 */
export async function queryUsage(
  context: UsageQueryContext,
  params: UsageQueryParams,
): Promise<UsageResult[]> {
  const { account_id, meters, range } = params;
  const account = await findAccount(context, account_id);
  if (!account) throw new UsageError('account_not_found', { field: 'account', value: account_id });
  return await Promise.all(
    meters.map((meter) =>
      range ? queryRange(context, account, meter, range) : queryCurrentPeriod(context, account, meter),
    ),
  );
}

/** An account that is known only from transactions of the app is created by the roll-up of its usage. */
async function findAccount(
  { store, clock }: UsageQueryContext,
  account_id: string,
): Promise<AccountWithItems | null> {
  const account = await store.getAccount({ account_id });
  if (account) return account;
  await store.rollUp({ now: clock.now(), account_id, limit: ROLL_UP_LIMIT });
  return await store.getAccount({ account_id });
}

/** Adds up whole reports: two indexed reads, however long the history. */
async function queryCurrentPeriod(
  context: UsageQueryContext,
  account: AccountWithItems,
  meter: string,
): Promise<UsageResult> {
  const { account_id } = account.account;
  const period = periodAt(account, meter, context.clock.now());
  const { reports, unassigned } = await context.store.listReports({ account_id, meter, range: period });
  const quantities = new Map(reports.map(({ report_id, quantity }) => [report_id, quantity]));
  return summarise({ context, account, meter, period, range: period, reports, quantities, unassigned });
}

/** Adds up reports that lie wholly in the range, and ledger rows of those that it cuts. */
async function queryRange(
  context: UsageQueryContext,
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

function periodAt({ account, items }: AccountWithItems, meter: string, instant: number): BillingPeriod {
  const billing = items.filter((item) => item.meter === meter);
  return billingPeriodAt({ created_at: account.created_at, items: billing }, instant);
}

interface Findings {
  readonly context: UsageQueryContext;
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
}

function summarise(findings: Findings): UsageResult {
  const { account, meter, range, reports, quantities, period } = findings;
  const sum = (of: (report: UsageReport) => boolean, unassigned = 0) =>
    exactTotal(
      reports
        .filter(of)
        .reduce((total, { report_id }) => total + BigInt(quantities.get(report_id) ?? 0), BigInt(unassigned)),
    );
  const isFree = (report: UsageReport) =>
    report.status === 'not_billable' || isFreeFrom(findings, report.billing_period_start);
  const pendingUnassigned = isFreeFrom(findings, range.start) ? 0 : findings.unassigned;
  return {
    account: account.account.account_id,
    meter,
    period_start: formatInstant(range.start),
    period_end: formatInstant(range.end),
    quantity: sum(() => true, findings.unassigned),
    reported_quantity: sum(({ reported }) => reported),
    pending_quantity: sum((report) => !report.reported && !isFree(report), pendingUnassigned),
    reports: reports.map(toResult),
    cost:
      period &&
      costOf(
        findings,
        period,
        sum((report) => !isFree(report), pendingUnassigned),
      ),
  };
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
  const price = priceOf(findings, period);
  return price && rate(price, Math.max(0, quantity));
}

/** What Stripe bills the period by; before a subscription is known, what the plan says it will be. */
function priceOf({ context, account, meter }: Findings, period: BillingPeriod): Price | null {
  if (period.billed_by === 'trial' || period.items.length > 1) return null;
  const [item] = period.items;
  if (item) return item.price;
  if (account.items.some((other) => other.meter === meter)) return null;
  return planOf(context, account)?.prices.find((price) => price.meter === meter) ?? null;
}

function planOf({ plans }: UsageQueryContext, { account }: AccountWithItems) {
  return account.plan === null ? null : (plans[account.plan] ?? null);
}

function toResult(report: UsageReport): ReportResult {
  return {
    report_id: report.report_id,
    status: report.status,
    reason: report.reason,
    reported: report.reported,
    late: report.late,
    period_start: formatInstant(report.period_start),
    period_end: report.period_end === null ? null : formatInstant(report.period_end),
    quantity: report.quantity,
    reported_at: report.reported_at === null ? null : formatInstant(report.reported_at),
    last_error: report.last_error,
  };
}
