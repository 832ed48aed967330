import fc from 'fast-check';
import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { DAY, MINUTE, refusal } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene, type PlanChangeScene } from '../../../test/support/plan-change-scene.ts';

type Behavior = 'create_prorations' | 'always_invoice' | 'none';

/** The two ways to another price: in place, or one item for another. */
const WAYS = {
  'in place': ({ dearer }: PlanChangeScene, id: string) => [{ id, price: dearer.id }],
  'by another item': ({ dearer }: PlanChangeScene, id: string) => [
    { id, deleted: true },
    { price: dearer.id },
  ],
};

async function swap(
  scene: PlanChangeScene,
  subscription: Stripe.Subscription,
  way: keyof typeof WAYS,
  proration_behavior?: Behavior,
) {
  const items = WAYS[way](scene, subscription.items.data[0]?.id ?? '');
  return await scene.stripe.subscriptions.update(subscription.id, {
    items,
    ...(proration_behavior ? { proration_behavior } : {}),
  });
}

test.each(['in place', 'by another item'] as const)(
  'usage before a swap %s is billed at the old price, usage from its second on at the new one',
  async (way) => {
    const scene = await createPlanChangeScene();
    const { clock, simulator, customer, report, bills, endPeriod } = scene;
    const subscription = await scene.subscribe();
    clock.time += DAY;
    await report(100, { timestamp: clock.time - 1_000 });
    await report(3, { timestamp: clock.time });
    const updated = await swap(scene, subscription, way, 'always_invoice');
    expect(bills()).toEqual([['paid', 200]]);
    const invoice = simulator.invoices(customer.id)[0];
    expect(invoice).toMatchObject({
      id: updated.latest_invoice,
      billing_reason: 'subscription_update',
      lines: {
        data: [
          {
            description: '100 × Credits (Tier 1 at $0.02 / month)',
            period: { start: subscription.created, end: clock.time / 1000 },
            parent: {
              type: 'subscription_item_details',
              subscription_item_details: {
                subscription: subscription.id,
                subscription_item: subscription.items.data[0]?.id,
                proration: true,
              },
            },
          },
        ],
      },
    });
    await report(4);
    endPeriod();
    expect(bills().slice(1)).toEqual([['paid', 70]]);
  },
);

test('a swap in place keeps the item and its period, another item begins with the change', async () => {
  const scene = await createPlanChangeScene();
  const { clock, dearer } = scene;
  const before = await scene.subscribe();
  clock.time += DAY;
  const [old] = before.items.data;
  const inPlace = await swap(scene, before, 'in place');
  expect(inPlace.items.data).toMatchObject([
    {
      id: old?.id,
      created: old?.created,
      price: { id: dearer.id },
      current_period_start: old?.current_period_start,
      current_period_end: old?.current_period_end,
    },
  ]);
  const other = await scene.subscribe();
  clock.time += DAY;
  const replaced = await swap(scene, other, 'by another item');
  const [item] = replaced.items.data;
  expect(item?.id).not.toBe(other.items.data[0]?.id);
  expect(item).toMatchObject({
    created: clock.time / 1000,
    current_period_start: clock.time / 1000,
    current_period_end: other.items.data[0]?.current_period_end,
  });
  expect(replaced.billing_cycle_anchor).toBe(other.billing_cycle_anchor);
});

test.each([
  // By default it waits for the invoice of the cycle.
  [undefined, [], 240],
  ['create_prorations', [], 240],
  ['always_invoice', [['paid', 200]], 40],
  ['none', [], 40],
] as const)(
  'with proration_behavior %s the old usage is billed %j at once',
  async (behavior, atOnce, later) => {
    const scene = await createPlanChangeScene();
    const { clock, report, bills, endPeriod } = scene;
    const subscription = await scene.subscribe();
    clock.time += DAY;
    await report(100, { timestamp: clock.time - MINUTE });
    await swap(scene, subscription, 'in place', behavior);
    expect(bills()).toEqual(atOnce);
    await report(4);
    endPeriod();
    expect(bills()).toEqual([...atOnce, ['paid', later]]);
  },
);

