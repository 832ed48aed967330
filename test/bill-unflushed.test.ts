import { describe, expect, test } from 'vitest';
import {
  createElsewhereWorld,
  discrepanciesOf,
  type ElsewhereOptions,
} from './support/changing-elsewhere.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { ALWAYS } from './support/paying-world.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';

const ITEMS = { method: 'POST', path: '/v1/invoiceitems' } as const;

const app = useAppDatabase();

/** A classic subscription whose price was swapped three hours ago: 70 credits, $1.40, are on no invoice. */
async function createUnbilledWorld(options: Partial<ElsewhereOptions> = {}) {
  const world = await createElsewhereWorld({
    billing_mode: 'classic',
    learning: 'by webhooks',
    ...options,
  });
  await world.swap('in place');
  await world.pass(3 * HOUR);
  const asked = {
    account: 'acct_1',
    period_start: new Date(world.start),
    amount: 140,
    reason: 'Swapped in the Dashboard.',
    actor: 'ada',
  };
  const ours = async () => {
    const { data } = await world.stripe.invoiceItems.list({ customer: world.customer.id, limit: 100 });
    return data.filter(({ metadata }) => metadata?.['tallybook_bill'] !== undefined);
  };
  return {
    ...world,
    asked,
    ours,
    bill: (fields: object = {}) => world.usage.subscriptions.billUnflushed({ ...asked, ...fields }),
    settled: async () => (await world.lines())[0]?.causes,
  };
}

describe.each<[string, () => Pick<ElsewhereOptions, 'database'>]>([
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
])('what a change left off its invoice, on %s', (engine, database) => {
  test('is billed by one invoice item, which settles it, before and after it is on an invoice', async () => {
    const world = await createUnbilledWorld(database());
    const [line] = await world.lines();
    expect(line?.causes).toMatchObject([
      {
        cause: 'unflushed_change',
        quantity: 70,
        amount: 140,
        discrepancy: true,
        command:
          'tallybook bill acct_1 --meter credits --period-start 2026-01-10T12:00:00Z --amount 140 --reason "…"',
      },
    ]);
    const billed = await world.bill();
    expect(billed).toMatchObject({
      quantity: 70,
      amount: 140,
      currency: 'usd',
      period_start: '2026-01-10T12:00:00.000Z',
      period_end: '2026-01-10T13:30:00.000Z',
      description:
        'credits: 70 used on 2026-01-10, 12:00 to 13:30 (UTC), at the price of that time: 70 × $0.02 = $1.40 (tier 1, up to 1,000)',
      has_next_invoice: true,
    });
    expect(await world.ours()).toMatchObject([
      {
        id: billed.invoice_item,
        amount: 140,
        currency: 'usd',
        description: billed.description,
        period: { start: world.start / 1_000, end: world.start / 1_000 + 5_400 },
        metadata: {
          tallybook_account: 'acct_1',
          tallybook_meter: 'credits',
          tallybook_period_start: '2026-01-10T12:00:00.000Z',
        },
      },
    ]);
    const settled = [
      {
        cause: 'unflushed_change',
        quantity: 70,
        amount: 140,
        discrepancy: false,
        command: null,
        invoice_item: billed.invoice_item,
      },
    ];
    expect(await world.settled()).toMatchObject(settled);
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual(
      expect.arrayContaining([
        [1, 140],
        [20, 20],
      ]),
    );
    expect(await world.settled()).toMatchObject(settled);
    expect(await discrepanciesOf(world)).toEqual([]);
  });

  test('is billed once by any number of calls at once, and by calls repeated at any time later', async () => {
    const world = await createUnbilledWorld(database());
    // Two connections of one thread to a file of SQLite would wait for each other.
    const other = engine === 'SQLite' ? world.usage : world.open();
    const calls = [
      world.bill(),
      other.subscriptions.billUnflushed({ ...world.asked, actor: 'grace' }),
      world.bill(),
    ];
    const ids = (await Promise.all(calls)).map(({ invoice_item }) => invoice_item);
    expect(new Set(ids).size).toBe(1);
    if (other !== world.usage) await other.close();
    for (const later of [MINUTE, 2 * DAY, 60 * DAY]) {
      await world.pass(later);
      expect(await world.bill()).toMatchObject({ invoice_item: ids[0], amount: 140 });
    }
    expect(await world.ours()).toHaveLength(1);
  });
});

