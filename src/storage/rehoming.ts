import { sql } from 'kysely';
import type { Account } from '../core/account.ts';
import {
  type BillingPeriod,
  type BillingTimeline,
  billingPeriodAt,
  type SubscriptionItem,
} from '../core/billing-period.ts';
import { currentItems, endedItems, type ItemEnding } from '../core/changed-items.ts';
import type { Instant } from '../core/environment.ts';
import {
  type AccountWithItems,
  type MoveToCurrentPeriodParams,
  type SetSubscriptionItemsParams,
  type SetSubscriptionItemsResult,
  timelineOf,
} from '../core/store.ts';
import type { ReportReason, ReportStatus, UsageReport } from '../core/usage-report.ts';
import { getAccount, lockAccounts, replaceItems, setSyncDue, wakeWaitingReports } from './accounts.ts';
import { isBeforeRequest, type Ledger, type Moving, moveUsage } from './ledger.ts';
import { openReport } from './opening.ts';
import { type Db, isReport, REPORT_COLUMNS, toReport } from './report-rows.ts';
import { replaceSubscriptions } from './subscriptions.ts';
import { listSubscriptionEvents } from './webhook-events.ts';

/**
 * Reports that Stripe has not been asked to count, with those that are held and were never sent: their usage can still
 * be given to other billing periods.
 */
const UNSENT: readonly ReportStatus[] = ['open', 'closed', 'not_billable'];

/** Why a report stays what it is, whatever is learned of subscriptions: a person or the policy has decided. */
const DECIDED: readonly ReportReason[] = ['written_off', 'late', 'unknown_usage'];

/**
 * Stores what Stripe bills an account by, and moves unsent usage to the billing periods that follow from it, event
 * by event: usage before a subscription's start stays out of its bill, usage since then is in it, however late we
 * learn of the start.
 */
export async function setSubscriptionItems(
  db: Db,
  ledger: Ledger,
  params: SetSubscriptionItemsParams,
): Promise<SetSubscriptionItemsResult> {
  const { account_id, stripe_customer, now } = params;
  await lockAccounts(db, [account_id]);
  const known = await getAccount(db, account_id);
  if (known?.account.stripe_customer !== stripe_customer) return 'other_customer';
  const { seen = known.account } = params;
  // Which of two reads is newer, the clocks of two processes cannot tell: Stripe is asked once more.
  if (known.account.synced_at !== seen.synced_at) {
    await setSyncDue(db, account_id, now);
    return 'overtaken';
  }
  const sync_due_at = dueAgainAt(known.account, seen, params);
  await applyItems(db, ledger, known, { ...params, sync_due_at });
  return 'stored';
}

function dueAgainAt(
  { sync_due_at: due }: Account,
  seen: Pick<Account, 'sync_due_at'>,
  { sync_due_at }: SetSubscriptionItemsParams,
): Instant | null {
  if (due === null || due === seen.sync_due_at) return sync_due_at;
  return sync_due_at === null ? due : Math.min(due, sync_due_at);
}

/**
 * The same in a transaction that has locked the account.
 *
 * @param switched_at - the request of a change of ours that Stripe has made; null = there is none.
 */