test('usage from before a change that is counted after it is on no invoice', async () => {
  const scene = await createPlanChangeScene({ lag_minutes: [10, 10] });
  const { clock, customer, simulator, report, bills, endPeriod } = scene;
  const subscription = await scene.subscribe();
  clock.time += DAY;
  await report(100, { timestamp: clock.time - MINUTE });
  await swap(scene, subscription, 'in place', 'always_invoice');
  endPeriod();
  expect(bills()).toEqual([['paid', 0]]);
  expect(simulator.counted(customer.id, 'credits', 0, clock.time)).toBe(100);
});

test.each(['in place', 'by another item'] as const)(
  'a classic subscription forgets what was used before a swap %s, whatever is asked for',
  async (way) => {
    for (const behavior of ['create_prorations', 'always_invoice'] as const) {
      const scene = await createPlanChangeScene();
      const { clock, report, bills, endPeriod } = scene;
      const subscription = await scene.subscribe({ billing_mode: { type: 'classic' } });
      clock.time += DAY;
      await report(100, { timestamp: clock.time - MINUTE });
      const { items } = await swap(scene, subscription, way, behavior);
      expect(items.data[0]?.current_period_start).toBe(subscription.created);
      await report(4);
      endPeriod();
      expect(bills().slice(1)).toEqual([['paid', 40]]);
    }
  },
);

test('migrated to flexible, a subscription bills what it used before a swap; it never becomes classic again', async () => {
  const scene = await createPlanChangeScene();
  const { clock, stripe, report, bills } = scene;
  const subscription = await scene.subscribe({ billing_mode: { type: 'classic' } });
  clock.time += DAY;
  await report(100, { timestamp: clock.time - MINUTE });
  const migrated = await stripe.subscriptions.migrate(subscription.id, {
    billing_mode: { type: 'flexible' },
  });
  expect(migrated.billing_mode).toMatchObject({ type: 'flexible', updated_at: clock.time / 1000 });
  expect(migrated.items).toEqual(subscription.items);
  await swap(scene, subscription, 'in place', 'always_invoice');
  expect(bills()[1]).toEqual(['paid', 200]);
  const again = stripe.subscriptions.migrate(subscription.id, { billing_mode: { type: 'flexible' } });
  expect(await refusal(again)).toMatchObject({ statusCode: 400, param: 'billing_mode[type]' });
});

test('each of several changes bills the usage since the last one', async () => {
  const scene = await createPlanChangeScene();
  const { clock, stripe, price, dearer, report, bills, endPeriod } = scene;
  const { id, items } = await scene.subscribe();
  for (const next of [dearer, price, dearer]) {
    clock.time += DAY;
    await report(10, { timestamp: clock.time - MINUTE });
    await stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]?.id ?? '', price: next.id }],
      proration_behavior: 'always_invoice',
    });
  }
  endPeriod();
  expect(bills().map(([, total]) => total)).toEqual([20, 100, 20, 0]);
});

test('an item of another interval keeps the anchor of a flexible subscription, and resets that of a classic one', async () => {
  for (const type of ['flexible', 'classic'] as const) {
    const scene = await createPlanChangeScene();
    const { clock, stripe, meter } = scene;
    const weekly = await stripe.prices.create({
      currency: 'usd',
      product_data: { name: 'Weekly credits' },
      unit_amount: 10,
      recurring: { interval: 'week', usage_type: 'metered', meter: meter.id },
    });
    const { id, items, created } = await scene.subscribe({ billing_mode: { type } });
    clock.time += DAY;
    const changed = await stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]?.id ?? '', price: weekly.id }],
    });
    const now_s = clock.time / 1000;
    const anchor = type === 'flexible' ? created : now_s;
    expect(changed.billing_cycle_anchor).toBe(anchor);
    expect(changed.items.data).toMatchObject([
      { current_period_start: now_s, current_period_end: anchor + 7 * 86_400 },
    ]);
  }
});

