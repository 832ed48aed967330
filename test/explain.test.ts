import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const METER_EVENTS = { method: 'POST', path: '/v1/billing/meter_events' } as const;

const app = useAppDatabase();

/** One account on the volume price, with three entries in its first report. */
async function createPayingWorld(options: WorldOptions = {}) {
  const world = await createWorld({ lag_minutes: [0, 0], ...options });
  const { customer, subscription } = await world.subscribe();
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  for (let index = 0; index < 3; index += 1) {
    await world.usage.increment({
      account: 'acct_1',
      quantity: 10 ** index,
      idempotency_key: `request_${index}`,
      properties: { index },
    });
    world.clock.advance(MINUTE);
  }
  world.clock.advance(HOUR);
  const end = (subscription.items.data[0]?.current_period_end ?? 0) * 1_000;
  return { ...world, customer, end };
}

describe.each([
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
])('explain a report, on %s', (_engine, engine) => {
  test('takes it apart to its entries, which add up, and to Stripe’s count of its minute', async () => {
    const { usage, customer } = await createPayingWorld(engine());
    await usage.report();
    const explained = await usage.explain({ account: 'acct_1', report: 1 });
    expect(explained).toMatchObject({
      account: 'acct_1',
      meter: 'credits',
      report: {
        report_id: 1,
        status: 'reported',
        quantity: 111,
        stripe_customer: customer.id,
        identifier: expect.stringMatching(/^tb_/),
        attempts: 1,
        generation: 1,
        waits_for: null,
      },
      minute: { counted_by_stripe: 111, reported: 111, error: null },
      entries: {
        total: { events: 3, quantity: 111 },
        page: [
          { quantity: 1, late: false, idempotency_key: 'request_0', properties: { index: 0 } },
          { quantity: 10, late: false, idempotency_key: 'request_1', properties: { index: 1 } },
          { quantity: 100, late: false, idempotency_key: 'request_2', properties: { index: 2 } },
        ],
        next: null,
      },
      adds_up: true,
      explanation:
        '3 entries add up to 111. Stripe counted 111 in its minute, as it should. Stripe has accepted it.',
    });
  });

  test('pages through its entries, each once', async () => {
    const { usage } = await createPayingWorld(engine());
    const quantities: number[] = [];
    let after: string | undefined;
    do {
      const { entries } = await usage.explain({ account: 'acct_1', report: 1, limit: 2, after });
      expect(entries?.total).toEqual({ events: 3, quantity: 111 });
      quantities.push(...(entries?.page.map(({ quantity }) => quantity) ?? []));
      after = entries?.next ?? undefined;
    } while (after !== undefined);
    expect(quantities).toEqual([1, 10, 100]);
  });
});