export async function applyItems(
  db: Db,
  ledger: Ledger,
  known: AccountWithItems,
  { account_id, items, endings, subscriptions, plan, sync_due_at, now }: SetSubscriptionItemsParams,
  switched_at: Instant | null = null,
): Promise<void> {
  await db
    .updateTable('account')
    .set({ synced_at: now, sync_due_at, ...(plan === undefined ? {} : { plan }) })
    .where('account_id', '=', account_id)
    .execute();
  const current = currentItems({
    known: known.items,
    listed: items,
    endings: endings ?? (await noticedEndings(db, known, items)),
    now,
  });
  await replaceItems(db, account_id, current);
  if (subscriptions) await replaceSubscriptions(db, account_id, subscriptions);
  const rows = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where('account_id', '=', account_id)
    .where((eb) =>
      eb.or([eb('status', 'in', UNSENT), eb.and([eb('status', '=', 'held'), eb('slot', 'is', null)])]),
    )
    .where((eb) => eb.or([eb('reason', 'is', null), eb('reason', 'not in', DECIDED)]))
    .orderBy('meter')
    .orderBy('report_id')
    .forUpdate()
    .execute();
  const requested_at = switched_at === null ? known.account.change_requested_at : null;
  const timelines = new Map<string, BillingTimeline>();
  for (const { meter } of rows) timelines.set(meter, timelineOf({ ...known, items: current }, meter));
  for (const [meter, timeline] of timelines) {
    const moving = { timeline, isBilledNext: false, switched_at, requested_at, now };
    const own = rows.map(toReport).filter((row) => row.meter === meter);
    const misplaced = await movable(
      db,
      ledger,
      own.filter((row) => isMisplaced(row, timeline, now)),
    );
    await replaceReports(db, ledger, withSuccessors(misplaced, own, moving), moving);
  }
  await wakeWaitingReports(db, account_id, now);
}

