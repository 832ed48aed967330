import { describe, expect, test } from 'vitest';
import {
  createElsewhereWorld,
  discrepanciesOf,
  type ElsewhereOptions,
  type Learning,
} from './support/changing-elsewhere.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';

const app = useAppDatabase();
const LEARNING: readonly Learning[] = [
  'by webhooks',
  'late, by the events that Stripe keeps',
  'late, and Stripe keeps no events',
];
const WAYS = ['in place', 'by another item'] as const;
const EVERY_WAY = WAYS.flatMap((way) => LEARNING.map((learning) => [way, learning] as const));
const ENGINES: readonly [string, () => Pick<ElsewhereOptions, 'database'>][] = [
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
];

describe.each(ENGINES)('a price that is swapped at Stripe, on %s', (_, database) => {
  test.each(EVERY_WAY)(
    '%s, learned of %s: usage has the price of its time, and what was not sent by then is billed next',
    async (way, learning) => {
      const world = await createElsewhereWorld({ billing_mode: 'flexible', learning, ...database() });
      const swapped_at = world.clock.now();
      await world.swap(way);
      expect(await world.billed()).toEqual([[70, 140]]);
      await world.pass(MINUTE);
      await world.use(5);
      await world.passTime(world.end + 2 * HOUR);
      expect(await world.billed()).toEqual([
        [70, 140],
        [25, 25],
      ]);
      expect((await world.lines()).slice(0, 2)).toMatchObject([
        { period_end: new Date(swapped_at).toISOString(), counted_by_stripe: 70, invoiced: 70 },
        { period_start: new Date(swapped_at).toISOString(), billed_by_stripe: 25, invoiced: 25 },
      ]);
      expect(await discrepanciesOf(world)).toEqual([]);
      expect(world.errors).toEqual([]);
    },
  );

  test.each(EVERY_WAY)(
    '%s on a classic subscription, learned of %s: what Stripe drops is a discrepancy with its amount',
    async (way, learning) => {
      const world = await createElsewhereWorld({ billing_mode: 'classic', learning, ...database() });
      await world.swap(way);
      await world.pass(MINUTE);
      await world.use(5);
      await world.passTime(world.end + 2 * HOUR);
      const isExact = way === 'by another item' || learning !== 'late, and Stripe keeps no events';
      expect(await world.billed()).toEqual([[25, 25]]);
      if (isExact) expect(await discrepanciesOf(world)).toEqual([['unflushed_change', 70, 140]]);
      else expect((await discrepanciesOf(world))[0]).toEqual(['unflushed_change', 70, 140]);
    },
  );
});

describe.each(LEARNING)('a subscription that is cancelled at Stripe, learned of %s', (learning) => {
  test('without an invoice: what was used is a discrepancy with its amount, and what was not sent is held', async () => {
    const world = await createElsewhereWorld({ billing_mode: 'flexible', learning });
    await world.cancel();
    await world.pass(MINUTE);
    await world.use(1_000); // free
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([]);
    expect(await discrepanciesOf(world)).toEqual([
      ['held', 20, 40],
      ['unflushed_change', 70, 140],
    ]);
  });

  test('with an invoice: what was sent is on it, and what was not is held', async () => {
    const world = await createElsewhereWorld({ billing_mode: 'flexible', learning });
    await world.cancel({ invoice_now: true, prorate: true });
    await world.pass(MINUTE);
    await world.use(1_000); // free
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([[70, 140]]);
    expect(await discrepanciesOf(world)).toEqual([['held', 20, 40]]);
  });
});

describe('usage that was not sent before a price is swapped', () => {
  test.each([
    ['bill_next', [25, 25]],
    ['reject', [25, 25]],
    ['track', [5, 5]],
  ] as const)('with late_usage %s: the current period bills %j', async (late_usage, billed) => {
    for (const learning of ['by webhooks', 'late, by the events that Stripe keeps'] as const) {
      const world = await createElsewhereWorld({ billing_mode: 'flexible', learning, late_usage });
      await world.swap('in place');
      await world.pass(MINUTE);
      await world.use(5);
      await world.passTime(world.end + 2 * HOUR);
      expect(await world.billed()).toEqual([[70, 140], billed]);
      expect(await discrepanciesOf(world)).toEqual([]);
    }
  });

  test('is billed once, also when prices are swapped there and back and the account is not looked at meanwhile', async () => {
    const learning = 'by webhooks';
    const world = await createElsewhereWorld({ billing_mode: 'flexible', learning });
    const { id } = world.subscription.items.data[0] ?? { id: '' };
    for (const price of [world.business.id, world.price.id, world.business.id]) {
      await world.stripe.subscriptions.update(world.subscription.id, {
        items: [{ id, price }],
        proration_behavior: 'always_invoice',
      });
      await world.pass(HOUR);
      await world.use(3);
      await world.usage.report();
      await world.pass(MINUTE);
    }
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([
      [70, 140],
      [23, 23],
      [3, 6],
      [3, 3],
    ]);
    expect(await discrepanciesOf(world)).toEqual([]);
  });
});

