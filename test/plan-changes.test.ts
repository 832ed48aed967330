import { join } from 'node:path';
import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { temporaryDirectory } from './support/folders.ts';
import { ALWAYS, METER_EVENTS } from './support/paying-world.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createWorld, PLANS, type WorldOptions } from './support/world.ts';

const SUBSCRIPTION = { method: 'POST', path: /^\/v1\/subscriptions\/sub_/ } as const;

const business = { currency: 'usd', interval: 'month', tiers_mode: 'volume' } as const;
const CHANGED_PLANS = {
  ...PLANS,
  business: { prices: [{ ...business, tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }] }] },
  graduated: {
    prices: [{ ...business, tiers_mode: 'graduated', tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }] }],
  },
  unpushed: { prices: [{ ...business, tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }] }] },
  euro: { prices: [{ ...business, currency: 'eur', tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }] }] },
} as const;

/** One account on the plan `pro` at 2 cents a credit, with 70 credits used in the last hour; `business` costs 1 cent. */
async function createChangingWorld({
  billing_mode = 'flexible',
  ...options
}: WorldOptions & { readonly billing_mode?: 'flexible' | 'classic' } = {}) {
  const world = await createWorld({
    path: join(temporaryDirectory(), 'usage.db'),
    plans: CHANGED_PLANS,
    lag_minutes: [0, 0],
    ...options,
  });
  for (const [plan, tiers_mode, currency] of [
    ['business', 'volume', 'usd'],
    ['graduated', 'graduated', 'usd'],
    ['euro', 'volume', 'eur'],
  ] as const) {
    await world.stripe.prices.create({
      currency,
      lookup_key: `tallybook:${plan}:month:credits`,
      product_data: { name: plan },
      billing_scheme: 'tiered',
      tiers_mode,
      recurring: { interval: 'month', usage_type: 'metered', meter: world.meter.id },
      tiers: [{ up_to: 'inf', unit_amount_decimal: Stripe.Decimal.from('1') }],
    });
  }
  const { customer, subscription } = await world.subscribe({ billing_mode: { type: billing_mode } });
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await world.usage.increment({ account: 'acct_1', quantity: 70 });
  world.clock.advance(HOUR);
  return {
    ...world,
    customer,
    subscription,
    end: (subscription.items.data[0]?.current_period_end ?? 0) * 1_000,
    use: (quantity: number) => world.usage.increment({ account: 'acct_1', quantity }),
    pass: (ms: number) => world.passTime(world.clock.now() + ms),
    /** What final invoices bill, oldest first: units and cents. */
    billed: async () =>
      (await world.billedLines(customer.id)).map(({ quantity, amount }) => [quantity, amount]),
    lastChange: () => world.usage.subscriptions.lastChange({ account: 'acct_1' }),
    change: () => world.usage.plans.change({ account: 'acct_1', plan: 'business' }),
    cancelNow: () => world.usage.subscriptions.cancel({ account: 'acct_1', when: 'now' }),
    /** Why ours and Stripe's differ, wherever they do. */
    causes: async () => {
      const { lines } = await world.usage.reconcile({ account: 'acct_1' });
      return lines.flatMap(({ causes }) => causes).filter(({ discrepancy }) => discrepancy);
    },
  };
}

const app = useAppDatabase();