/** Usage whose own invoice is final is billed next, where the current billing period is paid for. */
export async function moveToCurrentPeriod(
  db: Db,
  ledger: Ledger,
  { report: key, now }: MoveToCurrentPeriodParams,
): Promise<boolean> {
  await lockAccounts(db, [key.account_id]);
  const known = await getAccount(db, key.account_id);
  if (!known) return false;
  const timeline = timelineOf(known, key.meter);
  if (billingPeriodAt(timeline, now).billed_by !== 'paid') return false;
  const row = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where(isReport(key))
    .where('status', 'in', ['closed', 'held'])
    .where('slot', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (!row) return false;
  const { account_id, meter, report_id } = key;
  const open = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where((eb) => eb.and({ account_id, meter, status: 'open' }))
    .orderBy('report_id')
    .forUpdate()
    .execute();
  const requested_at = known.account.change_requested_at;
  const moving = { timeline, isBilledNext: true, switched_at: null, requested_at, now };
  const report = toReport(row);
  const own = [report, ...open.map(toReport).filter((other) => other.report_id !== report_id)];
  await replaceReports(db, ledger, withSuccessors([report], own, moving), moving);
  return true;
}

/** When items ended, as far as the events tell that Stripe sent since the items were read last. */
async function noticedEndings(
  db: Db,
  { account, items: known }: AccountWithItems,
  listed: readonly SubscriptionItem[],
): Promise<ItemEnding[]> {
  const endings: ItemEnding[] = [];
  for (const { stripe_subscription, stripe_subscription_item } of endedItems(known, listed)) {
    const received_after = account.synced_at ?? 0;
    const [newest] = await listSubscriptionEvents(db, { stripe_subscription, received_after, limit: 1 });
    if (newest) endings.push({ stripe_subscription_item, ended_at: newest.created_at });
  }
  return endings;
}

/** Whether a report's usage, or an empty report itself, belongs to other billing periods than the report. */
function isMisplaced(report: UsageReport, timeline: BillingTimeline, now: Instant): boolean {
  const { first_occurred_at: first, last_occurred_at: last } = report;
  const home = billingPeriodAt(timeline, report.period_start);
  if (first === null || last === null) {
    // Whose own period is over waits to be sealed: what the period is short of is carried forward then.
    const isOver = !report.late && isHome(report, home) && home.end <= now;
    return report.status === 'open' && !isOver && !isHome(report, billingPeriodAt(timeline, now));
  }
  // Usage of an earlier period whose invoice was final is counted in this one on purpose, and stays.
  return !isHome(report, home) || last >= home.end || (isUnpaid(report) && home.billed_by === 'paid');
}

/** Whether a report was settled because nothing billed it: a subscription learned of late can have the same period. */
function isUnpaid({ status, reason }: UsageReport): boolean {
  return status === 'not_billable' && (reason === 'free' || reason === 'trial' || reason === 'no_price');
}

/** Free usage whose events are archived stays where it is: it is too old for Stripe, and cannot be moved one by one. */
async function movable(db: Db, ledger: Ledger, reports: readonly UsageReport[]): Promise<UsageReport[]> {
  const found: UsageReport[] = [];
  for (const report of reports) {
    const { status, first_occurred_at: start, last_occurred_at: last } = report;
    const isSettled = status === 'not_billable' && start !== null && last !== null;
    if (!isSettled || !(await ledger.isArchived(db, { start, end: last + 1 }))) found.push(report);
  }
  return found;
}

function isHome(report: UsageReport, period: BillingPeriod): boolean {
  return report.billing_period_start === period.start && report.billing_period_end === period.end;
}

/**
 * What was sealed for a change that is under way keeps its place before what came after the request: where one moves, both
 * do. Nothing of the latter has been sent.
 */
function withSuccessors(
  misplaced: readonly UsageReport[],
  all: readonly UsageReport[],
  moving: Moving,
): UsageReport[] {
  const { requested_at } = moving;
  const before = misplaced.filter((report) => isBeforeRequest(report, moving));
  if (requested_at === null || before.length === 0) return [...misplaced];
  const isAfter = ({ late, period_start }: UsageReport) => !late && period_start >= requested_at;
  const after = all.filter((report) => !before.includes(report));
  return [...before, ...after.filter((report) => misplaced.includes(report) || isAfter(report))];
}

/** Voids all of them before any of their usage moves, so that none of it moves into one of them. */
async function replaceReports(
  db: Db,
  ledger: Ledger,
  reports: readonly UsageReport[],
  moving: Moving,
): Promise<void> {
  for (const report of reports) {
    const row = db.updateTable('usage').where(isReport(report));
    if (report.status === 'held') await row.set({ status: 'closed' }).execute();
    await row.set({ status: 'voided', due_at: null }).execute();
  }
  const before = reports.filter((report) => isBeforeRequest(report, moving));
  const report_ids: number[] = [];
  for (const report of before) report_ids.push(...(await replaceReport(db, ledger, report, moving)));
  const [first] = before;
  if (first && report_ids.length > 0) await sealMoved(db, first, report_ids, moving);
  for (const report of reports) {
    if (!before.includes(report)) await replaceReport(db, ledger, report, moving);
  }
}

/** @returns the numbers of the reports that have its usage now. */
async function replaceReport(db: Db, ledger: Ledger, report: UsageReport, moving: Moving): Promise<number[]> {
  const { account_id, meter } = report;
  const { timeline, now } = moving;
  if (report.first_occurred_at !== null) return await moveUsage(db, ledger, report, moving);
  if (!report.late) {
    const period = billingPeriodAt(timeline, now);
    await openReport(db, account_id, meter, period, now, moving.requested_at ?? 0);
  }
  return [];
}

/**
 * What was sealed for a change that is under way is sealed again: it is sent before Stripe makes the change. Where everything
 * until the request is in reports that stay, it is late. What is counted in a billing period after the request waits, too.
 */
async function sealMoved(
  db: Db,
  { account_id, meter }: UsageReport,
  report_ids: readonly number[],
  { requested_at, now }: Moving,
): Promise<void> {
  if (requested_at === null) return;
  await db
    .updateTable('usage')
    .set({
      status: 'closed',
      due_at: now,
      late: sql`case when period_start >= ${requested_at} then 1 = 1 else late end`,
      period_start: sql<number>`case when period_start >= ${requested_at} then billing_period_start else period_start end`,
      period_end: sql<number>`case when late or billing_period_end <= ${requested_at}
        then billing_period_end else ${requested_at} end`,
    })
    .where((eb) => eb.and({ account_id, meter, status: 'open' }))
    .where('report_id', 'in', report_ids)
    .where('billing_period_start', '<', requested_at)
    .execute();
}