describe('the answer of Stripe to a bill', () => {
  test.each([
    ['is lost on its way', { kind: 'reset_after' }],
    ['is a 500 though it took effect', { kind: '500_after' }],
    ['is 429', { kind: '429' }],
    ['never comes, and the item is made ten minutes later', { kind: 'hang', effect_after_ms: 10 * MINUTE }],
  ] as const)('%s: the call fails, and repeated for two days it bills once', async (_, fault) => {
    const world = await createUnbilledWorld({ stripe_timeout_ms: 50 });
    world.simulator.faults.add({ ...fault, ...ITEMS });
    await expect(world.bill()).rejects.toMatchObject({ code: 'stripe_unavailable', status: 503 });
    for (let tries = 0; tries < 5; tries += 1) {
      await world.bill().catch(() => {});
      await world.pass(12 * HOUR);
    }
    expect(await world.bill()).toMatchObject({ amount: 140 });
    expect(await world.ours()).toHaveLength(1);
    expect(await world.settled()).toMatchObject([{ cause: 'unflushed_change', discrepancy: false }]);
  });

  test('never comes for days: afterwards one item is made', async () => {
    const world = await createUnbilledWorld();
    world.simulator.faults.add({ kind: '500_before', ...ITEMS, ...ALWAYS });
    await expect(world.bill()).rejects.toMatchObject({ code: 'stripe_unavailable' });
    await world.pass(3 * DAY);
    world.simulator.faults.clear();
    await world.bill();
    expect(await world.ours()).toHaveLength(1);
  });
});

test('a database that was restored from a copy finds the item at Stripe, and bills nothing again', async () => {
  const world = await createUnbilledWorld();
  await world.bill();
  const restored = world.open(undefined, {
    provider: (provider) => provider,
    store: (store) => ({ ...store, listUnflushedBills: async () => [] }),
  });
  await expect(restored.subscriptions.billUnflushed(world.asked)).rejects.toMatchObject({
    code: 'nothing_to_bill',
  });
  await restored.close();
  expect(await world.ours()).toHaveLength(1);
});

test('of a subscription that was cancelled, it says that no invoice takes the item', async () => {
  const world = await createElsewhereWorld({ billing_mode: 'flexible', learning: 'by webhooks' });
  await world.cancel();
  await world.pass(3 * HOUR);
  const billed = await world.usage.subscriptions.billUnflushed({
    account: 'acct_1',
    period_start: new Date(world.start),
    amount: 140,
    reason: 'Cancelled in the Dashboard.',
  });
  expect(billed).toMatchObject({ amount: 140, has_next_invoice: false });
});

test('what is counted after it was billed is billed by another item, and both settle it', async () => {
  const world = await createUnbilledWorld();
  await world.bill();
  await world.stripe.billing.meterEvents.create({
    event_name: 'credits',
    payload: { stripe_customer_id: world.customer.id, value: '10' },
    timestamp: world.start / 1_000 + 60,
  });
  await world.pass(MINUTE);
  expect((await world.lines())[0]?.causes).toContainEqual(
    expect.objectContaining({ cause: 'unflushed_change', quantity: 10, amount: 20, discrepancy: true }),
  );
  await expect(world.bill({ amount: 30 })).rejects.toMatchObject({ code: 'amount_changed' });
  expect(await world.bill({ amount: 20 })).toMatchObject({
    quantity: 10,
    amount: 20,
    description:
      'credits: 10 of 80 used on 2026-01-10, 12:00 to 13:30 (UTC), at the price of that time: 80 × $0.02 = $1.60 (tier 1, up to 1,000), less $1.40 billed before',
  });
  expect(await world.ours()).toHaveLength(2);
  expect(
    (await world.settled())?.filter(({ cause, discrepancy }) => cause === 'unflushed_change' && discrepancy),
  ).toEqual([]);
});

