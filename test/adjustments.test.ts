import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { originOf } from '../src/core/adjustment.ts';
import { addMonths } from '../src/core/billing-period.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const START = Date.UTC(2026, 0, 10, 12);
const app = useAppDatabase();
const ENGINES = [
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
] as const satisfies readonly (readonly [string, () => WorldOptions])[];

/** One account whose usage Stripe bills since {@link START}. */
async function createPayingWorld(options: WorldOptions = {}) {
  const world = await createWorld({ start: START, ...options });
  const { customer } = await world.subscribe();
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await world.usage.report();
  return {
    ...world,
    customer,
    increment: (quantity: number) => world.usage.increment({ account: 'acct_1', quantity }),
    adjust: (quantity: number, more: object = {}) =>
      world.usage.adjust({ account: 'acct_1', quantity, reason: 'test', ...more }),
    /** Until the n-th billing period's invoice is final. */
    passPeriods: (count: number) => world.passTime(addMonths(START, count) + 2 * HOUR),
    /** What the final invoices of the billing periods bill, in units, oldest first. */
    billed: async () => {
      const { data } = await world.stripe.invoices.list({ customer: customer.id, limit: 100 });
      return data
        .filter(({ billing_reason, status }) => billing_reason === 'subscription_cycle' && status === 'paid')
        .reverse()
        .map(({ lines }) => lines.data.reduce((sum, line) => sum + (line.quantity ?? 0), 0));
    },
    counted: (from: number, to: number) => world.simulator.counted(customer.id, 'credits', from, to),
  };
}

