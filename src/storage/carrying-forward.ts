import { type CarriedForward, carriedForwardProperties } from '../core/adjustment.ts';
import { type BillingTimeline, billingPeriodAt, type Period } from '../core/billing-period.ts';
import type { Instant } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';
import { MAX_QUANTITY } from '../core/quantity.ts';
import { timelineOf } from '../core/store.ts';
import { MAX_REQUEST_AHEAD_MS } from '../core/subscription-change.ts';
import { MAX_SLOT_AGE_MS, type UsageReport } from '../core/usage-report.ts';
import { loadAccounts } from './accounts.ts';
import type { Ledger } from './ledger.ts';
import { openReport } from './opening.ts';
import { type Db, isReport, nextReportId, REPORT_COLUMNS, toReport } from './report-rows.ts';

/**
 * Before the last report of a billing period is sealed: where adjustments leave less than nothing of the whole period,
 * what is missing is taken out of the next period instead. Stripe bills a negative period as 0, and the credit would be
 * lost (docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api). Late reports of the period do the same
 * when their turn comes. Only between periods that are paid for: elsewhere there is nothing to lose.
 *
 * @param open - the open reports of some accounts, which the caller has locked with their accounts.
 * @returns whether reports have changed, or been opened.
 */
export async function carryForward(
  db: Db,
  ledger: Ledger,
  open: readonly UsageReport[],
  now: Instant,
): Promise<boolean> {
  const ending = open.filter((report) => isEnding(report, now));
  if (ending.length === 0) return false;
  const nets = await negativeNets(db, ending);
  const negative = ending.filter((report) => nets.has(keyOf(report)));
  const accounts = await loadAccounts(
    db,
    negative.map(({ account_id }) => account_id),
  );
  let hasCarried = false;
  for (const from of negative) {
    const account = accounts.get(from.account_id);
    const next = account && nextPaidPeriod(from, timelineOf(account, from.meter), now);
    if (!next) continue;
    const to = await openReport(db, from.account_id, from.meter, next, now);
    await carry(db, ledger, { from, to, missing: -(nets.get(keyOf(from)) ?? 0), now });
    hasCarried = true;
  }
  return hasCarried;
}

/** What was taken out of a report that a plan change seals, for the one that begins with its request. */
export interface TakenOut {
  readonly from: UsageReport;
  /** Positive. */
  readonly quantity: number;
  readonly reference: CarriedForward;
}

/**
 * Before the reports are sealed that a plan change waits for: the change may end the present billing periods, and what
 * they are short of would be lost. Where it fails, or leaves a price alone, both halves are in one period and come to
 * nothing. The caller has locked the account.
 *
 * @returns what {@link giveToRequest} is to take out of the reports that begin with the request.
 */
export async function takeOutForRequest(
  db: Db,
  ledger: Ledger,
  account_id: string,
  now: Instant,
): Promise<TakenOut[]> {
  const account = (await loadAccounts(db, [account_id])).get(account_id);
  if (!account) return [];
  const open = await db
    .selectFrom('usage')
    .select(REPORT_COLUMNS)
    .where((eb) => eb.and({ account_id, status: 'open' }))
    .orderBy('meter')
    .orderBy('report_id')
    .forUpdate()
    .execute();
  const current = open
    .map(toReport)
    .filter(
      (report) => isSealedByRequest(report, now) && isPaid(report, timelineOf(account, report.meter), now),
    );
  if (current.length === 0) return [];
  const nets = await negativeNets(db, current);
  const taken: TakenOut[] = [];
  for (const from of current) {
    const missing = -(nets.get(keyOf(from)) ?? 0);
    const quantity = Math.min(missing, MAX_QUANTITY, MAX_QUANTITY - from.quantity);
    if (quantity <= 0) continue;
    const to_report = await nextReportId(db, account_id, from.meter);
    const reference: CarriedForward = { from_report: from.report_id, to_report };
    await append(db, ledger, from, { quantity, occurred_at: now, reference, now });
    taken.push({ from, quantity, reference });
  }
  return taken;
}

/** Takes out of the reports that begin with the request what those before it were short of. */
export async function giveToRequest(
  db: Db,
  ledger: Ledger,
  taken: readonly TakenOut[],
  requested_at: Instant,
  now: Instant,
): Promise<void> {
  for (const { from, quantity, reference } of taken) {
    const { account_id, meter, billing_period_start: start, billing_period_end: end } = from;
    const to = await openReport(db, account_id, meter, { start, end }, requested_at, requested_at);
    if (to.report_id !== reference.to_report) throw new Error('Another report follows than was expected.');
    await append(db, ledger, to, { quantity: -quantity, occurred_at: requested_at, reference, now });
  }
}

