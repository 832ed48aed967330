import type Stripe from 'stripe';
import { must, mustEqual } from '../../simulation/invariants/broken.ts';
import { keyOf } from '../../simulation/scene/ledger.ts';
import { SECOND } from '../../simulation/time.ts';
import { hasSeats, type PaidPlan, PRICES, priceName } from '../catalogue.ts';
import type { AccountFacts, Ending, Stretch, SubscriptionFact } from '../oracle/facts.ts';
import { paidFrom, periodNumberAt, periodStart } from '../oracle/time-in-subscription.ts';
import type { AccountLog, SubscriptionLog, Wanted } from '../scene/account-log.ts';
import { type ChangeRow, changeRows } from '../scene/change-rows.ts';
import type { Snapshot } from '../scene/diary.ts';
import type { ModelScene } from '../scene/scene.ts';

/**
 * What an account's invoices follow from: what it asked for and when, and of Stripe nothing but the instants at which it
 * did so. Fails where Stripe did something else than what was asked for, or did it twice, or not.
 */
export async function factsOf(scene: ModelScene, account: AccountLog): Promise<AccountFacts> {
  const rows = await changeRows(scene, account.name);
  const subscriptions = account.subscriptions.map((log) => {
    const own = rows.filter(({ stripe_subscription }) => stripe_subscription === log.id);
    return subscriptionFact(scene, account, log, own, scene.diary.of(log.id));
  });
  const held = await heldEvents(scene, account.name);
  const usage = account.usage.map(({ event_id, ...used }) => ({ ...used, is_held: held.has(event_id) }));
  return { subscriptions, usage };
}

/** What waits for a person because its invoice was final. */
async function heldEvents({ ledger }: ModelScene, name: string): Promise<ReadonlySet<number>> {
  const held = (await ledger.reports()).filter(
    ({ account_id, status, reason }) =>
      account_id === name && status === 'held' && reason === 'missed_invoice',
  );
  const keys = new Set(held.map(keyOf));
  return new Set(
    (await ledger.events()).filter((event) => keys.has(keyOf(event))).map(({ event_id }) => event_id),
  );
}

function subscriptionFact(
  scene: ModelScene,
  account: AccountLog,
  log: SubscriptionLog,
  rows: readonly ChangeRow[],
  snapshots: readonly Snapshot[],
): SubscriptionFact {
  const [first] = snapshots;
  const last = snapshots.at(-1)?.subscription;
  if (!first || !last) throw new Error(`Stripe tells nothing of ${log.id}.`);
  const start = {
    id: log.id,
    started_at: first.subscription.start_date * SECOND,
    trial_end: last.trial_end === null ? null : last.trial_end * SECOND,
  };
  const done = rows.filter(({ status }) => status === 'done');
  const beginning = {
    plan: log.plan,
    seats: log.seats,
    asked_at: start.started_at,
    made_at: start.started_at,
    in_trial: first.subscription.status === 'trialing',
  };
  const stretches = stretchesOf(scene, account, beginning, done, changedItems(snapshots));
  const fact = { ...start, stretches, ending: null, finals: scene.diary.finalsOf(log.id) };
  return { ...fact, ending: endingOf(scene, account, fact, last, done) };
}

/** The snapshots after which a subscription sells something else than before. */
function changedItems(snapshots: readonly Snapshot[]): Snapshot[] {
  return snapshots.filter((snapshot, index) => {
    const before = snapshots[index - 1];
    return before !== undefined && sold(before) !== sold(snapshot);
  });
}

function sold({ subscription: { items } }: Snapshot): string {
  return items.data
    .map(({ price, quantity }) => `${price.id} × ${quantity ?? 'usage'}`)
    .sort()
    .join(', ');
}

function stretchesOf(
  scene: ModelScene,
  { name, asked }: AccountLog,
  beginning: Stretch,
  done: readonly ChangeRow[],
  steps: readonly Snapshot[],
): Stretch[] {
  const stretches = [beginning];
  const changes = done.filter(({ kind }) => kind !== 'cancel');
  for (const [index, row] of changes.entries()) {
    const before = stretches.at(-1) ?? beginning;
    const known = asked.find(({ change_id }) => change_id === row.change_id);
    if (!known) throw new Error(`Nobody asked for change ${row.change_id} of ${name}.`);
    const { plan, seats } = soldAfter(before, known.wanted);
    const step = steps[index];
    const change = `change ${row.change_id} of ${name} to ${plan} with ${seats} seats`;
    must(step !== undefined, 'I8', () => `${change} is done, and Stripe has not made it`);
    mustEqual(sold(step), soldBy(scene, plan, seats), 'I5', `what Stripe sells after ${change}`);
    // Seats touch no usage, and wait for none.
    const from = row.kind === 'seats' ? row.requested_at - SECOND : row.requested_at;
    must(step.at >= from, 'I5', () => `${change} was made before it could be proven`);
    const in_trial = step.subscription.status === 'trialing';
    stretches.push({ plan, seats, asked_at: row.requested_at, made_at: step.at, in_trial });
  }
  mustEqual(steps.length, changes.length, 'I5', `changes that Stripe made of a subscription of ${name}`);
  return stretches;
}

/** What a subscription must sell after a change. */
function soldAfter(before: Stretch, wanted: Wanted): Pick<Stretch, 'plan' | 'seats'> {
  if (wanted.kind === 'seats') return { plan: before.plan, seats: wanted.seats };
  if (wanted.kind === 'added_seats') return { plan: before.plan, seats: before.seats + wanted.seats };
  if (wanted.kind === 'cancel') throw new Error('After a cancellation nothing is sold.');
  const { plan, seats } = wanted;
  const kept = hasSeats(before.plan) ? before.seats : 1;
  return { plan, seats: hasSeats(plan) ? (seats ?? kept) : 1 };
}

function soldBy(scene: ModelScene, plan: PaidPlan, seats: number): string {
  return PRICES[plan]
    .map((price) => {
      const quantity = price.bills === 'usage' ? 'usage' : price.bills === 'seats' ? seats : 1;
      return `${scene.prices.get(priceName(plan, price))} × ${quantity}`;
    })
    .sort()
    .join(', ');
}

function endingOf(
  { now }: ModelScene,
  account: AccountLog,
  fact: SubscriptionFact,
  { ended_at, cancel_at_period_end }: Stripe.Subscription,
  done: readonly ChangeRow[],
): Ending | null {
  const cancellation = done.find(({ kind }) => kind === 'cancel');
  if (ended_at === null) {
    must(!cancellation, 'I8', () => `${fact.id} of ${account.name} is cancelled, and goes on at Stripe`);
    const isDue = account.ends === fact.id && periodStart(fact, 1) <= now;
    must(!isDue, 'I5', () => `${fact.id} of ${account.name} was to end with its period, and goes on`);
    return null;
  }
  const made_at = ended_at * SECOND;
  const isBoundary =
    made_at === paidFrom(fact) || made_at === periodStart(fact, periodNumberAt(fact, made_at));
  const how = cancel_at_period_end && isBoundary ? 'period_end' : 'now';
  if (how === 'period_end') {
    must(account.mayEnd.has(fact.id), 'I5', () => `${fact.id} of ${account.name} ended, and nobody asked`);
  } else
    must(cancellation !== undefined, 'I5', () => `${fact.id} of ${account.name} was cancelled by nobody`);
  return { how, asked_at: cancellation?.requested_at ?? made_at, made_at };
}
