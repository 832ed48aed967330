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
      discrepancy: false,
      causes: [{ cause: 'open', quantity: 70, amount: 140, reports: [1] }],
    });
    world.simulator.faults.add({ kind: 'reset', ...METER_EVENTS });
    await world.usage.report();
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    expect(await world.line()).toMatchObject({
      counted_by_stripe: 0,
      difference: 75,
      discrepancy: false,
      causes: [
        { cause: 'waiting', quantity: 70, reports: [1] },
        { cause: 'open', quantity: 5, reports: [2] },
      ],
    });
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
    await world.usage.report();
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    world.clock.advance(HOUR);
    await world.stripe.billing.meters.deactivate(world.meter.id);
    await world.usage.report();
    expect(await world.line()).toMatchObject({
      counted_here: 75,
      counted_by_stripe: 70,
      discrepancy: true,
      causes: [{ cause: 'failed', quantity: 5, amount: 10, reports: [2] }],
    });
  });

  test('names what is held, with its reason', async () => {
    const world = await createPayingWorld();
    await world.stripe.subscriptions.create({
      customer: world.customer.id,
      items: [{ price: world.price.id }],
      billing_mode: { type: 'flexible' },
    });
    world.clock.advance(HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    world.clock.advance(HOUR);
    await world.usage.report();
    const causes = (await world.lines()).flatMap((line) => line.causes);
    expect(causes).toMatchObject([
      { cause: 'held', reason: 'ambiguous_price', discrepancy: true, amount: null },
    ]);
  });

  test('names what was counted after its invoice was final', async () => {
    const world = await createPayingWorld({ lag_minutes: [20, 20], finalize_after_ms: 10 * MINUTE });
    await world.usage.report();
    await world.passTime(world.end - HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    await world.passTime(world.end + HOUR);
    expect(await world.line()).toMatchObject({
      counted_here: 75,
      counted_by_stripe: 75,
      invoiced: 70,
      invoiced_amount: 140,
      difference: 0,
      discrepancy: true,
      causes: [{ cause: 'missed_invoice', quantity: 5, amount: 10 }],
    });
  });

  test('names what a cancellation left without an invoice', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    const { data } = await world.stripe.subscriptions.list({ customer: world.customer.id });
    await world.stripe.subscriptions.cancel(data[0]?.id ?? '');
    world.clock.advance(HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 1 });
    await world.passTime(world.clock.now() + 2 * DAY);
    const [line] = await world.lines();
    expect(line).toMatchObject({
      counted_by_stripe: 70,
      invoices: [],
      causes: [{ cause: 'unflushed_change', quantity: 70, amount: 140, discrepancy: true }],
    });
  });

  test('shows free and trial usage, which is no discrepancy', async () => {
    const world = await createWorld();
    await world.usage.accounts.set({ account: 'acct_free', plan: 'free' });
    await world.usage.increment({ account: 'acct_free', quantity: 500 });
    await world.passTime(world.clock.now() + DAY);
    const { lines } = await world.usage.reconcile();
    expect(lines).toMatchObject([
      {
        discrepancy: false,
        causes: [{ cause: 'not_billable', reason: 'free', quantity: 500, amount: null }],
      },
    ]);
  });

  test('does not take Stripe’s silence for agreement', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    world.simulator.faults.add({ kind: 'reset', method: 'GET', times: Number.POSITIVE_INFINITY });
    expect(await world.line()).toMatchObject({
      counted_by_stripe: null,
      difference: null,
      discrepancy: true,
      causes: [{ cause: 'unread', explanation: expect.stringContaining('could not be read') }],
    });
  });

  test('is not confused by what Stripe counts while it is read', async () => {
    const world = await createPayingWorld({ lag_minutes: [1, 1] });
    await world.usage.report();
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    world.clock.advance(HOUR);
    await world.usage.report();
    // The clock moves on between any two summaries.
    const busy = world.open(async (...request) => {
      world.clock.advance(25_000);
      return await world.simulator.fetch(...request);
    });
    const { lines } = await busy.reconcile({ account: 'acct_1' });
    await busy.close();
    expect(lines).toMatchObject([{ counted_here: 75, counted_by_stripe: 75, causes: [] }]);
  });

  test('reads the billing periods that overlap a month or a range', async () => {
    const world = await createPayingWorld();
    await world.passTime(world.end + 40 * DAY);
    const starts = async (period: Parameters<typeof world.usage.reconcile>[0]) =>
      (await world.usage.reconcile({ account: 'acct_1', ...period })).lines.map((line) =>
        line.period_start.slice(0, 10),
      );
    expect(await starts({})).toEqual(['2026-02-10', '2026-03-10']);
    expect(await starts({ period: '2026-01' })).toEqual(['2026-01-10']);
    expect(await starts({ period: '2026-02' })).toEqual(['2026-01-10', '2026-02-10']);
    const period = { period_start: '2026-02-11', period_end: '2026-03-01' };
    expect(await starts({ period })).toEqual(['2026-02-10']);
    expect(await starts({ period: '2030-01' })).toEqual([]);
  });

  test('goes through 1,000 accounts page by page, each once', async () => {
    const world = await createWorld({ lag_minutes: [0, 0] });
    const names = Array.from({ length: 1_000 }, (_, index) => `acct_${index}`).sort();
    for (const account of names.filter((name) => name.endsWith('00'))) {
      const { customer } = await world.subscribe();
      await world.usage.accounts.set({ account, plan: 'pro', stripe_customer: customer.id });
    }
    await Promise.all(names.map((account) => world.usage.increment({ account, quantity: 3 })));
    world.clock.advance(HOUR);
    await world.usage.report();
    const accounts: string[] = [];
    let pages = 0;
    for (let after: string | undefined; ; ) {
      const page = await world.usage.reconcile({ after, limit: 300 });
      pages += 1;
      expect(page.discrepancies).toBe(0);
      accounts.push(...page.lines.map(({ account }) => account));
      if (page.next === null) break;
      after = page.next;
    }
    expect(pages).toBe(4);
    expect(accounts).toEqual(names);
  });

  test.each([
    [{ account: '' }, 'invalid_account'],
    [{ account: 'nobody' }, 'account_not_found'],
    [{ period: '2026-13' }, 'invalid_period'],
    [{ period: '2026' }, 'invalid_period'],
    [{ period: { period_start: '2026-02-01' } }, 'invalid_period'],
    [{ period: { period_start: '2026-02-01', period_end: '2026-01-01' } }, 'invalid_period'],
    [{ period: 5 }, 'invalid_parameter'],
    [{ limit: 0 }, 'invalid_parameter'],
    [{ limit: 1_001 }, 'invalid_parameter'],
    [{ after: 7 }, 'invalid_account'],
    [{ acount: 'a' }, 'invalid_parameter'],
  ])('refuses %j as %s', async (params, code) => {
    const { usage } = await createWorld({ with_stripe: false });
    await expect(usage.reconcile(params as never)).rejects.toMatchObject({ code });
  });

  test('refuses a range of more billing periods than it would read', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    await usage.increment({ account: 'a' });
    const period = { period_start: '1980-01-01', period_end: '2026-01-01' };
    await expect(usage.reconcile({ account: 'a', period })).rejects.toMatchObject({ code: 'invalid_period' });
  });
});
