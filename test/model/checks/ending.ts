import { GONE } from '../../simulation/app/fate.ts';
import { must, mustEqual } from '../../simulation/invariants/broken.ts';
import { keyOf, type ReportRow, total } from '../../simulation/scene/ledger.ts';
import { DAY } from '../../simulation/time.ts';
import type { AccountFacts, UsageFact } from '../oracle/facts.ts';
import { chargeOf } from '../oracle/usage-lines.ts';
import type { AccountLog } from '../scene/account-log.ts';
import { type ChangeRow, changeRows } from '../scene/change-rows.ts';
import type { ModelScene } from '../scene/scene.ts';
import { factsOf } from './facts-of.ts';
import { type Billed, checkInvoices } from './invoices.ts';

/** What must hold when the faults have stopped and every invoice is final. */
export async function checkEnding(scene: ModelScene): Promise<Billed> {
  const billed = { usage: 0, licensed: 0 };
  for (const account of scene.accounts) {
    const facts = await factsOf(scene, account);
    scene.trace.add(() => `facts of ${account.name}: ${JSON.stringify({ ...facts, usage: undefined })}`);
    const { usage, licensed } = await checkInvoices(scene, account, facts);
    billed.usage += usage;
    billed.licensed += licensed;
    await checkReportsEnded(scene, account, facts);
    await checkChanges(scene, account, facts);
    checkPauses(scene, account);
    await checkReconciled(scene, account);
  }
  return billed;
}

/** I5, I14 to I16: reports have their end, and exactly what is paid for was sent and counted. */
async function checkReportsEnded(scene: ModelScene, account: AccountLog, facts: AccountFacts): Promise<void> {
  const own = (await scene.ledger.reports()).filter(
    ({ account_id, status }) => account_id === account.name && status !== 'voided',
  );
  for (const report of own) checkEnded(report);
  const missed = facts.usage.filter((fact) => isMissed(facts, fact));
  const held = own.filter(({ status }) => status === 'held');
  must(total(held) <= total(missed), 'I14', () => `${total(held)} of ${account.name} are held`);
  const payable = facts.usage.filter((fact) => chargeOf(facts.subscriptions, fact) !== null);
  const reported = own.filter(({ status }) => status === 'reported');
  mustEqual(total(reported), total(payable), 'I16', `reported of ${account.name}`);
  const counted = scene.simulator.counted(account.customer, 'credits', 0, scene.now + DAY);
  mustEqual(counted, total(payable), 'I5', `counted of ${account.name}`);
}

/** Used while it was paid for, recorded too late for its invoice, when nothing was paid for any more. */
function isMissed({ subscriptions }: AccountFacts, fact: UsageFact): boolean {
  const inTime = { ...fact, recorded_at: fact.occurred_at, is_held: false };
  return chargeOf(subscriptions, fact) === null && chargeOf(subscriptions, inTime) !== null;
}

function checkEnded(report: ReportRow): void {
  const { status, reason, last_error, quantity, verified_at } = report;
  const name = `report ${keyOf(report)} (${status}, ${reason}, ${last_error})`;
  if (status === 'open') {
    mustEqual(quantity, 0, 'I15', name);
    return;
  }
  // Late usage that no later period bills waits for a person (docs/decisions/0013-late-usage.md).
  if (status === 'held' && reason === 'missed_invoice') return;
  must(status === 'reported' || status === 'not_billable', 'I14', `${name} has not come to its end`);
  if (status === 'reported') must(verified_at !== null, 'I9', `${name} was never verified`);
}

/** What Stripe invoices in a pause is not final before its end. */
function checkPauses({ diary }: ModelScene, { name, subscriptions }: AccountLog): void {
  for (const { id } of subscriptions) {
    const kept = new Set<string>();
    let isPaused = false;
    for (const note of diary.notesOf(id)) {
      if ('subscription' in note) {
        isPaused = note.subscription.pause_collection !== null && note.subscription.ended_at === null;
        if (!isPaused) kept.clear();
      } else if (note.is_final) {
        must(
          !kept.has(note.invoice.id),
          'I5',
          () => `${note.invoice.id} of ${name} was collected in a pause`,
        );
      } else if (isPaused) kept.add(note.invoice.id);
    }
  }
}

/** I14: a change fails only where its subscription ended, or was paused, while it was under way. */
async function checkChanges(
  scene: ModelScene,
  { name }: AccountLog,
  { subscriptions }: AccountFacts,
): Promise<void> {
  for (const row of await changeRows(scene, name)) {
    const change = `change ${row.change_id} of ${name} (${row.status}, ${row.error_code}, ${row.last_error})`;
    must(row.status === 'done' || row.status === 'failed', 'I15', `${change} has not come to its end`);
    if (row.status === 'done') continue;
    const ending = subscriptions.find(({ id }) => id === row.stripe_subscription)?.ending;
    const hasEnded = ending?.how === 'period_end' && row.error_code === 'subscription_not_found';
    must(hasEnded || wasPaused(scene, row), 'I14', `${change} had no reason to fail`);
  }
}

/** One of which Stripe was asked without an answer waits for the end of the pause, but not for ever. */
function wasPaused(
  { diary }: ModelScene,
  { stripe_subscription, requested_at, error_code }: ChangeRow,
): boolean {
  const snapshots = diary.of(stripe_subscription);
  const isSince = (index: number) => (snapshots[index + 1]?.at ?? Number.POSITIVE_INFINITY) >= requested_at;
  const isPaused = snapshots.some(
    ({ subscription }, index) => subscription.pause_collection !== null && isSince(index),
  );
  return isPaused && (error_code === 'collection_paused' || error_code === 'stripe_unavailable');
}

async function checkReconciled(scene: ModelScene, { name }: AccountLog): Promise<void> {
  const period = {
    period_start: new Date(scene.schedule.start - DAY),
    period_end: new Date(scene.now + DAY),
  };
  const page = await scene.call(0, (usage) => usage.reconcile({ account: name, period }));
  if (page === GONE) throw new Error('A process died after the end.');
  // What is held as too late for its invoice is a discrepancy, as it should be.
  const isHeld = (reason: string | null) => reason === 'missed_invoice';
  const found = page.lines.flatMap((line) =>
    line.causes.filter(({ discrepancy, reason }) => discrepancy && !isHeld(reason)).map(() => line),
  );
  const [line] = found;
  must(!line, 'I5', () => `a discrepancy of ${name}: ${JSON.stringify(line)}`);
}