describe.each<[string, () => WorldOptions]>([
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
])('a plan change on %s', (_, database) => {
  test('bills what was used before it at the old price, at once, and what was used afterwards at the new', async () => {
    const world = await createChangingWorld(database());
    await expect(world.change()).resolves.toMatchObject({ status: 'pending', plan: 'business' });
    await world.use(30);
    await world.pass(MINUTE);
    expect(await world.lastChange()).toMatchObject({ status: 'done', change: 1, reason: null });
    expect(await world.billed()).toEqual([[70, 140]]);
    await world.use(5);
    expect(await world.usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'business' });
    expect(await world.usage.get({ account: 'acct_1' })).toMatchObject({
      quantity: 35,
      cost: { amount: 35 },
    });
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [35, 35],
    ]);
    expect(await world.causes()).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  test('waits for Stripe to count, and usage of that time has the new price', async () => {
    const world = await createChangingWorld({ ...database(), lag_minutes: [12, 12] });
    await world.change();
    for (let minute = 0; minute < 10; minute += 1) {
      await world.pass(MINUTE);
      await world.use(1);
    }
    const waiting = await world.lastChange();
    expect(waiting).toMatchObject({
      status: 'pending',
      reason: expect.stringContaining('until Stripe has counted'),
    });
    expect(await world.billed()).toEqual([]);
    await world.pass(10 * MINUTE);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    expect(await world.billed()).toEqual([[70, 140]]);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [10, 10],
    ]);
    expect(await world.causes()).toEqual([]);
  });

  test('that is asked for while another is under way is refused, and changes nothing', async () => {
    const world = await createChangingWorld({ ...database(), lag_minutes: [5, 5] });
    const both = await Promise.allSettled([world.change(), world.change(), world.cancelNow()]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of both) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'change_pending', status: 409 });
    }
    await world.passTime(world.end + 2 * HOUR);
    expect((await world.billed())[0]).toEqual([70, 140]);
  });

  test('that Stripe refuses leaves everything on the old plan, also what was used meanwhile', async () => {
    const world = await createChangingWorld({ ...database(), lag_minutes: [5, 5] });
    await world.change();
    await world.pass(MINUTE);
    await world.use(30);
    const [price] = (await world.stripe.prices.list({ lookup_keys: ['tallybook:business:month:credits'] }))
      .data;
    await world.stripe.prices.update(price?.id ?? '', { active: false });
    await world.pass(HOUR);
    expect(await world.lastChange()).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('no active price'),
    });
    expect(world.alarms).toMatchObject([{ alarm: 'change_failed', account: 'acct_1' }]);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([[100, 200]]);
    expect(await world.usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'pro' });
    expect(await world.causes()).toEqual([]);
  });

  test('takes out of the usage at the new price what the old one was overcorrected by', async () => {
    const world = await createChangingWorld(database());
    await world.usage.report();
    await world.pass(HOUR);
    await world.usage.adjust({ account: 'acct_1', quantity: -100, reason: 'A loop of ours, in two months' });
    await world.change();
    await world.pass(HOUR);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    await world.use(90);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([[60, 60]]);
    expect(await world.causes()).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  test('that cancels now invoices what was used at once, and what is used afterwards is free', async () => {
    const world = await createChangingWorld({ ...database(), lag_minutes: [3, 3] });
    await expect(world.cancelNow()).resolves.toMatchObject({
      kind: 'cancel',
      status: 'pending',
      plan: 'free',
    });
    await world.use(1_000);
    await world.pass(10 * MINUTE);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    expect(await world.billed()).toEqual([[70, 140]]);
    await world.use(1_000);
    await world.pass(40 * DAY);
    expect(await world.billed()).toEqual([[70, 140]]);
    expect(await world.usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'free' });
    const { data } = await world.stripe.subscriptions.list({ customer: world.customer.id, status: 'all' });
    expect(data.map(({ status }) => status)).toEqual(['canceled']);
    const { reports } = await world.usage.reports.list({ account: 'acct_1' });
    expect(reports.filter(({ status }) => status === 'held' || status === 'failed')).toEqual([]);
    expect(await world.causes()).toEqual([]);
  });
});

describe('the answer of Stripe to a change', () => {
  const lost = [
    ['is lost on its way', { kind: 'reset_after' }],
    ['never comes, and the change arrives ten minutes later', { kind: 'hang', effect_after_ms: 10 * MINUTE }],
    ['is a 500 though it took effect', { kind: '500_after' }],
    ['is a 500 and it took no effect', { kind: '500_before', times: 3 }],
    ['is 429 for a while', { kind: '429', times: 5 }],
    ['is 409 for a while', { kind: '409', times: 2 }],
    ['is a page of the network', { kind: 'html_200', times: 2 }],
  ] as const;
  test.each(lost)('%s: it is made once, and everything is billed once', async (_, fault) => {
    const world = await createChangingWorld({ stripe_timeout_ms: 50 });
    world.simulator.faults.add({ ...fault, ...SUBSCRIPTION });
    await world.change();
    await world.use(30);
    await world.pass(HOUR);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    await world.use(5);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [35, 35],
    ]);
    const { data } = await world.stripe.subscriptions.list({ customer: world.customer.id });
    expect(data[0]?.items.data).toHaveLength(1);
    expect(await world.causes()).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  test.each(lost)('to a cancellation %s: it ends once, with one final invoice', async (_, fault) => {
    const world = await createChangingWorld({ stripe_timeout_ms: 50 });
    world.simulator.faults.add({ ...fault, method: 'DELETE', path: '/v1/subscriptions' });
    await world.cancelNow();
    await world.pass(HOUR);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    await world.use(1_000);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([[70, 140]]);
    expect(await world.causes()).toEqual([]);
  });
});

