import { UsageError } from '../../../src/core/errors.ts';
import type { Fault } from '../../../src/testing/stripe-simulator/faults.ts';
import type { AppUsage } from '../../simulation/app/app-process.ts';
import { GONE } from '../../simulation/app/fate.ts';
import { must, mustEqual } from '../../simulation/invariants/broken.ts';
import { SECOND } from '../../simulation/time.ts';
import { hasSeats, type PaidPlan, PRICES, priceName } from '../catalogue.ts';
import type { Action, CrashPlace, FaultPlace } from '../schedule/action.ts';
import type { AccountLog, Wanted } from './account-log.ts';
import { ask, isPaused, noteChanges, refusalOf } from './asking.ts';
import { eventIds, increment, noteEvents } from './increments.ts';
import { pass } from './passing.ts';
import { resumeAccount } from './resuming.ts';
import type { ModelScene } from './scene.ts';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;
type Handlers = {
  readonly [Kind in Action['kind']]: (scene: ModelScene, action: Of<Kind>) => Promise<void> | void;
};

/** Carries out one step of a schedule, and writes down what it did. */
export async function act(scene: ModelScene, action: Action): Promise<void> {
  scene.trace.add(() => JSON.stringify(action));
  // The kind chooses the handler of its own action.
  const handler = HANDLERS[action.kind] as (scene: ModelScene, action: Action) => Promise<void> | void;
  await handler(scene, action);
  await scene.settle();
}

const HANDLERS: Handlers = {
  increment,
  subscribe,
  change: async (scene, { account, process, plan, seats }) => {
    await changePlan(scene, scene.account(account), process, plan === 'free' ? null : plan, seats);
  },
  seats: changeSeats,
  join,
  cancel,
  pause,
  resume,
  move_trial: moveTrial,
  race,
  report: async (scene, { process }) => {
    await scene.call(process, (usage) => usage.report());
  },
  pass: (scene, { ms }) => pass(scene, scene.now + ms),
  pass_to_end: async (scene, { account, offset }) => {
    const end = await periodEnd(scene, scene.account(account));
    if (end !== null) await pass(scene, end + offset);
  },
  skip: (scene, { ms }) => scene.clock.moveTo(scene.now + ms),
  fault: (scene, { fault, on, times, retry_after_s, effect_after_ms }) => {
    const late = effect_after_ms === null ? {} : { effect_after_ms };
    scene.simulator.faults.add({ kind: fault, times, retry_after_s, ...PLACES[on], ...late });
  },
  outage: async (scene, { ms }) => {
    scene.simulator.faults.add({ kind: 'reset', times: Number.POSITIVE_INFINITY });
    await pass(scene, scene.now + ms);
    scene.simulator.faults.clear();
  },
  crash: (scene, { process, points, at }) => {
    scene.process(process).meet({ kind: 'crash', points, at: CRASH_PLACES[at] });
  },
  reopen: (scene, { process }) => scene.reopen(process),
};

const PLACES: Readonly<Record<FaultPlace, Partial<Fault>>> = {
  meter_events: { method: 'POST', path: '/v1/billing/meter_events' },
  summaries: { method: 'GET', path: /\/event_summaries$/ },
  subscriptions: { path: '/v1/subscriptions/' },
  anything: {},
};

const CRASH_PLACES: Readonly<Record<CrashPlace, RegExp>> = {
  anywhere: /./,
  recording: /\.recordUsage:/,
  changing: /\.(requestChange|changeChange|completeChange|changeSubscription|cancelSubscription):/,
  sending: /\.(changeReport|sendReport|readCounted|closeReports):/,
};

