import { describe, expect, test } from 'vitest';
import type { BillingProvider } from '../src/core/billing-provider.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { ALWAYS, createPayingWorld, METER_EVENTS, type PayingWorld } from './support/paying-world.ts';
import type { WorldOptions } from './support/world.ts';

const IN_TIME = { lag_minutes: [0, 10] } as const;
/** Usage of the first period's last minutes. */
const LAST = 30;

/** What the world began with is reported; more was used in the last minute before the period's end. */
async function createEndingWorld(options: WorldOptions = {}): Promise<PayingWorld> {
  const world = await createPayingWorld({ ...IN_TIME, ...options });
  await world.passTime(world.end - MINUTE);
  await world.usage.increment({ account: 'acct_1', quantity: LAST });
  return world;
}

async function quantities(world: PayingWorld): Promise<unknown[]> {
  return (await world.billedLines(world.customer.id)).map(({ quantity }) => quantity);
}

/** When the customer's drafts become final, as hours since the period's end. */
function finalisations(world: PayingWorld): unknown[] {
  return world.simulator
    .invoices(world.customer.id)
    .filter(({ status }) => status === 'draft')
    .map((invoice) => (Number(invoice['automatically_finalizes_at']) * 1_000 - world.end) / HOUR);
}

describe('a report that cannot be sent before its draft is final', () => {
  test('keeps the invoice open, tells the operator, and ends up on it', async () => {
    const world = await createEndingWorld();
    world.simulator.faults.add({ kind: '500_before', ...METER_EVENTS, ...ALWAYS });
    await world.passTime(world.end + 20 * HOUR);
    expect(world.alarms.length).toBeGreaterThan(3);
    for (const alarm of world.alarms) {
      expect(alarm).toMatchObject({ alarm: 'invoice_postponed', account: 'acct_1', meter: 'credits' });
    }
    expect(finalisations(world)).toEqual([expect.closeTo(22, -1)]);
    world.simulator.faults.clear();
    await world.passTime(world.end + 30 * HOUR);
    expect(await quantities(world)).toEqual([70 + LAST]);
    expect(world.errors).toEqual([]);
  });

  test('lets the invoice go three days after the period’s end', async () => {
    const world = await createEndingWorld();
    world.simulator.faults.add({ kind: '500_before', ...METER_EVENTS, ...ALWAYS });
    await world.passTime(world.end + 3 * DAY - MINUTE);
    expect(finalisations(world)).toEqual([72]);
    await world.passTime(world.end + 3 * DAY + MINUTE);
    expect(finalisations(world)).toEqual([]);
    expect(await quantities(world)).toEqual([70]);
  });

  test.each([60, 30, 10, 2])(
    'and is closed, with Stripe back %s minutes before the invoice goes, is on this invoice or the next',
    async (minutes) => {
      const world = await createEndingWorld({ lag_minutes: [25, 25] });
      world.simulator.faults.add({ kind: '500_before', method: 'GET', path: '/v1/subscriptions', ...ALWAYS });
      await world.passTime(world.end + HOUR - minutes * MINUTE);
      world.simulator.faults.clear();
      await world.passTime(world.end + 35 * DAY);
      expect(await world.billedQuantity()).toBe(70 + LAST);
      expect(world.counted()).toBe(70 + LAST);
    },
  );

  test('until 20 minutes before the three days are over is on this invoice or the next', async () => {
    const world = await createEndingWorld({ lag_minutes: [25, 25] });
    const isDown = { kind: '500_before', method: 'GET', path: /event_summaries$/, ...ALWAYS } as const;
    // The period's total cannot be read in a process that has just started, so that nothing is sent.
    await world.usage.close();
    const usage = world.open();
    world.simulator.faults.add(isDown);
    await world.passTime(world.end + 3 * DAY - 20 * MINUTE, usage.worker);
    expect(world.rows().at(-1)).toMatchObject({ status: 'closed', quantity: LAST });
    world.simulator.faults.clear();
    await world.passTime(world.end + 32 * DAY, usage.worker);
    await usage.close();
    expect(await world.billedQuantity()).toBe(70 + LAST);
    expect(world.counted()).toBe(70 + LAST);
  });

  test('keeps the invoice open while Stripe has not counted what it accepted', async () => {
    const world = await createEndingWorld({ lag_minutes: [5 * 60, 5 * 60] });
    await world.passTime(world.end + 12 * HOUR);
    expect(world.alarms).toContainEqual(expect.objectContaining({ alarm: 'invoice_postponed' }));
    expect(await quantities(world)).toEqual([70 + LAST]);
  });

  test('keeps no invoice open where everything is counted in time', async () => {
    const world = await createEndingWorld();
    await world.passTime(world.end + 2 * HOUR);
    expect(await quantities(world)).toEqual([70 + LAST]);
    const updates = world.simulator.requests().filter(({ method, path }) => {
      return method === 'POST' && path.startsWith('/v1/invoices/');
    });
    expect(updates).toEqual([]);
    expect(world.alarms).toEqual([]);
  });

  test('asks for the invoice again when it could not be kept open', async () => {
    const world = await createEndingWorld();
    world.simulator.faults.add({ kind: '500_before', ...METER_EVENTS, ...ALWAYS });
    world.simulator.faults.add({ kind: '500_before', method: 'POST', path: '/v1/invoices/', times: 1 });
    await world.passTime(world.end + 2 * HOUR);
    world.simulator.faults.clear();
    await world.passTime(world.end + 10 * HOUR);
    expect(await quantities(world)).toEqual([70 + LAST]);
  });

  test('is billed next when the invoice cannot be kept open for it to be counted', async () => {
    const world = await createEndingWorld({ lag_minutes: [25, 25] });
    world.simulator.faults.add({ kind: '500_before', method: 'POST', path: '/v1/invoices/', ...ALWAYS });
    world.simulator.faults.add({ kind: '500_before', method: 'GET', path: '/v1/subscriptions', ...ALWAYS });
    await world.passTime(world.end + 40 * MINUTE);
    world.simulator.faults.clear();
    world.simulator.faults.add({ kind: '500_before', method: 'POST', path: '/v1/invoices/', ...ALWAYS });
    await world.passTime(world.end + 35 * DAY);
    expect(await quantities(world)).toEqual([70, LAST]);
  });
});

