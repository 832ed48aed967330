import type { Action } from '../schedule/action.ts';
import { pass } from './passing.ts';
import { ACCOUNTS, type AccountName, nameOf, type Scene } from './scene.ts';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** What people do at Stripe, and in the app with accounts. */
export async function link(scene: Scene, account: AccountName): Promise<void> {
  const stripe_customer = scene.customerOf(account);
  await scene.call(0, (usage) => usage.accounts.set({ account, plan: 'pro', stripe_customer }));
  const known = await scene.call(0, (usage) => usage.accounts.list());
  const isLinked =
    typeof known === 'object' &&
    known.accounts.some((row) => row.account === account && row.stripe_customer !== null);
  if (isLinked) scene.expectations[account].linked_at ??= scene.now;
}

export async function subscribe(
  scene: Scene,
  account: AccountName,
  trial_days: number | null,
): Promise<void> {
  const { subscriptions, troubles } = scene.expectations[account];
  if (troubles.has('deleted') || subscriptions.some(({ ended_at }) => ended_at === null)) return;
  await addSubscription(scene, account, trial_days);
}

export async function replace(scene: Scene, account: AccountName, ms: number): Promise<void> {
  const { subscriptions } = scene.expectations[account];
  const active = subscriptions.find(({ ended_at }) => ended_at === null);
  // Next to a trial the second would be paid for at once, and the first decides.
  if (!active || active.paid_from > scene.now) return;
  await addSubscription(scene, account, null);
  await pass(scene, scene.now + ms);
  await cancel(scene, account);
}

async function addSubscription(scene: Scene, account: AccountName, trial_days: number | null): Promise<void> {
  const { stripe, price } = scene.stripe;
  const { id, start_date, trial_end } = await stripe.subscriptions.create({
    customer: scene.customerOf(account),
    items: [{ price }],
    billing_mode: { type: 'flexible' },
    ...(trial_days === null ? {} : { trial_period_days: trial_days }),
  });
  const started_at = start_date * 1_000;
  const paid_from = trial_end === null ? started_at : trial_end * 1_000;
  scene.expectations[account].subscriptions.push({ id, started_at, paid_from, ended_at: null });
}

/** A person gives a trial another end, or ends it at once: from then on the subscription is paid for, and renews. */
export async function moveTrial(scene: Scene, account: AccountName, ms: number): Promise<void> {
  const expectation = scene.expectations[account];
  const trial = expectation.subscriptions.find(({ ended_at }) => ended_at === null);
  if (!trial || trial.paid_from <= scene.now) return;
  // It ends with a whole second: what was used in one before it was a trial's, and is not any more.
  scene.clock.moveTo(Math.floor(scene.now / 1_000) * 1_000 + 1_000);
  const trial_end = ms === 0 ? 'now' : Math.ceil((scene.now + ms) / 1_000);
  const changed = await scene.stripe.stripe.subscriptions.update(trial.id, {
    trial_end,
    proration_behavior: 'none',
  });
  trial.paid_from = (changed.trial_end ?? 0) * 1_000;
  if (scene.schedule.events !== 'reliable') expectation.isLearnedLate = true;
}

export async function cancel(scene: Scene, account: AccountName): Promise<void> {
  const active = scene.expectations[account].subscriptions.find(({ ended_at }) => ended_at === null);
  if (!active) return;
  const { ended_at } = await scene.stripe.stripe.subscriptions.cancel(active.id);
  active.ended_at = (ended_at ?? 0) * 1_000;
}

export async function deleteCustomer(scene: Scene, account: AccountName): Promise<void> {
  const { troubles, subscriptions } = scene.expectations[account];
  if (troubles.has('deleted')) return;
  troubles.add('deleted');
  await scene.stripe.stripe.customers.del(scene.customerOf(account));
  const ended_at = Math.floor(scene.now / 1_000) * 1_000;
  for (const subscription of subscriptions) subscription.ended_at ??= ended_at;
}

/** Another installation, or a person, sends to the meter as well. */
export async function sendForeign(
  scene: Scene,
  { account: index, quantity, ago }: Of<'foreign'>,
): Promise<void> {
  const account = nameOf(index);
  const expectation = scene.expectations[account];
  await scene.stripe.stripe.billing.meterEvents.create({
    event_name: 'credits',
    identifier: `foreign_${ACCOUNTS.indexOf(account)}_${expectation.foreign}_${scene.now}`,
    timestamp: Math.floor((scene.now - ago) / 1_000),
    payload: { stripe_customer_id: scene.customerOf(account), value: String(quantity) },
  });
  expectation.foreign += quantity;
  expectation.troubles.add('foreign');
}