describe.each(ENGINES)('%s', (engine, options) => {
  test('an adjustment takes its units off the invoice, or adds to it', async () => {
    const world = await createPayingWorld(options());
    await world.increment(100);
    await expect(world.adjust(-30)).resolves.toEqual({ recorded: true, duplicate: false });
    expect(await world.usage.get({ account: 'acct_1' })).toMatchObject({
      quantity: 70,
      pending_quantity: 70,
    });
    await world.adjust(5);
    await world.passPeriods(1);
    expect(await world.billed()).toEqual([75]);
    expect(world.errors).toEqual([]);
  });

  test('what was sent already is taken back by a report with a negative quantity', async () => {
    const world = await createPayingWorld(options());
    await world.increment(100);
    await world.passTime(START + 2 * DAY);
    await world.adjust(-30);
    await world.passTime(START + 4 * DAY);
    const { reports, quantity } = await world.usage.get({ account: 'acct_1' });
    expect(reports).toMatchObject([
      { quantity: 100, reported: true },
      { quantity: -30, reported: true },
      { status: 'open' },
    ]);
    expect([quantity, world.counted(START, START + 4 * DAY)]).toEqual([70, 70]);
    await world.passPeriods(1);
    expect(await world.billed()).toEqual([70]);
  });

  test('a credit larger than its period is worth the same in the next ones', async () => {
    const world = await createPayingWorld(options());
    await world.increment(10);
    await world.passTime(START + 2 * DAY);
    await world.adjust(-100);
    expect((await world.usage.get({ account: 'acct_1' })).quantity).toBe(-90);
    await world.passPeriods(1);
    expect(await world.usage.get({ account: 'acct_1' })).toMatchObject({
      quantity: -90,
      cost: { amount: 0 },
    });
    await world.increment(40);
    await world.passPeriods(2);
    await world.increment(80);
    await world.passPeriods(3);
    expect(await world.billed()).toEqual([0, 0, 30]);
    const range = { period_start: new Date(START), period_end: new Date(addMonths(START, 1)) };
    expect(await world.usage.get({ account: 'acct_1', ...range })).toMatchObject({
      quantity: 0,
      reported_quantity: 0,
    });
    expect(world.counted(0, addMonths(START, 1))).toBe(0);
    expect(world.errors).toEqual([]);
  });

  test('a credit for the period that has just ended is carried as well', async () => {
    const world = await createPayingWorld(options());
    const end = addMonths(START, 1);
    await world.increment(10);
    await world.passTime(end + 5 * MINUTE);
    await world.adjust(-25, { timestamp: new Date(end - MINUTE) });
    await world.passTime(end + 10 * MINUTE);
    await world.usage.increment({ account: 'acct_1', quantity: 2, timestamp: new Date(end - MINUTE) });
    await world.passPeriods(1);
    await world.increment(50);
    await world.passPeriods(2);
    expect(await world.billed()).toEqual([2, 35]);
  });

  test('is explained and reconciled as what it is, also where a report was taken back below nothing', async () => {
    const world = await createPayingWorld(options());
    await world.increment(10);
    await world.passTime(START + 2 * DAY);
    await world.adjust(-25, { reason: 'outage', actor: 'ada', idempotency_key: 'ticket 1' });
    await world.passTime(START + 4 * DAY);
    const pageOf = async (report: number) => {
      const { entries, adds_up } = await world.usage.explain({ account: 'acct_1', report });
      expect(adds_up).toBe(true);
      return entries?.page.map(({ event_id, occurred_at, recorded_at, late, ...entry }) => entry);
    };
    const nothing = { idempotency_key: null, properties: null, adjustment: null, carried_forward: null };
    const adjustment = { reason: 'outage', actor: 'ada' };
    expect(await pageOf(2)).toEqual([{ ...nothing, quantity: -25, idempotency_key: 'ticket 1', adjustment }]);
    const running = await world.usage.reconcile({ account: 'acct_1' });
    expect(running.lines).toMatchObject([{ counted_here: -15, difference: 0, discrepancy: false }]);
    await world.passPeriods(1);
    const carried_forward = { from_report: 3, to_report: 4 };
    expect(await pageOf(3)).toEqual([{ ...nothing, quantity: 15, carried_forward }]);
    expect((await pageOf(4))?.[0]).toEqual({ ...nothing, quantity: -15, carried_forward });
    const ended = await world.usage.reconcile({ account: 'acct_1' });
    expect(ended.discrepancies).toBe(0);
    const past = ended.lines.find((line) => line.period_start === new Date(START).toISOString());
    expect(past).toMatchObject({ counted_here: 0, counted_by_stripe: 0, invoiced: 0, causes: [] });
  });

  test('usage that nobody pays for is corrected too, and never sent', async () => {
    const world = await createWorld({ start: START, ...options() });
    await world.usage.accounts.set({ account: 'free', plan: 'free' });
    await world.usage.increment({ account: 'unlinked', quantity: 3 });
    for (const account of ['free', 'unlinked']) {
      await world.usage.adjust({ account, quantity: -5, reason: 'a test call' });
    }
    await world.passTime(addMonths(START, 2) + 2 * HOUR);
    const range = { period_start: new Date(START), period_end: new Date(addMonths(START, 2)) };
    expect((await world.usage.get({ account: 'free', ...range })).quantity).toBe(-5);
    expect((await world.usage.get({ account: 'unlinked', ...range })).quantity).toBe(-2);
    expect((await world.usage.get({ account: 'free' })).quantity).toBe(0);
    expect(world.simulator.events()).toEqual([]);
  });

  test('what was credited before a subscription was known is in the period that the subscription bills', async () => {
    const world = await createWorld({ start: START, ...options() });
    const { customer } = await world.subscribe();
    await world.usage.increment({ account: 'a', quantity: 10 });
    await world.usage.adjust({ account: 'a', quantity: -15, reason: 'test' });
    await world.passTime(START + 3 * DAY);
    await world.usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: customer.id });
    await world.passTime(addMonths(START, 1) + 2 * HOUR);
    await world.usage.increment({ account: 'a', quantity: 20 });
    await world.passTime(addMonths(START, 2) + 2 * HOUR);
    expect((await world.billedLines(customer.id)).map(({ quantity }) => quantity)).toEqual([15]);
  });

  test('repeated under its key an adjustment counts once, and with other words it is refused', async () => {
    const world = await createPayingWorld(options());
    const keyed = (quantity: number, reason: string) =>
      world.adjust(quantity, { reason, idempotency_key: 'ticket 1' });
    await expect(keyed(-5, 'outage')).resolves.toEqual({ recorded: true, duplicate: false });
    await expect(keyed(-5, 'outage')).resolves.toEqual({ recorded: false, duplicate: true });
    for (const call of [
      () => keyed(-6, 'outage'),
      () => keyed(-5, 'goodwill'),
      () => world.adjust(-5, { reason: 'outage', actor: 'ada', idempotency_key: 'ticket 1' }),
      () => world.usage.increment({ account: 'acct_1', quantity: 5, idempotency_key: 'ticket 1' }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'idempotency_conflict', status: 409 });
    }
    expect((await world.usage.get({ account: 'acct_1' })).quantity).toBe(-5);
  });

  test('over any periods, each invoice bills what is due after the credits before it', async () => {
    const step = fc.record({ day: fc.nat({ max: 26 }), quantity: fc.integer({ min: -60, max: 80 }) });
    const periods = fc.array(fc.array(step, { maxLength: 5 }), { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(periods, async (drawn) => {
        const world = await createPayingWorld(options());
        let owed = 0;
        let net = 0;
        const expected: number[] = [];
        for (const [index, steps] of drawn.entries()) {
          for (const { day, quantity } of steps.toSorted((a, b) => a.day - b.day)) {
            await world.passTime(addMonths(START, index) + 2 * HOUR + day * DAY);
            if (quantity < 0) await world.adjust(quantity);
            else await world.increment(quantity);
            owed += quantity;
            net += quantity;
          }
          expected.push(Math.max(0, owed));
          owed = Math.min(0, owed);
          await world.passPeriods(index + 1);
        }
        const billed = await world.billed();
        expect(billed).toEqual(expected);
        const open = (await world.usage.get({ account: 'acct_1' })).quantity;
        expect(open).toBe(owed);
        expect(billed.reduce((sum, quantity) => sum + quantity, open)).toBe(net);
        await world.usage.close();
      }),
      { seed: 20_260_110, numRuns: engine === 'SQLite' ? 15 : 4 },
    );
  }, 600_000);
});