describe('after the account has got another customer,', () => {
  /** 70 credits are counted for the first customer, in the middle of a period of its subscription. */
  const createRelinkedWorld = async () => {
    const world = await createElsewhereWorld({ billing_mode: 'flexible', learning: 'by webhooks' });
    const second = await world.subscribe();
    await world.usage.accounts.set({ account: 'acct_1', stripe_customer: second.customer.id });
    const former = async () =>
      (await world.lines())
        .flatMap(({ causes }) => causes)
        .filter(({ cause }) => cause === 'former_customer');
    const bill = () =>
      world.usage.subscriptions.billUnflushed({
        account: 'acct_1',
        period_start: new Date(world.start),
        amount: 140,
        reason: 'It is on no invoice.',
      });
    return { ...world, former, bill, billedNow: async () => await world.billedLines(second.customer.id) };
  };

  test('usage of the first one is billed by its subscription, and by nothing else', async () => {
    const world = await createRelinkedWorld();
    await world.pass(3 * HOUR);
    expect(await world.former()).toMatchObject([
      { quantity: 70, amount: 140, discrepancy: false, command: null },
    ]);
    await expect(world.bill()).rejects.toMatchObject({ code: 'customer_changed', status: 409 });
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([[70, 140]]);
    expect(await discrepanciesOf(world)).toEqual([]);
    await expect(world.bill()).rejects.toMatchObject({ code: 'nothing_to_bill' });
    await world.pass(5 * DAY);
    // What was not sent before is the second customer's.
    expect((await world.billedNow()).map(({ quantity }) => quantity)).toEqual([20]);
  });

  test('usage of the first one that its subscription drops waits for a person, without a command', async () => {
    const world = await createRelinkedWorld();
    await world.cancel();
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.billed()).toEqual([]);
    expect(await world.former()).toMatchObject([{ amount: 140, discrepancy: true, command: null }]);
    await expect(world.bill()).rejects.toMatchObject({ code: 'customer_changed' });
  });
});

describe('a bill is refused, and nothing is made,', () => {
  test.each<[string, object, object]>([
    ['for another amount than is due', { amount: 141 }, { code: 'amount_changed', status: 409 }],
    ['for no amount', { amount: undefined }, { code: 'invalid_parameter', field: 'amount' }],
    ['for nothing', { amount: 0 }, { code: 'invalid_parameter', field: 'amount' }],
    ['for less than nothing', { amount: -140 }, { code: 'invalid_parameter', field: 'amount' }],
    ['for parts of a cent', { amount: 140.5 }, { code: 'invalid_parameter', field: 'amount' }],
    ['for a text', { amount: '140' }, { code: 'invalid_parameter', field: 'amount' }],
    ['without a reason', { reason: ' ' }, { code: 'invalid_reason' }],
    ['without a name', { actor: '' }, { code: 'invalid_actor' }],
    ['of no date', { period_start: '2026-02-30' }, { code: 'invalid_period' }],
    ['of an instant within a period', { period_start: '2026-01-10T12:00:01Z' }, { code: 'invalid_period' }],
    [
      'of a period that nothing cut short',
      { period_start: '2026-01-10T13:30:00Z' },
      { code: 'nothing_to_bill' },
    ],
    ['of an unknown account', { account: 'acct_9' }, { code: 'account_not_found' }],
    ['of an unknown meter', { meter: 'tokens' }, { code: 'invalid_meter' }],
    ['with an unknown field', { quantity: 70 }, { code: 'invalid_parameter', field: 'quantity' }],
  ])('%s', async (_, fields, error) => {
    const world = await createUnbilledWorld();
    await expect(world.bill(fields)).rejects.toMatchObject(error);
    expect(await world.ours()).toEqual([]);
  });

  test('while Stripe does not answer', async () => {
    const world = await createUnbilledWorld();
    world.simulator.faults.add({ kind: '500_before', method: 'GET', path: '/v1/invoiceitems', ...ALWAYS });
    await expect(world.bill()).rejects.toMatchObject({ code: 'stripe_unavailable' });
    world.simulator.faults.clear();
    expect(await world.ours()).toEqual([]);
  });
});