describe('explain a report', () => {
  test('marks entries that came when their billing period was over', async () => {
    const { usage, passTime, clock, end } = await createPayingWorld();
    await passTime(end + 10 * MINUTE);
    const timestamp = new Date(end - HOUR);
    await usage.increment({ account: 'acct_1', quantity: 7, timestamp });
    await passTime(clock.now() + DAY);
    await usage.increment({ account: 'acct_1', quantity: 9, timestamp });
    await usage.increment({ account: 'acct_1', quantity: 5 });
    const { reports } = await usage.reports.list({ status: ['reported', 'open'] });
    const late = reports.find((report) => report.late);
    const lateEntries = await usage.explain({ account: 'acct_1', report: late?.report_id ?? 0 });
    expect(lateEntries.entries?.page).toMatchObject([{ quantity: 7, late: true }]);
    const current = reports.find(({ quantity }) => quantity === 14);
    const mixed = await usage.explain({ account: 'acct_1', report: current?.report_id ?? 0 });
    expect(mixed.entries?.page.map((entry) => [entry.quantity, entry.late])).toEqual([
      [9, true],
      [5, false],
    ]);
  });

  test('says so when Stripe counted something else in its minute', async () => {
    const { usage, stripe, customer, clock } = await createPayingWorld();
    await usage.report();
    await stripe.billing.meterEvents.create({
      event_name: 'credits',
      payload: { stripe_customer_id: customer.id, value: '5' },
      timestamp: Math.floor((clock.now() - 40_000) / 1_000),
    });
    expect(await usage.explain({ account: 'acct_1', report: 1 })).toMatchObject({
      adds_up: false,
      minute: { counted_by_stripe: 116, reported: 111 },
      explanation: expect.stringContaining(
        'Stripe counted 116 in its minute, where 111 was accepted from here.',
      ),
    });
  });

  test('tells what is known where Stripe cannot be read, or was not asked', async () => {
    const { usage, simulator } = await createPayingWorld();
    expect(await usage.explain({ account: 'acct_1', report: 1 })).toMatchObject({
      minute: null,
      adds_up: true,
    });
    simulator.faults.add({ kind: 'reset', ...METER_EVENTS, times: Number.POSITIVE_INFINITY });
    await usage.report();
    simulator.faults.add({ kind: 'reset', method: 'GET', times: Number.POSITIVE_INFINITY });
    expect(await usage.explain({ account: 'acct_1', report: 1 })).toMatchObject({
      report: { status: 'sending', waits_for: 'stripe' },
      minute: { counted_by_stripe: null, error: expect.any(String) },
      adds_up: true,
    });
  });

  test('of an account without Stripe adds up as well', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    await usage.increment({ account: 'a', quantity: 5 });
    expect(await usage.explain({ account: 'a', report: 1 })).toMatchObject({
      entries: { total: { events: 1, quantity: 5 } },
      adds_up: true,
    });
    const invoice = usage.explain({ account: 'a', invoice: 'in_1' });
    await expect(invoice).rejects.toMatchObject({ code: 'stripe_unavailable' });
  });

  test.each([
    [{ report: 1 }, 'invalid_account'],
    [{ account: 'acct_1' }, 'invalid_parameter'],
    [{ account: 'acct_1', report: 1, invoice: 'in_1' }, 'invalid_parameter'],
    [{ account: 'acct_1', report: '1' }, 'invalid_parameter'],
    [{ account: 'acct_1', report: 0 }, 'invalid_parameter'],
    [{ account: 'acct_1', report: 99 }, 'report_not_found'],
    [{ account: 'nobody', report: 1 }, 'account_not_found'],
    [{ account: 'acct_1', report: 1, meter: 'tokens' }, 'invalid_meter'],
    [{ account: 'acct_1', report: 1, after: 'x' }, 'invalid_parameter'],
    [{ account: 'acct_1', report: 1, limit: 0 }, 'invalid_parameter'],
    [{ account: 'acct_1', invoice: 'x' }, 'invoice_not_found'],
    [{ account: 'acct_1', invoice: 'in_unknown' }, 'invoice_not_found'],
    [{ account: 'acct_1', invoice: 'in_1', limit: 5 }, 'invalid_parameter'],
    [{ account: 'nobody', invoice: 'in_1' }, 'account_not_found'],
  ])('refuses %j as %s', async (params, code) => {
    const { usage } = await createPayingWorld();
    await expect(usage.explain(params as never)).rejects.toMatchObject({ code });
  });
});

