import type Stripe from 'stripe';
import { GONE } from '../app/fate.ts';
import type { Expectation, Trouble } from '../scene/expectation.ts';
import { keyOf, type ReportRow, total } from '../scene/ledger.ts';
import { ACCOUNTS, type AccountName, type Scene } from '../scene/scene.ts';
import { DAY } from '../time.ts';
import { must, mustEqual } from './broken.ts';

/** After these a report may wait for a person; after no other fault (I14). */
const FOR_A_PERSON: readonly Trouble[] = ['restored', 'foreign', 'rejected', 'deleted', 'skewed'];
const UNTIL_FOREVER = Date.UTC(2100, 0, 1);

/** What must hold when the faults have stopped and every period with usage has been invoiced. */
export async function checkEnding(scene: Scene): Promise<void> {
  const reports = (await scene.ledger.reports()).filter(({ status }) => status !== 'voided');
  const byKey = new Map(reports.map((report) => [keyOf(report), report]));
  for (const report of reports) checkEnded(scene, report);
  for (const event of await scene.ledger.events()) {
    const report = byKey.get(keyOf(event));
    const expectation = scene.expectations[event.account_id === ACCOUNTS[0] ? ACCOUNTS[0] : ACCOUNTS[1]];
    const payer = expectation.paidAt(event.occurred_at);
    if (payer === null || expectation.linked_at === null || payer.ended_at !== null) continue;
    if (isForAPerson(expectation)) continue;
    const isTooOld = event.occurred_at < expectation.linked_at - 30 * DAY;
    const name = `event ${event.event_id} in ${JSON.stringify(report)}`;
    if (!isTooOld && !isMissed(report, scene) && !(report && isIndistinct(report)))
      mustEqual(report?.status, 'reported', 'I15', name);
  }
  for (const account of ACCOUNTS) await checkMoney(scene, account, reports);
  await checkStripesEvents(scene);
}

/** I15: what Stripe told of was looked at. */
async function checkStripesEvents(scene: Scene): Promise<void> {
  const page = await scene.call(0, (usage) => usage.webhooks.list({ limit: 1_000 }));
  if (page === GONE) return;
  for (const { event, type, status, last_error } of page.events)
    mustEqual(status, 'handled', 'I15', `${event} (${type}, ${last_error})`);
}

/** I14 and I15. */
function checkEnded(scene: Scene, report: ReportRow): void {
  const { status, reason, last_error, quantity } = report;
  const name = `report ${keyOf(report)} (${status}, ${reason}, ${last_error})`;
  if (status === 'open') {
    mustEqual(quantity, 0, 'I15', name);
    return;
  }
  const expectation = scene.expectations[report.account_id === ACCOUNTS[0] ? ACCOUNTS[0] : ACCOUNTS[1]];
  const isStopped = status === 'held' || status === 'failed';
  const isExcused = reason === 'too_old' || isMissed(report, scene) || isIndistinct(report);
  if (isStopped && (isExcused || isForAPerson(expectation))) return;
  must(!isStopped, 'I14', `${name} is stopped, and there was no reason to`);
  if (status === 'reported') must(report.verified_at !== null, 'I9', `${name} was never verified`);
  must(status === 'reported' || status === 'not_billable', 'I15', `${name} has not come to its end`);
}

/**
 * docs/reports.md, "Known gaps": of reports of less than a minute that share one, with answers lost, one sum cannot tell
 * which of them it holds.
 */
function isIndistinct({ slot_shared, status, reason }: ReportRow): boolean {
  return slot_shared && status === 'held' && reason === 'not_counted';
}

/**
 * Nobody worked, or Stripe failed, so that the invoice was final before the report could be sent; or it was told of too
 * late for its invoice, and the subscription has ended since.
 */
function isMissed(report: ReportRow | undefined, { gaps, expectations }: Scene): boolean {
  if (report?.reason !== 'missed_invoice') return false;
  const { subscriptions } = expectations[report.account_id === ACCOUNTS[0] ? ACCOUNTS[0] : ACCOUNTS[1]];
  return gaps.length > 0 || subscriptions.some(({ ended_at }) => ended_at !== null);
}

async function checkMoney(scene: Scene, account: AccountName, reports: readonly ReportRow[]): Promise<void> {
  const expectation = scene.expectations[account];
  const customer = scene.customerOf(account);
  const reported = total(
    reports.filter(({ account_id, status }) => account_id === account && status === 'reported'),
  );
  const { simulator } = scene.stripe;
  const foreign = simulator
    .events()
    .filter((event) => event.customer === customer && event.identifier.startsWith('foreign_'))
    .reduce((sum, { status, value }) => sum + (status === 'counted' ? Number(value) : 0), 0);
  const counted = simulator.counted(customer, 'credits', 0, UNTIL_FOREVER) - foreign;
  // What is held may be counted, and Stripe cannot say so; what has failed is not.
  const held = total(
    reports.filter(
      ({ account_id, status, attempts }) => account_id === account && status === 'held' && attempts > 0,
    ),
  );
  const isSum = counted >= reported && counted <= reported + held;
  must(
    isSum || expectation.troubles.has('restored'),
    'I5',
    () => `${counted} of ${account} are counted, ${reported} reported`,
  );
  must(
    counted <= expectation.payableQuantity,
    'I5',
    `${counted} of ${account} are counted, ${expectation.payableQuantity} were paid for`,
  );
  const isForetold = !reports.some((report) => report.account_id === account && isIndistinct(report));
  const billed = await checkInvoices(scene, account, expectation, isForetold);
  if (expectation.billsAll(scene.gaps, scene.now))
    mustEqual(billed, counted, 'I5', `billed of what is counted of ${account}`);
}

/** @returns the quantity that final invoices bill. */
async function checkInvoices(
  scene: Scene,
  account: AccountName,
  expectation: Expectation,
  isForetold: boolean,
): Promise<number> {
  if (expectation.troubles.has('deleted')) return 0;
  const { data } = await scene.stripe.stripe.invoices.list({
    customer: scene.customerOf(account),
    limit: 100,
  });
  const billed = new Map<number, number>();
  for (const line of data.filter(isFinal).flatMap(({ lines }) => lines.data)) {
    const start = line.period.start * 1_000;
    if (line.amount > 0) billed.set(start, (billed.get(start) ?? 0) + (line.quantity ?? 0));
  }
  const sum = [...billed.values()].reduce((all, quantity) => all + quantity, 0);
  const most = expectation.payableQuantity + expectation.foreign;
  must(sum <= most, 'I5', `${sum} are billed to ${account}, at most ${most} may be`);
  const expected = expectation.invoices(scene.gaps, scene.now);
  if (expected && isForetold) mustEqual(linesOf(billed), linesOf(expected), 'I5', `invoices of ${account}`);
  return sum;
}

function linesOf(quantities: ReadonlyMap<number, number>): string {
  return JSON.stringify([...quantities].toSorted(([a], [b]) => a - b));
}

function isForAPerson({ troubles }: Expectation): boolean {
  return FOR_A_PERSON.some((trouble) => troubles.has(trouble));
}

function isFinal({ status }: Stripe.Invoice): boolean {
  return status === 'paid' || status === 'open';
}