describe('after an outage of everything over the finalisation', () => {
  async function createOutageWorld(options: WorldOptions = {}) {
    const world = await createEndingWorld(options);
    world.simulator.faults.add({ kind: 'reset', ...ALWAYS });
    await world.passTime(world.end + 5 * HOUR);
    world.simulator.faults.clear();
    return world;
  }

  test('the usage is billed in the current period, once', async () => {
    const world = await createOutageWorld();
    await world.passTime(world.end + 32 * DAY);
    expect(await quantities(world)).toEqual([70, LAST]);
    expect(world.counted()).toBe(70 + LAST);
    expect(world.errors).toEqual([]);
  });

  test('nothing is moved twice, however often the job looks', async () => {
    const world = await createOutageWorld();
    for (let run = 0; run < 5; run += 1) {
      await world.usage.report();
      world.clock.advance(10 * MINUTE);
    }
    await world.passTime(world.end + 2 * DAY);
    const rows = world.rows();
    expect(rows.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(70 + LAST);
    expect(rows.filter(({ quantity }) => quantity === LAST)).toHaveLength(1);
    expect(world.counted()).toBe(70 + LAST);
  });

  test('by policy track it is tracked, and never sent', async () => {
    const world = await createOutageWorld({ late_usage: 'track' });
    await world.passTime(world.end + 2 * DAY);
    expect(world.rows()).toContainEqual(
      expect.objectContaining({ status: 'not_billable', reason: 'late', quantity: LAST, attempts: 0 }),
    );
    expect(world.counted()).toBe(70);
  });

  test('it is held as missed_invoice where nothing bills any more', async () => {
    const world = await createPayingWorld(IN_TIME);
    await world.passTime(world.end - DAY);
    await world.stripe.subscriptions.update(world.subscription.id, { cancel_at_period_end: true });
    await world.passTime(world.end - MINUTE);
    await world.usage.increment({ account: 'acct_1', quantity: LAST });
    world.simulator.faults.add({ kind: 'reset', ...ALWAYS });
    await world.passTime(world.end + 5 * HOUR);
    world.simulator.faults.clear();
    await world.passTime(world.end + 3 * DAY);
    expect(world.rows()).toContainEqual(
      expect.objectContaining({ status: 'held', reason: 'missed_invoice', quantity: LAST, attempts: 0 }),
    );
    expect(world.alarms).toContainEqual(expect.objectContaining({ alarm: 'missed_invoice' }));
    expect(world.counted()).toBe(70);
    expect(world.errors).toEqual([]);
  });

  test.each([20 * MINUTE, 50 * MINUTE, 70 * MINUTE, 4 * HOUR, 30 * HOUR])(
    'of %s ms all invoices together bill exactly what was used',
    async (length) => {
      const world = await createEndingWorld();
      world.simulator.faults.add({ kind: 'reset', ...ALWAYS });
      await world.passTime(world.end + length);
      await world.usage.increment({ account: 'acct_1', quantity: 11 });
      world.simulator.faults.clear();
      await world.passTime(world.end + 35 * DAY);
      expect(await world.billedQuantity()).toBe(70 + LAST + 11);
      expect(world.counted()).toBe(70 + LAST + 11);
    },
  );
});

describe('a subscription that ends on a date of its own', () => {
  /** Its last usage is half an hour before its end, in the middle of a billing period. */
  async function createLeavingWorld(options: WorldOptions = {}) {
    const world = await createPayingWorld({ ...IN_TIME, with_webhooks: true, ...options });
    const left_at = Date.UTC(2026, 0, 20, 18);
    await world.stripe.subscriptions.update(world.subscription.id, { cancel_at: left_at / 1_000 });
    await world.passTime(left_at - HOUR / 2);
    await world.usage.increment({ account: 'acct_1', quantity: LAST });
    return { ...world, left_at };
  }

  test('has its last usage on its last invoice', async () => {
    const world = await createLeavingWorld();
    await world.passTime(world.left_at + 3 * DAY);
    expect(await quantities(world)).toEqual([70 + LAST]);
    expect(world.alarms).toEqual([]);
  });

  test('has it there also when that is made some minutes later', async () => {
    let isMade = false;
    const slow = (provider: BillingProvider): BillingProvider => ({
      ...provider,
      listInvoices: async (params) =>
        isMade ? await provider.listInvoices(params) : { outcome: 'read', invoices: [] },
    });
    const world = await createLeavingWorld({ wrapping: { provider: slow } });
    await world.passTime(world.left_at + 10 * MINUTE);
    isMade = true;
    await world.passTime(world.left_at + 3 * DAY);
    expect(await quantities(world)).toEqual([70 + LAST]);
  });

  test('keeps that invoice open for what is not counted in time', async () => {
    const world = await createLeavingWorld({ lag_minutes: [100, 100] });
    await world.passTime(world.left_at + 3 * DAY);
    expect(await quantities(world)).toEqual([70 + LAST]);
    expect(world.alarms).toContainEqual(expect.objectContaining({ alarm: 'invoice_postponed' }));
  });
});

test('a billing cycle that is begun anew at Stripe: what was not sent before is billed next, and waits for that', async () => {
  const world = await createPayingWorld({ ...IN_TIME, with_webhooks: true });
  await world.usage.report();
  await world.passTime(world.clock.now() + HOUR);
  await world.usage.increment({ account: 'acct_1', quantity: LAST });
  await world.passTime(world.clock.now() + HOUR);
  await world.stripe.subscriptions.update(world.subscription.id, {
    billing_cycle_anchor: { type: 'now' },
    proration_behavior: 'always_invoice',
  });
  const before = world.simulator.requests().length;
  await world.passTime(world.clock.now() + 2 * HOUR);
  expect(world.simulator.requests().length - before).toBeLessThan(20);
  await world.usage.increment({ account: 'acct_1', quantity: 7 });
  await world.passTime(world.clock.now() + 40 * DAY);
  expect(await quantities(world)).toEqual([70, LAST + 7]);
  expect(world.rows().every(({ status }) => status === 'reported')).toBe(true);
});

describe('the end of a billing period', () => {
  const SCHEDULES = ['0 0 1 1 *', '59 * * * *', '0 6 * * 1'];

  test.each(SCHEDULES)('is when its last report ends, also by the schedule %s', async (schedule) => {
    const world = await createPayingWorld({ ...IN_TIME, schedule });
    await world.usage.worker.tick();
    await world.passTime(world.end - 1_000);
    await world.usage.increment({ account: 'acct_1', quantity: LAST });
    await world.passTime(world.end + 2 * HOUR);
    const { reports } = await world.usage.get({
      account: 'acct_1',
      period_start: new Date(world.end - DAY),
      period_end: new Date(world.end),
    });
    expect(reports.at(-1)?.period_end).toBe(new Date(world.end).toISOString());
    expect(await quantities(world)).toEqual([70 + LAST]);
    expect(world.sent().at(-1)?.at_ms).toBeLessThan(world.end + MINUTE);
  });

  /** Of the product's clock, in minutes. Stripe waits an hour for usage, and a slow clock uses it up. */
  const SKEWS = [-20, -5, 5, 20, 60];

  test.each(SKEWS)('is met by a clock that is %s minutes off: every unit is billed once', async (minutes) => {
    const world = await createPayingWorld({ ...IN_TIME, skew_ms: minutes * MINUTE });
    // By a slow clock, what the world begins with was used before the subscription.
    const first = minutes < 0 ? 0 : 70;
    await world.passTime(world.clock.now() + 3 * HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: 8 });
    await world.passTime(world.end - MINUTE);
    await world.usage.increment({ account: 'acct_1', quantity: LAST });
    await world.passTime(world.end + 2 * DAY);
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    await world.passTime(world.end + 33 * DAY);
    const rows = world.rows().filter(({ status }) => status !== 'not_billable');
    expect(rows.map(({ status }) => status)).toEqual(rows.map(() => 'reported'));
    // Whoever is ahead counts the last minutes in the next period, and whoever is not, in their own.
    expect(await quantities(world)).toEqual(minutes > 1 ? [first + 8, LAST + 5] : [first + 8 + LAST, 5]);
  });
});