describe('explain an invoice', () => {
  test('takes it apart to its reports, and rates what Stripe counted tier by tier', async () => {
    const { usage, stripe, customer, passTime, end } = await createPayingWorld();
    await usage.increment({ account: 'acct_1', quantity: 1_889 });
    await passTime(end + 2 * HOUR);
    const [invoice] = (await stripe.invoices.list({ customer: customer.id })).data;
    const explained = await usage.explain({ account: 'acct_1', invoice: invoice?.id ?? '' });
    expect(explained).toMatchObject({
      account: 'acct_1',
      status: 'paid',
      currency: 'usd',
      total: 3_000,
      usage: [
        {
          meter: 'credits',
          period_start: '2026-01-10T12:00:00.000Z',
          period_end: '2026-02-10T12:00:00.000Z',
          invoiced: 2_000,
          invoiced_amount: 3_000,
          counted_here: 2_000,
          billed_by_stripe: 2_000,
          rating: { amount: 3_000, lines: [{ tier: 2, quantity: 2_000, unit_amount_decimal: '1.5' }] },
          causes: [],
          adds_up: true,
          explanation: 'Stripe counted 2000, which costs $30.00, as invoiced.',
        },
      ],
      other_lines: [],
      adds_up: true,
      explanation: 'It adds up.',
    });
    const inReports = explained.usage[0]?.reports.reduce((sum, { quantity }) => sum + quantity, 0);
    expect(inReports).toBe(2_000);
  });

  test('says what is missing on it', async () => {
    const options = { lag_minutes: [20, 20], finalize_after_ms: 10 * MINUTE } as const;
    const { usage, stripe, customer, passTime, end } = await createPayingWorld(options);
    await usage.report();
    await passTime(end - HOUR);
    await usage.increment({ account: 'acct_1', quantity: 5 });
    await passTime(end + HOUR);
    const [invoice] = (await stripe.invoices.list({ customer: customer.id })).data;
    expect(await usage.explain({ account: 'acct_1', invoice: invoice?.id ?? '' })).toMatchObject({
      adds_up: false,
      usage: [
        {
          invoiced: 111,
          billed_by_stripe: 116,
          adds_up: false,
          causes: [{ cause: 'missed_invoice', quantity: 5, amount: 10 }],
          explanation: expect.stringMatching(
            /^Stripe counted 116, which costs \$2\.32; the invoice bills \$2\.22\./,
          ),
        },
      ],
      explanation: 'It does not add up: see the usage that does not.',
    });
  });

  test('of a subscription that has just begun bills no usage', async () => {
    const { usage, stripe, subscribe } = await createPayingWorld();
    // A classic one, with a line of zero for what is metered.
    const { customer } = await subscribe({ billing_mode: { type: 'classic' } });
    await usage.accounts.set({ account: 'acct_2', plan: 'pro', stripe_customer: customer.id });
    await usage.report();
    const [invoice] = (await stripe.invoices.list({ customer: customer.id })).data;
    expect(await usage.explain({ account: 'acct_2', invoice: invoice?.id ?? '' })).toMatchObject({
      usage: [],
      other_lines: [{ amount: 0 }],
      explanation: 'It bills no usage of the configured meters.',
    });
  });

  test('of another account is as unknown as one that does not exist', async () => {
    const { usage, stripe, subscribe } = await createPayingWorld();
    const other = await subscribe({ billing_mode: { type: 'classic' } });
    const [invoice] = (await stripe.invoices.list({ customer: other.customer.id })).data;
    if (!invoice) throw new Error('A classic subscription has an invoice from the start.');
    const explained = usage.explain({ account: 'acct_1', invoice: invoice.id });
    await expect(explained).rejects.toMatchObject({ code: 'invoice_not_found' });
  });
});

describe('reports.list', () => {
  test('lists what waits for a person first, with what can be done, and nothing that is done', async () => {
    const { usage, stripe, meter, clock } = await createPayingWorld();
    await usage.report();
    await usage.increment({ account: 'acct_1', quantity: 5 });
    await usage.increment({ account: 'acct_0', quantity: 9 });
    clock.advance(HOUR);
    await stripe.billing.meters.deactivate(meter.id);
    await usage.report();
    const { reports, next } = await usage.reports.list();
    expect(next).toBeNull();
    expect(reports).toMatchObject([
      {
        account: 'acct_1',
        meter: 'credits',
        report_id: 2,
        status: 'failed',
        waits_for: 'person',
        last_error: expect.stringContaining('meter'),
        action: expect.stringContaining('retry'),
      },
      { account: 'acct_0', status: 'closed', reason: 'unlinked', waits_for: 'subscription' },
    ]);
    const of = async (params: Parameters<typeof usage.reports.list>[0]) =>
      (await usage.reports.list(params)).reports.map(({ account, report_id }) => `${account} ${report_id}`);
    expect(await of({ status: 'failed' })).toEqual(['acct_1 2']);
    expect(await of({ account: 'acct_0' })).toEqual(['acct_0 1']);
    expect(await of({ status: 'reported' })).toEqual(['acct_1 1']);
  });

  test('pages over statuses and accounts, each report once', async () => {
    const { usage, clock } = await createWorld({ with_stripe: false });
    for (const account of ['c', 'a', 'b']) await usage.increment({ account });
    clock.advance(HOUR);
    await usage.report();
    for (const account of ['b', 'd']) await usage.increment({ account });
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await usage.reports.list({ status: ['open', 'closed'], limit: 2, after });
      found.push(...page.reports.map(({ account, status }) => `${account} ${status}`));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(found).toEqual(['a closed', 'b closed', 'c closed', 'a open', 'b open', 'c open', 'd open']);
  });

  test.each([
    [{ status: 'lost' }, 'invalid_parameter'],
    [{ status: [] }, 'invalid_parameter'],
    [{ after: 'x' }, 'invalid_parameter'],
    [{ after: '["held"]' }, 'invalid_parameter'],
    [{ limit: 1.5 }, 'invalid_parameter'],
    [{ account: ' ' }, 'invalid_account'],
    [{ state: 'held' }, 'invalid_parameter'],
  ])('refuses %j as %s', async (params, code) => {
    const { usage } = await createWorld({ with_stripe: false });
    await expect(usage.reports.list(params as never)).rejects.toMatchObject({ code });
  });
});