/** The app makes a subscription at Stripe, where the account has none. */
async function subscribe(scene: ModelScene, action: Of<'subscribe'>): Promise<void> {
  const { plan, trial_days } = action;
  const { customer, subscriptions } = scene.account(action.account);
  const seats = hasSeats(plan) ? action.seats : 1;
  await scene.byHand(async (stripe) => {
    const { data } = await stripe.subscriptions.list({ customer });
    if (data.length > 0) return;
    const { id } = await stripe.subscriptions.create({
      customer,
      items: PRICES[plan].map((price) => ({
        price: scene.prices.get(priceName(plan, price)) ?? '',
        ...(price.bills === 'usage' ? {} : { quantity: price.bills === 'seats' ? seats : 1 }),
      })),
      billing_mode: { type: 'flexible' },
      ...(trial_days === null ? {} : { trial_period_days: trial_days }),
    });
    subscriptions.push({ id, plan, seats });
  });
}

async function changePlan(
  scene: ModelScene,
  account: AccountLog,
  process: number,
  plan: PaidPlan | null,
  seats: number | null,
): Promise<void> {
  const at = { from: scene.now, was_paused: isPaused(scene, account) };
  const sold = plan !== null && hasSeats(plan) ? seats : null;
  const params = { account: account.name, plan: plan ?? 'free', ...(sold === null ? {} : { seats: sold }) };
  await ask(scene, process, (usage) => usage.plans.change(params));
  const wanted: Wanted = plan === null ? { kind: 'cancel' } : { kind: 'plan', plan, seats: sold };
  await noteChanges(scene, account, wanted, at);
}

async function changeSeats(scene: ModelScene, action: Of<'seats'>): Promise<void> {
  const { how, process, seats } = action;
  const account = scene.account(action.account);
  const at = { from: scene.now, was_paused: isPaused(scene, account) };
  const params = { account: account.name, seats };
  const answer = await ask(scene, process, (usage) =>
    how === 'set' ? usage.seats.set(params) : usage.seats.add(params).catch(refuseTooFew),
  );
  await noteChanges(scene, account, { kind: how === 'set' ? 'seats' : 'added_seats', seats }, at);
  if (answer === GONE || answer === 'too_few' || answer instanceof UsageError) return;
  if (how === 'set')
    mustEqual(answer.pending_seats ?? answer.seats, seats, 'answer', 'the seats of an answer');
  // Seats are to be given away once they are not pending: Stripe bills them.
  if (answer.pending_seats === null) mustBill(scene, account, answer.seats);
}

/** An account cannot be left without any seat. */
function refuseTooFew(error: unknown): 'too_few' {
  if (error instanceof UsageError && error.code === 'invalid_parameter') return 'too_few';
  throw error;
}

async function join(scene: ModelScene, { account: index, seats }: Of<'join'>): Promise<void> {
  const account = scene.account(index);
  const at = { from: scene.now, was_paused: isPaused(scene, account), calls: 2 };
  const params = { account: account.name, seats };
  let joined = 0;
  const call = async (usage: AppUsage) => {
    const answer = await refusalOf(usage.seats.add(params));
    if (!(answer instanceof UsageError) && answer.pending_seats === null) joined += seats;
  };
  const before = soldSeats(scene, account);
  await scene.race([
    [0, call],
    [1, call],
    [1, (usage) => usage.worker.tick()],
  ]);
  await noteChanges(scene, account, { kind: 'added_seats', seats }, at);
  const sold = soldSeats(scene, account) - before;
  must(
    sold >= joined,
    'I5',
    () => `${joined} seats of ${account.name} were given away, and ${sold} are billed`,
  );
}

function mustBill(scene: ModelScene, account: AccountLog, seats: number): void {
  mustEqual(soldSeats(scene, account), seats, 'I5', `the seats of ${account.name} that Stripe bills`);
}

/** As Stripe told of it last. */
function soldSeats({ diary, prices }: ModelScene, { subscriptions }: AccountLog): number {
  const items = diary.last(subscriptions.at(-1)?.id ?? '')?.items.data ?? [];
  const names = new Map([...prices].map(([name, id]) => [id, name]));
  return items.find(({ price }) => names.get(price.id)?.endsWith(' seats'))?.quantity ?? 0;
}