describe('while a change is under way', () => {
  test('the nightly run sends nothing of the time since the request', async () => {
    const world = await createChangingWorld({ lag_minutes: [25, 25], start: Date.UTC(2026, 0, 10, 22, 50) });
    await world.change(); // ten minutes before midnight
    await world.use(30);
    await world.passTime(Date.UTC(2026, 0, 11, 0, 10));
    expect(await world.lastChange()).toMatchObject({ status: 'pending' });
    expect(world.simulator.events().map(({ value }) => value)).toEqual(['70']);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 30],
    ]);
  });

  test('an outage of a day and more gives it up, changes nothing, and bills everything at the old price', async () => {
    const world = await createChangingWorld();
    world.simulator.faults.add({ kind: '500_before', ...METER_EVENTS, ...ALWAYS });
    await world.change();
    await world.use(30);
    await world.pass(25 * HOUR);
    expect(await world.lastChange()).toMatchObject({ status: 'failed' });
    world.simulator.faults.clear();
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([[100, 200]]);
    expect(await world.causes()).toEqual([]);
  });

  test('the billing period may end: its usage is on its invoice at the old price, the rest on the next at the new', async () => {
    const world = await createChangingWorld({ lag_minutes: [10, 10] });
    await world.passTime(world.end - 5 * MINUTE);
    await world.use(10);
    await world.change();
    await world.pass(2 * MINUTE);
    await world.use(30);
    await world.pass(5 * MINUTE);
    await world.use(5);
    await world.passTime(world.end + 3 * HOUR);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    expect(await world.billed()).toEqual([[80, 160]]);
    await world.passTime(world.end + 31 * DAY);
    expect(await world.billed()).toEqual([
      [80, 160],
      [35, 35],
    ]);
    expect(await world.causes()).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  test('webhooks that tell of it before the worker knows move nothing to a wrong price', async () => {
    const world = await createChangingWorld({ with_webhooks: true });
    world.simulator.faults.add({ kind: 'reset_after', ...SUBSCRIPTION });
    await world.change();
    await world.use(30);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 30],
    ]);
    expect(await world.causes()).toEqual([]);
  });

  test.each(['change', 'cancelNow'] as const)(
    'a report that is held since a period whose invoice is long final does not keep it: %s',
    async (asked) => {
      const world = await createChangingWorld();
      await world.usage.report();
      const [sent] = world.simulator.events();
      // Something that is no part of the product writes into the minute of the report.
      await world.stripe.billing.meterEvents.create({
        event_name: 'credits',
        payload: { stripe_customer_id: world.customer.id, value: '3' },
        timestamp: sent?.timestamp ?? 0,
      });
      await world.passTime(world.end + 70 * DAY);
      const { reports } = await world.usage.reports.list({ account: 'acct_1' });
      expect(reports).toMatchObject([{ status: 'held', reason: 'foreign_writer' }]);
      await world.use(5);
      await world[asked]();
      await world.pass(HOUR);
      expect(await world.lastChange()).toMatchObject({ status: 'done' });
      expect((await world.billed()).at(-1)).toEqual([5, 10]);
    },
  );

  test('a process that dies leaves it to the next', async () => {
    const world = await createChangingWorld({ lag_minutes: [5, 5] });
    await world.change();
    await world.usage.close();
    const next = world.open();
    await next.increment({ account: 'acct_1', quantity: 30 });
    await world.passTime(world.end + 2 * HOUR, next.worker);
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 30],
    ]);
    await next.close();
  });
});

describe('changes one after the other', () => {
  test('in the same minute, each time has its price', async () => {
    const world = await createChangingWorld();
    await world.change();
    await world.pass(5_000);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    await world.use(30);
    await world.pass(1_000);
    await world.usage.plans.change({ account: 'acct_1', plan: 'pro' });
    await world.use(7);
    await world.pass(20_000);
    expect(await world.lastChange()).toMatchObject({ status: 'done', change: 2 });
    await world.cancelNow();
    await world.pass(MINUTE);
    expect(await world.lastChange()).toMatchObject({ status: 'done', change: 3 });
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 30],
      [7, 14],
    ]);
    expect(await world.causes()).toEqual([]);
  });

  test('to the plan that the account is on is no change', async () => {
    const world = await createChangingWorld();
    await world.change();
    await world.pass(MINUTE);
    await expect(world.change()).resolves.toMatchObject({ status: 'done', change: null, plan: 'business' });
    expect(await world.lastChange()).toMatchObject({ change: 1 });
  });
});