describe('an adjustment', () => {
  test('is in the ledger with its reason and actor, and nothing an app attaches looks like one', async () => {
    const world = await createPayingWorld({ database: app.options(), start: START });
    const { schema } = app.options();
    expect(schema).toMatch(/^tallybook_/);
    await world.adjust(-5, { reason: 'Outage of 10 January:\nrefund “promised”', actor: 'ada@example.com' });
    await world.adjust(1);
    const imitations = [
      { adjustment: '{"actor":null,"reason":"mine"}' },
      { adjustment: null },
      { carried_forward: true },
      { kind: 'adjustment', reason: 'mine' },
    ];
    for (const properties of imitations) {
      await world.usage.increment({ account: 'acct_1', properties });
    }
    for (const properties of [{ adjustment: { reason: 'mine' } }, { carried_forward: {} }]) {
      const forged = { account: 'acct_1', properties } as never;
      await expect(world.usage.increment(forged)).rejects.toMatchObject({ code: 'invalid_properties' });
    }
    const previous = `tallybook_${Number(schema.slice('tallybook_'.length)) - 1}`;
    const rows = await app.rows(`SELECT quantity, properties FROM ${previous}.usage_event ORDER BY event_id`);
    expect(rows.map(({ properties }) => originOf(properties === null ? null : String(properties)))).toEqual([
      { kind: 'adjustment', actor: 'ada@example.com', reason: 'Outage of 10 January:\nrefund “promised”' },
      { kind: 'adjustment', actor: null, reason: 'test' },
      ...imitations.map((properties) => ({ kind: 'increment', properties: JSON.stringify(properties) })),
    ]);
  });

  test('of an account that nobody knows is refused: its id is mistyped', async () => {
    const world = await createWorld({ with_stripe: false });
    const call = world.usage.adjust({ account: 'acct_l', quantity: -5, reason: 'test' });
    await expect(call).rejects.toMatchObject({ code: 'account_not_found', status: 404, field: 'account' });
    expect((await world.usage.accounts.list()).accounts).toEqual([]);
  });

  test('and what it takes back are not proven to be counted while neither is', async () => {
    const world = await createPayingWorld({ lag_minutes: [600, 600] });
    for (const quantity of [100, -100]) {
      world.clock.advance(5 * MINUTE);
      if (quantity < 0) await world.adjust(quantity);
      else await world.increment(quantity);
      world.clock.advance(5 * MINUTE);
      await world.usage.report();
    }
    const verified = () => {
      const database = new DatabaseSync(world.path, { readOnly: true });
      const rows = database
        .prepare('SELECT verified_at FROM usage WHERE attempts > 0 ORDER BY report_id')
        .all();
      database.close();
      return rows.map((row) => row['verified_at'] !== null);
    };
    await world.passTime(world.clock.now() + 9 * HOUR);
    expect(verified()).toEqual([false, false]);
    await world.passTime(world.clock.now() + 2 * DAY);
    expect(verified()).toEqual([true, true]);
    expect(world.errors).toEqual([]);
  });

  test('after close is refused', async () => {
    const world = await createPayingWorld();
    await world.usage.close();
    await expect(world.adjust(-1)).rejects.toMatchObject({ code: 'closed' });
  });

  test('that was asked for before close is written by it', async () => {
    const world = await createPayingWorld();
    const calls = Array.from({ length: 50 }, (_, index) => world.adjust(index % 2 === 0 ? -3 : 2));
    await world.usage.close();
    await expect(Promise.all(calls)).resolves.toHaveLength(50);
    const again = world.open();
    expect((await again.get({ account: 'acct_1' })).quantity).toBe(-25);
    await again.close();
  });
});