test('what waits as a proration for the next invoice is billed, and no discrepancy', async () => {
  const world = await createElsewhereWorld({ billing_mode: 'flexible', learning: 'by webhooks' });
  await world.swap('in place', 'create_prorations');
  await world.pass(3 * HOUR);
  expect(await discrepanciesOf(world)).toEqual([]);
  await world.passTime(world.end + 2 * HOUR);
  expect(await world.billed()).toEqual([
    [70, 140],
    [20, 20],
  ]);
  expect(await discrepanciesOf(world)).toEqual([]);
});

test('what was not sent before the swap is billed next, also once the proration is on a draft, which rates it no more', async () => {
  const world = await createElsewhereWorld({ billing_mode: 'flexible', learning: 'by webhooks' });
  await world.swap('in place', 'create_prorations');
  world.clock.advance(world.end + 10 * MINUTE - world.clock.now()); // nothing runs meanwhile
  await world.simulator.deliverWebhooks();
  await world.pass(40 * DAY);
  expect(await world.billed()).toEqual([
    [70, 140],
    [20, 20],
  ]);
  expect(await discrepanciesOf(world)).toEqual([]);
});

test.each(LEARNING)(
  'a trial that is given, learned of %s: what was not sent before is held, and what is used in it is free',
  async (learning) => {
    const world = await createElsewhereWorld({ billing_mode: 'flexible', learning });
    const trial_end = world.clock.now() + 5 * DAY;
    await world.stripe.subscriptions.update(world.subscription.id, {
      trial_end: Math.floor(trial_end / 1_000),
      proration_behavior: 'always_invoice',
    });
    await world.pass(DAY);
    await world.use(500); // free
    await world.passTime(trial_end + HOUR);
    await world.use(7);
    await world.passTime(trial_end + 40 * DAY);
    expect(await world.billed()).toEqual([
      [70, 140],
      [7, 14],
    ]);
    expect(world.alarms).toContainEqual(expect.objectContaining({ alarm: 'missed_invoice' }));
    expect(await discrepanciesOf(world)).toEqual([['held', 20, 40]]);
    expect(world.errors).toEqual([]);
  },
);

describe.each(LEARNING)('a subscription that is paused at Stripe, learned of %s', (learning) => {
  test.each(['now', 'unchanged'] as const)(
    'and resumed with its billing cycle %s: what is used in the pause is free, and what is used outside it is not',
    async (type) => {
      const world = await createElsewhereWorld({ billing_mode: 'flexible', learning });
      await world.stripe.subscriptions.pause(world.subscription.id);
      await world.pass(MINUTE);
      await world.use(500); // free
      await world.pass(2 * DAY);
      await world.use(600); // free
      await world.pass(MINUTE);
      await world.stripe.subscriptions.resume(world.subscription.id, { billing_cycle_anchor: { type } });
      await world.pass(MINUTE);
      await world.use(7);
      await world.pass(40 * DAY);
      expect((await world.billed()).toSorted()).toEqual([
        [7, 14],
        [70, 140],
      ]);
      expect(world.alarms).toContainEqual(expect.objectContaining({ alarm: 'missed_invoice' }));
      expect(await discrepanciesOf(world)).toEqual([['held', 20, 40]]);
      expect(world.errors).toEqual([]);
    },
  );
});

test('what was sent and is counted after the swap is a discrepancy with its amount', async () => {
  const world = await createElsewhereWorld({
    billing_mode: 'flexible',
    learning: 'by webhooks',
    lag_minutes: [5, 5],
  });
  await world.usage.report();
  await world.swap('in place');
  await world.pass(3 * HOUR);
  expect(await world.billed()).toEqual([[70, 140]]);
  expect(await discrepanciesOf(world)).toEqual([['unflushed_change', 20, 40]]);
});

test('changes of ours leave nothing off: every period they end is invoiced as it was counted', async () => {
  const world = await createElsewhereWorld({ billing_mode: 'flexible', learning: 'by webhooks' });
  await world.usage.subscriptions.cancel({ account: 'acct_1', when: 'now' });
  await world.pass(3 * HOUR);
  expect(await world.billed()).toEqual([[90, 180]]);
  expect((await world.lines())[0]).toMatchObject({ counted_by_stripe: 90, invoiced: 90, causes: [] });
});