describe('a cancellation at the end of the period', () => {
  test('bills all of the period, and can be taken back until then', async () => {
    const world = await createChangingWorld();
    await world.usage.subscriptions.cancel({ account: 'acct_1' });
    await world.usage.subscriptions.resume({ account: 'acct_1' });
    await world.passTime(world.end + 2 * HOUR);
    await world.use(30);
    await world.usage.subscriptions.cancel({ account: 'acct_1', when: 'period_end' });
    await world.pass(80 * DAY);
    await world.use(1_000);
    await world.pass(80 * DAY);
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 60],
    ]);
    expect(await world.causes()).toEqual([]);
  });
});

describe('a pause', () => {
  const drafts = async ({ stripe, customer }: Awaited<ReturnType<typeof createChangingWorld>>) => {
    const { data } = await stripe.invoices.list({ customer: customer.id, status: 'draft' });
    return data.map(({ lines }) => lines.data[0]?.quantity);
  };
  const pause = (world: Awaited<ReturnType<typeof createChangingWorld>>) =>
    world.usage.subscriptions.pause({ account: 'acct_1' });
  const resume = (world: Awaited<ReturnType<typeof createChangingWorld>>, options: object = {}) =>
    world.usage.subscriptions.resume({ account: 'acct_1', ...options });

  test('leaves invoices as drafts, loses no usage, and its end collects them', async () => {
    const world = await createChangingWorld();
    await pause(world);
    await world.passTime(world.end + 2 * DAY);
    expect(await drafts(world)).toEqual([70]);
    await resume(world);
    await world.use(30);
    await world.pass(2 * HOUR);
    expect(await world.billed()).toEqual([[70, 140]]);
    await world.passTime(world.end + 40 * DAY);
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 60],
    ]);
  });

  test('leaves its drafts to somebody who decides at Stripe, where that is asked for', async () => {
    const world = await createChangingWorld();
    await pause(world);
    await world.passTime(world.end + 2 * DAY);
    await resume(world, { drafts: 'keep' });
    await world.pass(3 * DAY);
    expect(await world.billed()).toEqual([]);
    await resume(world);
    await world.pass(2 * HOUR);
    expect(await world.billed()).toEqual([[70, 140]]);
    await expect(resume(world, { drafts: 'void' })).rejects.toMatchObject({ field: 'drafts' });
  });

  test.each<[string, (world: Awaited<ReturnType<typeof createChangingWorld>>) => Promise<unknown>]>([
    ['a change of the plan', (world) => world.change()],
    ['its preview', (world) => world.usage.plans.preview({ account: 'acct_1', plan: 'business' })],
    ['a cancellation', (world) => world.cancelNow()],
    ['a change to a free plan', (world) => world.usage.plans.change({ account: 'acct_1', plan: 'free' })],
    ['a cancellation at the end', (world) => world.usage.subscriptions.cancel({ account: 'acct_1' })],
  ])(
    'refuses %s, whose invoice would be a draft, and it goes on after the end of the pause',
    async (_, call) => {
      const world = await createChangingWorld();
      await pause(world);
      await expect(call(world)).rejects.toMatchObject({ code: 'collection_paused', status: 409 });
      expect(await world.lastChange()).toBeNull();
      await world.use(5);
      await resume(world);
      await expect(call(world)).resolves.toBeDefined();
      await world.passTime(world.end + 2 * HOUR);
      expect((await world.billed()).reduce((sum, [units]) => sum + (units ?? 0), 0)).toBe(75);
      expect(await drafts(world)).toEqual([]);
    },
  );

  test('gives up a change that is under way, of which nothing has been asked of Stripe', async () => {
    const world = await createChangingWorld({ lag_minutes: [5, 5] });
    await world.change();
    await pause(world);
    await world.use(30);
    await world.pass(HOUR);
    expect(await world.lastChange()).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('paused'),
    });
    await resume(world);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([[100, 200]]);
  });

  test('is waited for by a change of which Stripe was asked without an answer', async () => {
    const world = await createChangingWorld();
    world.simulator.faults.add({ kind: 'reset', ...SUBSCRIPTION, ...ALWAYS });
    await world.change();
    await world.pass(10_000);
    world.simulator.faults.clear();
    await pause(world);
    await world.pass(HOUR);
    expect(await world.lastChange()).toMatchObject({
      status: 'pending',
      reason: expect.stringContaining('paused'),
    });
    await resume(world);
    await world.pass(HOUR);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    expect(await world.billed()).toEqual([[70, 140]]);
  });

  test('of a subscription that is about to end is refused', async () => {
    const world = await createChangingWorld();
    await world.usage.subscriptions.cancel({ account: 'acct_1' });
    await expect(pause(world)).rejects.toMatchObject({ code: 'subscription_ending', status: 409 });
  });

  test('of a subscription that somebody let end on a date is refused', async () => {
    const world = await createChangingWorld();
    const cancel_at = (world.end - DAY) / 1_000;
    await world.stripe.subscriptions.update(world.subscription.id, { cancel_at });
    const call = pause(world);
    await expect(call).rejects.toMatchObject({ code: 'subscription_ending' });
    await expect(call).rejects.toThrow(/ends at 2026-02-09T12:00:00/);
  });

  test('of a subscription that ended meanwhile is over when its last invoice is collected', async () => {
    const world = await createChangingWorld();
    await world.stripe.subscriptions.update(world.subscription.id, {
      cancel_at_period_end: true,
      pause_collection: { behavior: 'keep_as_draft' },
    });
    await world.passTime(world.end + 2 * DAY);
    expect(await drafts(world)).toEqual([70]);
    await resume(world);
    await world.pass(2 * HOUR);
    expect(await world.billed()).toEqual([[70, 140]]);
    await expect(resume(world)).rejects.toMatchObject({ code: 'subscription_not_found' });
  });
});