/** Whether a report ends with a request of now, and its billing period goes on. In its last seconds its own end carries. */
function isSealedByRequest(report: UsageReport, now: Instant): boolean {
  const { late, period_start, last_occurred_at, billing_period_end } = report;
  const latest = Math.max(now, last_occurred_at ?? now) + MAX_REQUEST_AHEAD_MS;
  return !late && period_start <= now + SECOND_MS && latest < billing_period_end;
}

/** Whether a report is of the billing period of an instant, and that is paid for. */
function isPaid(report: UsageReport, timeline: BillingTimeline, instant: Instant): boolean {
  const { start, end, billed_by } = billingPeriodAt(timeline, instant);
  return billed_by === 'paid' && start === report.billing_period_start && end === report.billing_period_end;
}

/**
 * A late report without usage was just opened for usage that is about to be recorded, and stays open. What is too old for
 * Stripe is left to the person who decides about the report.
 */
function isEnding({ billing_period_end, late, first_occurred_at }: UsageReport, now: Instant): boolean {
  if (late && first_occurred_at === null) return false;
  return billing_period_end <= now && now < billing_period_end + MAX_SLOT_AGE_MS;
}

type PeriodKey = Pick<UsageReport, 'account_id' | 'meter' | 'billing_period_start' | 'billing_period_end'>;

function keyOf({ account_id, meter, billing_period_start, billing_period_end }: PeriodKey): string {
  return JSON.stringify([account_id, meter, billing_period_start, billing_period_end]);
}

/** What Stripe is told of whole billing periods, where that is less than nothing. */
async function negativeNets(db: Db, ending: readonly UsageReport[]): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('usage')
    .select(['account_id', 'meter', 'billing_period_start', 'billing_period_end'])
    .select((eb) => eb.fn.sum<number>('quantity').as('net'))
    .where('account_id', 'in', [...new Set(ending.map(({ account_id }) => account_id))])
    .where('meter', 'in', [...new Set(ending.map(({ meter }) => meter))])
    .where('period_start', '>=', Math.min(...ending.map((report) => report.billing_period_start)))
    .where('status', 'not in', ['voided', 'not_billable'])
    .groupBy(['account_id', 'meter', 'billing_period_start', 'billing_period_end'])
    .having((eb) => eb(eb.fn.sum('quantity'), '<', 0))
    .execute();
  return new Map(rows.map((row) => [keyOf(row), Number(row.net)]));
}

/** The period that takes over what the report's is short of; null = Stripe bills one of the two not at all. */
function nextPaidPeriod(report: UsageReport, timeline: BillingTimeline, now: Instant): Period | null {
  const next = billingPeriodAt(timeline, now);
  const isCarried = isPaid(report, timeline, report.billing_period_start) && next.billed_by === 'paid';
  return isCarried ? next : null;
}

interface Carrying {
  readonly from: UsageReport;
  readonly to: UsageReport;
  /** Positive. */
  readonly missing: number;
  readonly now: Instant;
}

/** No report exceeds 15 digits: what does not fit stays where it is. */
async function carry(db: Db, ledger: Ledger, { from, to, missing, now }: Carrying): Promise<void> {
  const quantity = Math.min(missing, MAX_QUANTITY - from.quantity, MAX_QUANTITY + to.quantity);
  if (quantity === 0) return;
  const reference: CarriedForward = { from_report: from.report_id, to_report: to.report_id };
  await append(db, ledger, from, { quantity, occurred_at: from.billing_period_end - 1, reference, now });
  await append(db, ledger, to, { quantity: -quantity, occurred_at: now, reference, now });
}

interface Half {
  readonly quantity: number;
  readonly occurred_at: Instant;
  readonly reference: CarriedForward;
  readonly now: Instant;
}

async function append(db: Db, ledger: Ledger, report: UsageReport, half: Half): Promise<void> {
  const { quantity, occurred_at, reference, now } = half;
  const { account_id, meter, report_id, first_occurred_at, last_occurred_at } = report;
  const chained = await ledger.appendEvent(db, {
    account_id,
    meter,
    report_id,
    quantity,
    occurred_at,
    recorded_at: now,
    properties: carriedForwardProperties(reference),
  });
  await db
    .updateTable('usage')
    .set({
      ...chained,
      quantity: report.quantity + quantity,
      first_occurred_at: Math.min(first_occurred_at ?? occurred_at, occurred_at),
      last_occurred_at: Math.max(last_occurred_at ?? occurred_at, occurred_at),
    })
    .where(isReport(report))
    .execute();
}
