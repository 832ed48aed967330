import { UsageError } from '../../../src/core/errors.ts';
import type { Fault } from '../../../src/testing/stripe-simulator/faults.ts';
import { GONE } from '../../simulation/app/fate.ts';
import { must } from '../../simulation/invariants/broken.ts';
import { SECOND } from '../../simulation/time.ts';
import { hasSeats, type PaidPlan, PRICES, priceName } from '../catalogue.ts';
import type { Action, CrashPlace, FaultPlace } from '../schedule/action.ts';
import type { AccountLog } from './account-log.ts';
import { ask, noteChange, refusalOf } from './asking.ts';
import { changeRows } from './change-rows.ts';
import { eventIds, increment, noteEvents } from './increments.ts';
import { pass } from './passing.ts';
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
  seats: async (scene, { account: index, process, seats }) => {
    const account = scene.account(index);
    const plan = await presentPlan(scene, account);
    if (plan !== null && hasSeats(plan)) await changePlan(scene, account, process, plan, seats);
  },
  cancel,
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
  const from = scene.now;
  const sold = plan !== null && hasSeats(plan) ? seats : null;
  const params = { account: account.name, plan: plan ?? 'free', ...(sold === null ? {} : { seats: sold }) };
  await ask(scene, process, (usage) => usage.plans.change(params));
  await noteChange(scene, account, { plan, seats: sold }, from);
}

async function cancel(scene: ModelScene, { account: index, process, when }: Of<'cancel'>): Promise<void> {
  const account = scene.account(index);
  const from = scene.now;
  const subscription = account.subscriptions.at(-1)?.id ?? '';
  if (when === 'period_end') account.mayEnd.add(subscription);
  const answer = await ask(scene, process, (usage) =>
    usage.subscriptions.cancel({ account: account.name, when }),
  );
  if (when === 'now') await noteChange(scene, account, { plan: null, seats: null }, from);
  else if (answer !== GONE && !(answer instanceof UsageError)) account.ends = subscription;
}

async function resume(scene: ModelScene, { account: index, process }: Of<'resume'>): Promise<void> {
  const account = scene.account(index);
  account.ends = null;
  await ask(scene, process, (usage) => usage.subscriptions.resume({ account: account.name }));
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
  const before = await eventIds(scene);
  const { name } = account;
  let acknowledged = 0;
  const increments = quantities.map((quantity, call) => {
    return [
      call,
      async (usage: Parameters<Parameters<ModelScene['call']>[1]>[0]) => {
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
  await noteChange(scene, account, { plan, seats: null }, from);
  const added = (await scene.ledger.events()).filter(({ event_id }) => !before.has(event_id));
  const counted = added.reduce((sum, { quantity }) => sum + quantity, 0);
  const all = quantities.reduce((sum, quantity) => sum + quantity, 0);
  const isRight = acknowledged <= counted && counted <= all;
  must(isRight, 'I1', `${counted} counted of ${acknowledged} acknowledged and ${all} issued`);
  await noteEvents(scene, account, added, { from, isRace: true });
}

/** The plan that an account is on, or is about to be on; null = none that is paid for. */
async function presentPlan(
  scene: ModelScene,
  { name, subscriptions, asked }: AccountLog,
): Promise<PaidPlan | null> {
  const subscription = subscriptions.at(-1);
  if (!subscription) return null;
  const rows = (await changeRows(scene, name)).filter(
    ({ stripe_subscription, status }) => stripe_subscription === subscription.id && status !== 'failed',
  );
  const last = rows.at(-1);
  if (!last) return subscription.plan;
  return asked.find(({ change_id }) => change_id === last.change_id)?.plan ?? null;
}

/** The end of Stripe's billing period, or trial; null = nothing bills. */
async function periodEnd(scene: ModelScene, { customer }: AccountLog): Promise<number | null> {
  return await scene.byHand(async (stripe) => {
    const { data } = await stripe.subscriptions.list({ customer });
    const ends = data.flatMap(({ items }) => items.data.map(({ current_period_end }) => current_period_end));
    return ends.length === 0 ? null : Math.min(...ends) * SECOND;
  });
}