async function cancel(scene: ModelScene, { account: index, process, when }: Of<'cancel'>): Promise<void> {
  const account = scene.account(index);
  const at = { from: scene.now, was_paused: isPaused(scene, account) };
  const subscription = account.subscriptions.at(-1)?.id ?? '';
  if (when === 'period_end') account.mayEnd.add(subscription);
  const answer = await ask(scene, process, (usage) =>
    usage.subscriptions.cancel({ account: account.name, when }),
  );
  await noteChanges(scene, account, { kind: 'cancel' }, at);
  if (when === 'now' || answer === GONE || answer instanceof UsageError) return;
  must(!at.was_paused, 'answer', () => `${subscription} of ${account.name} is to end in a pause`);
  account.ends = subscription;
}

async function pause(scene: ModelScene, { account: index, process }: Of<'pause'>): Promise<void> {
  const account = scene.account(index);
  const isEnding = scene.diary.last(account.subscriptions.at(-1)?.id ?? '')?.cancel_at_period_end ?? false;
  const answer = await ask(scene, process, (usage) => usage.subscriptions.pause({ account: account.name }));
  if (answer === GONE || answer instanceof UsageError) return;
  await scene.settle();
  must(!isEnding, 'answer', () => `a subscription of ${account.name} that ends was paused`);
  must(isPaused(scene, account), 'answer', () => `${account.name} is paused, and Stripe knows nothing of it`);
}

async function resume(scene: ModelScene, { account: index, process }: Of<'resume'>): Promise<void> {
  await resumeAccount(scene, scene.account(index), process);
}

async function moveTrial(scene: ModelScene, { account, ms }: Of<'move_trial'>): Promise<void> {
  const { customer } = scene.account(account);
  await scene.byHand(async (stripe) => {
    const { data } = await stripe.subscriptions.list({ customer, status: 'trialing' });
    const [trial] = data;
    if (!trial) return;
    const trial_end = ms === null ? 'now' : Math.floor((scene.now + ms) / SECOND);
    await stripe.subscriptions.update(trial.id, { trial_end });
  });
}

async function race(scene: ModelScene, { account: index, plan, quantities }: Of<'race'>): Promise<void> {
  const account = scene.account(index);
  const from = scene.now;
  const was_paused = isPaused(scene, account);
  const before = await eventIds(scene);
  const { name } = account;
  let acknowledged = 0;
  const increments = quantities.map((quantity, call) => {
    return [
      call,
      async (usage: AppUsage) => {
        await usage.increment({ account: name, quantity });
        acknowledged += quantity;
      },
    ] as const;
  });
  await scene.race([
    [0, (usage) => refusalOf(usage.plans.change({ account: name, plan }))],
    ...increments,
    [1, (usage) => usage.worker.tick()],
  ]);
  await noteChanges(scene, account, { kind: 'plan', plan, seats: null }, { from, was_paused });
  const added = (await scene.ledger.events()).filter(({ event_id }) => !before.has(event_id));
  const counted = added.reduce((sum, { quantity }) => sum + quantity, 0);
  const all = quantities.reduce((sum, quantity) => sum + quantity, 0);
  const isRight = acknowledged <= counted && counted <= all;
  must(isRight, 'I1', `${counted} counted of ${acknowledged} acknowledged and ${all} issued`);
  await noteEvents(scene, account, added, { from, isRace: true });
}

/** The end of Stripe's billing period, or trial; null = nothing bills. */
async function periodEnd(scene: ModelScene, { customer }: AccountLog): Promise<number | null> {
  return await scene.byHand(async (stripe) => {
    const { data } = await stripe.subscriptions.list({ customer });
    const ends = data.flatMap(({ items }) => items.data.map(({ current_period_end }) => current_period_end));
    return ends.length === 0 ? null : Math.min(...ends) * SECOND;
  });
}
