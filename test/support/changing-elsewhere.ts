import { join } from 'node:path';
import Stripe from 'stripe';
import { HOUR, MINUTE } from './credits-scene.ts';
import { temporaryDirectory } from './folders.ts';
import { createWorld, type WorldOptions } from './world.ts';

/** How the product gets to know what somebody changes at Stripe. */
export type Learning =
  | 'by webhooks'
  | 'late, by the events that Stripe keeps'
  | 'late, and Stripe keeps no events';

export interface ElsewhereOptions extends WorldOptions {
  readonly billing_mode: 'flexible' | 'classic';
  readonly learning: Learning;
}

/**
 * One account at 2 cents a credit. 70 credits are at Stripe, 20 are not, when somebody changes the subscription at Stripe;
 * `business` costs 1 cent.
 */
export async function createElsewhereWorld({ billing_mode, learning, ...options }: ElsewhereOptions) {
  const world = await createWorld({
    path: join(temporaryDirectory(), 'usage.db'),
    lag_minutes: [0, 0],
    with_webhooks: learning !== 'late, and Stripe keeps no events',
    ...options,
  });
  if (learning !== 'by webhooks') world.endpoint.answer = async () => new Response('', { status: 200 });
  const business = await world.stripe.prices.create({
    currency: 'usd',
    lookup_key: 'tallybook:business:month:credits',
    product_data: { name: 'business' },
    billing_scheme: 'tiered',
    tiers_mode: 'volume',
    recurring: { interval: 'month', usage_type: 'metered', meter: world.meter.id },
    tiers: [{ up_to: 'inf', unit_amount_decimal: Stripe.Decimal.from('1') }],
  });
  const { customer, subscription } = await world.subscribe({ billing_mode: { type: billing_mode } });
  const account = 'acct_1';
  await world.usage.accounts.set({ account, plan: 'pro', stripe_customer: customer.id });
  const use = (quantity: number) => world.usage.increment({ account, quantity });
  const pass = (ms: number) => world.passTime(world.clock.now() + ms);
  await use(70);
  world.clock.advance(HOUR);
  await world.usage.report();
  await pass(10 * MINUTE);
  await use(20);
  await pass(20 * MINUTE);
  const id = subscription.items.data[0]?.id ?? '';
  const changes = {
    'in place': [{ id, price: business.id }],
    'by another item': [{ id, deleted: true }, { price: business.id }],
  };
  return {
    ...world,
    customer,
    subscription,
    business,
    use,
    pass,
    start: subscription.start_date * 1_000,
    end: (subscription.items.data[0]?.current_period_end ?? 0) * 1_000,
    swap: (
      way: keyof typeof changes,
      proration_behavior: Stripe.SubscriptionUpdateParams.ProrationBehavior = 'always_invoice',
    ) => world.stripe.subscriptions.update(subscription.id, { items: changes[way], proration_behavior }),
    cancel: (params: Stripe.SubscriptionCancelParams = {}) =>
      world.stripe.subscriptions.cancel(subscription.id, params),
    /** What final invoices bill, oldest first: units and cents. */
    billed: async () =>
      (await world.billedLines(customer.id)).map(({ quantity, amount }) => [quantity, amount]),
    /** Ours against Stripe's, since the subscription began. */
    lines: async () => {
      const period = {
        period_start: new Date(subscription.start_date * 1_000),
        period_end: new Date(world.clock.now()),
      };
      return (await world.usage.reconcile({ account, period })).lines;
    },
  };
}

export type ElsewhereWorld = Awaited<ReturnType<typeof createElsewhereWorld>>;

/** What somebody has to look at, line by line. */
export async function discrepanciesOf(world: Pick<ElsewhereWorld, 'lines'>) {
  return (await world.lines())
    .flatMap(({ causes }) => causes)
    .filter(({ discrepancy }) => discrepancy)
    .map(({ cause, quantity, amount }) => [cause, quantity, amount]);
}