test('volume and non-volume prices replace each other, unless the simulator is told to refuse it', async () => {
  const { subscribe, stripe, dearer } = await createPlanChangeScene({ refuses_tiers_mode_change: true });
  const { id, items } = await subscribe();
  const item = items.data[0]?.id ?? '';
  for (const change of [
    [{ id: item, price: dearer.id }],
    [{ id: item, deleted: true }, { price: dearer.id }],
  ]) {
    expect(await refusal(stripe.subscriptions.update(id, { items: change }))).toMatchObject({
      statusCode: 400,
      param: 'items',
    });
  }
  expect((await stripe.subscriptions.retrieve(id)).items).toEqual(items);
});

test('what no subscription can become is refused and changes nothing', async () => {
  const { subscribe, stripe, price, dearer, licensed, clock } = await createPlanChangeScene();
  const subscription = await subscribe();
  const id = subscription.items.data[0]?.id ?? '';
  const seat = await licensed(500);
  const euros = await licensed(500, { currency: 'eur' });
  const tooEarly = subscription.created - 1;
  const refused: [Stripe.SubscriptionUpdateParams, string][] = [
    [{ items: [{ id, deleted: true }] }, 'items'],
    [{ items: [{ id: 'si_unknown', price: dearer.id }] }, 'items[0][id]'],
    [{ items: [{ id, price: seat.id }] }, 'items[0][price]'],
    [{ items: [{ id, quantity: 2 }] }, 'items[0][quantity]'],
    [{ items: [{ price: price.id }] }, 'items'],
    [{ items: [{ price: euros.id }] }, 'items'],
    [{ items: [{ quantity: 1 }] }, 'items[0][price]'],
    [{ items: [{ id }, { id }] }, 'items[1][id]'],
    [{ items: [{ id, clear_usage: true, deleted: true }, { price: dearer.id }] }, 'items[0][clear_usage]'],
    [{ items: [{ deleted: true }] }, 'items[0][id]'],
    [{ proration_date: tooEarly }, 'proration_date'],
    [{ proration_date: subscription.created, proration_behavior: 'none' }, 'proration_date'],
    [{ trial_end: tooEarly }, 'trial_end'],
    [{ trial_end: tooEarly + 5, billing_cycle_anchor: { type: 'now' } }, 'billing_cycle_anchor'],
    [{ pause_collection: { behavior: 'void', resumes_at: tooEarly } }, 'pause_collection[resumes_at]'],
  ];
  clock.time += 2_000;
  for (const [params, param] of refused) {
    const error = await refusal(stripe.subscriptions.update(subscription.id, params));
    expect([error.statusCode, error.param], JSON.stringify(params)).toEqual([400, param]);
  }
  expect(await stripe.subscriptions.retrieve(subscription.id)).toEqual(subscription);
});

test('whatever changes, each unit is billed once, at the price of the moment it was stamped', async () => {
  const step = fc.record({
    wait_s: fc.integer({ min: 60, max: 5 * 86_400 }),
    used: fc.integer({ min: 1, max: 50 }),
    way: fc.constantFrom('in place', 'by another item', 'not at all'),
    behavior: fc.constantFrom('create_prorations', 'always_invoice'),
  } as const);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const scene = await createPlanChangeScene();
      const { clock, stripe, price, dearer, report, bills } = scene;
      const { id } = await scene.subscribe();
      let expected = 0;
      for (const { wait_s, used, way, behavior } of steps) {
        clock.time += wait_s * 1_000;
        await report(used, { timestamp: clock.time - 1_000 });
        const [item] = (await stripe.subscriptions.retrieve(id)).items.data;
        const isCheap = item?.price.id === price.id;
        expected += used * (isCheap ? 2 : 10);
        const old = item?.id ?? '';
        const next = isCheap ? dearer.id : price.id;
        const change = {
          'in place': [{ id: old, price: next }],
          'by another item': [{ id: old, deleted: true }, { price: next }],
          'not at all': [],
        };
        const items = change[way];
        if (items.length > 0) await stripe.subscriptions.update(id, { items, proration_behavior: behavior });
      }
      clock.time += 40 * DAY;
      expect(bills().reduce((sum, [, total]) => sum + Number(total), 0)).toBe(expected);
    }),
    { numRuns: 40 },
  );
}, 60_000);