describe('what is refused', () => {
  test.each<[string, object, object]>([
    ['no account', { plan: 'business' }, { code: 'invalid_account' }],
    ['an account that nobody knows', { account: 'nobody', plan: 'business' }, { code: 'account_not_found' }],
    ['a plan that nobody knows', { account: 'acct_1', plan: 'gold' }, { code: 'invalid_plan' }],
    [
      'an interval that the plan has not',
      { account: 'acct_1', plan: 'business', interval: 'year' },
      { field: 'interval' },
    ],
    ['half a seat', { account: 'acct_1', plan: 'business', seats: 1.5 }, { field: 'seats' }],
    ['an unknown field', { account: 'acct_1', plan: 'business', when: 'now' }, { field: 'when' }],
    [
      'volume to graduated',
      { account: 'acct_1', plan: 'graduated' },
      { code: 'tiers_mode_change', status: 422 },
    ],
    [
      'a price that Stripe does not have',
      { account: 'acct_1', plan: 'unpushed' },
      { code: 'price_not_found' },
    ],
    ['another currency', { account: 'acct_1', plan: 'euro' }, { code: 'currency_mismatch' }],
  ])('%s', async (_, params, error) => {
    const world = await createChangingWorld();
    await expect(world.usage.plans.change(params as never)).rejects.toMatchObject(error);
    expect(await world.lastChange()).toBeNull();
    expect((await world.usage.get({ account: 'acct_1' })).reports).toHaveLength(1);
  });

  test('a change of volume pricing where the app allows it', async () => {
    const world = await createChangingWorld({ allow_tiers_mode_change: true });
    await world.usage.plans.change({ account: 'acct_1', plan: 'graduated' });
    await world.pass(MINUTE);
    expect(await world.lastChange()).toMatchObject({ status: 'done', plan: 'graduated' });
  });

  test('an account without a subscription is told to subscribe', async () => {
    const world = await createChangingWorld();
    await world.usage.accounts.set({ account: 'acct_2', plan: 'free' });
    const error = { code: 'subscription_not_found', remedy: expect.stringContaining('checkout') };
    await expect(world.usage.plans.change({ account: 'acct_2', plan: 'pro' })).rejects.toMatchObject(error);
    await expect(world.usage.subscriptions.cancel({ account: 'acct_2' })).rejects.toMatchObject(error);
  });

  test('a subscription in classic mode, in which Stripe would drop usage, unless it may be migrated', async () => {
    const world = await createChangingWorld({ billing_mode: 'classic' });
    await expect(world.change()).rejects.toMatchObject({ code: 'classic_subscription' });
    await world.usage.plans.change({ account: 'acct_1', plan: 'business', migrate: true });
    await world.use(30);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [30, 30],
    ]);
  });

  test('an account that two subscriptions bill', async () => {
    const world = await createChangingWorld();
    const items = [{ price: world.price.id }];
    await world.stripe.subscriptions.create({ customer: world.customer.id, items });
    const error = {
      code: 'several_subscriptions',
      status: 409,
      remedy: expect.stringContaining('End all but one'),
    };
    const { usage } = world;
    for (const call of [
      () => world.change(),
      () => usage.seats.get({ account: 'acct_1' }),
      () => usage.subscriptions.cancel({ account: 'acct_1' }),
      () => usage.subscriptions.pause({ account: 'acct_1' }),
      () => usage.subscriptions.resume({ account: 'acct_1' }),
    ]) {
      await expect(call()).rejects.toMatchObject(error);
    }
  });
});
