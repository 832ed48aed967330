import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const METER_EVENTS = { method: 'POST', path: '/v1/billing/meter_events' } as const;

/** One account on the volume price that used 70 credits, an hour later. */
async function createPayingWorld(options: WorldOptions = {}) {
  const world = await createWorld({ lag_minutes: [0, 0], ...options });
  const { customer, subscription } = await world.subscribe();
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await world.usage.increment({ account: 'acct_1', quantity: 70 });
  world.clock.advance(HOUR);
  const end = (subscription.items.data[0]?.current_period_end ?? 0) * 1_000;
  const lines = async () => (await world.usage.reconcile({ account: 'acct_1' })).lines;
  return {
    ...world,
    customer,
    end,
    lines,
    /** The only line, of the period in which the account subscribed. */
    line: async () => {
      const [line] = await lines();
      if (!line) throw new Error('There is nothing to compare.');
      return line;
    },
    /** Somebody else's meter event. */
    write: (value: number, at: number) =>
      world.stripe.billing.meterEvents.create({
        event_name: 'credits',
        payload: { stripe_customer_id: customer.id, value: String(value) },
        timestamp: Math.floor(at / 1_000),
      }),
    /** How often Stripe was asked for a summary. */
    summaries: () =>
      world.simulator.requests().filter(({ path }) => path.endsWith('/event_summaries')).length,
  };
}

describe('reconcile', () => {
  test('finds no difference in what was reported, counted and invoiced, with one summary a period', async () => {
    const world = await createPayingWorld();
    await world.passTime(world.end + 2 * HOUR);
    const before = world.summaries();
    const page = await world.usage.reconcile();
    expect(page).toMatchObject({ discrepancies: 0, next: null });
    expect(page.lines).toMatchObject([
      {
        account: 'acct_1',
        meter: 'credits',
        period_start: '2026-01-10T12:00:00.000Z',
        period_end: '2026-02-10T12:00:00.000Z',
        counted_here: 70,
        reported: 70,
        counted_by_stripe: 70,
        invoiced: 70,
        invoiced_amount: 140,
        currency: 'usd',
        invoices: [{ invoice: expect.stringMatching(/^in_/), status: 'paid' }],
        difference: 0,
        discrepancy: false,
        causes: [],
      },
      { period_start: '2026-02-10T12:00:00.000Z', counted_here: 0, counted_by_stripe: 0, discrepancy: false },
    ]);
    expect(world.summaries() - before).toBe(2);
  });

  test('names what is not sent yet, which is no discrepancy', async () => {
    const world = await createPayingWorld();
    expect(await world.line()).toMatchObject({
      counted_here: 70,
      reported: 0,
      counted_by_stripe: 0,
      difference: 70,
      discrepancy: false,
      causes: [{ cause: 'open', quantity: 70, amount: 140, reports: [1] }],
    });
    world.simulator.faults.add({ kind: 'reset', ...METER_EVENTS });
    await world.usage.report();
    expect((await world.line()).causes).toMatchObject([{ cause: 'waiting', quantity: 70, reports: [1] }]);
  });

  test('names what Stripe accepted and has not counted yet', async () => {
    const world = await createPayingWorld({ lag_minutes: [20, 20] });
    await world.usage.report();
    expect(await world.line()).toMatchObject({
      reported: 70,
      counted_by_stripe: 0,
      discrepancy: false,
      causes: [{ cause: 'pending', quantity: 70, reports: [1] }],
    });
    world.clock.advance(20 * MINUTE);
    expect((await world.line()).causes).toEqual([]);
  });

  test('names a foreign writer, in a minute of its own and in that of a report', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    await world.write(5, world.clock.now() - 20 * MINUTE);
    expect(await world.line()).toMatchObject({
      counted_here: 70,
      counted_by_stripe: 75,
      difference: -5,
      discrepancy: true,
      causes: [{ cause: 'foreign_writer', quantity: -5, amount: -10, discrepancy: true }],
    });
    await world.write(3, world.clock.now() - 40_000);
    expect((await world.line()).causes).toMatchObject([{ cause: 'foreign_writer', quantity: -8 }]);
  });

  test('names the reports that differ among many, with few summaries', async () => {
    const world = await createPayingWorld();
    for (let day = 0; day < 20; day += 1) {
      if (day === 13) world.simulator.faults.add({ kind: 'reject_async', ...METER_EVENTS });
      await world.usage.increment({ account: 'acct_1', quantity: 2 });
      world.clock.advance(HOUR);
      await world.usage.report();
    }
    world.clock.advance(10 * MINUTE);
    const before = world.summaries();
    expect(await world.line()).toMatchObject({
      counted_here: 110,
      difference: 2,
      causes: [{ cause: 'pending', quantity: 2, reports: [14] }],
    });
    expect(world.summaries() - before).toBeLessThan(12);
  });

  test('names what Stripe refused, with its reports', async () => {
    const world = await createPayingWorld();
    await world.stripe.billing.meters.deactivate(world.meter.id);
    await world.usage.report();
    const [failed] = (await world.usage.reports.list({ account: 'acct_1' })).reports;
    if (failed?.status === 'failed') {
      expect(await world.line()).toMatchObject({ discrepancy: true, causes: [{ cause: 'failed' }] });
    } else {
      expect((await world.line()).discrepancy).toBe(true);
    }
  });
});
