import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './instant.ts';
import type { Invoice, InvoicedUsage } from './invoice.ts';
import { type CauseName, type ReconciliationInput, reconcile } from './reconciliation.ts';
import type { SlotUse } from './store.ts';
import type { StripeReading } from './stripe-count.ts';
import type { ReportReason, ReportStatus, UsageReport } from './usage-report.ts';

const START = Date.UTC(2026, 0, 10, 12);
const PERIOD = { start: START, end: START + 31 * DAY_MS };
const NOW = PERIOD.end + 3 * HOUR_MS;
const CENTS = { currency: 'usd', unit_amount_decimal: '2' } as const;

function report(report_id: number, quantity: number, fields: Partial<UsageReport> = {}): UsageReport {
  const status = fields.status ?? 'reported';
  const slot = START + report_id * HOUR_MS + MINUTE_MS / 2;
  return {
    account_id: 'a',
    meter: 'credits',
    report_id,
    status,
    reason: null,
    reported: status === 'reported',
    late: false,
    period_start: START + (report_id - 1) * HOUR_MS,
    period_end: START + (report_id + 1) * HOUR_MS,
    billing_period_start: PERIOD.start,
    billing_period_end: PERIOD.end,
    quantity,
    first_occurred_at: START,
    last_occurred_at: START,
    stripe_customer: 'cus_1',
    identifier: `tb_${report_id}`,
    slot,
    generation: 1,
    attempts: 1,
    first_attempt_at: START,
    reported_at: status === 'reported' ? NOW - 2 * DAY_MS : null,
    verified_at: null,
    pending_since: null,
    due_at: null,
    last_error: null,
    ...fields,
  };
}

function useOf(report: UsageReport): SlotUse {
  const { account_id, report_id, slot, quantity, status, reported_at, verified_at } = report;
  return { account_id, report_id, slot: slot ?? 0, quantity, status, reported_at, verified_at };
}

/** The minute of a report, with what Stripe counted in it. */
function minuteWith(counted: number, ...reports: readonly UsageReport[]): StripeReading {
  const start = (reports[0]?.slot ?? START) - MINUTE_MS / 2;
  return { range: { start, end: start + MINUTE_MS }, counted, uses: reports.map(useOf) };
}

/** A report that Stripe accepted an hour ago and has not counted yet. */
function pendingReport(quantity: number): Pick<ReconciliationInput, 'reports' | 'readings'> {
  const one = report(1, quantity, { reported_at: NOW - HOUR_MS });
  return { reports: [one], readings: [minuteWith(0, one)] };
}

/** Time between reports. */
function betweenReports(counted: number): StripeReading {
  return { range: { start: START, end: START + MINUTE_MS }, counted, uses: [] };
}

function input(fields: Partial<ReconciliationInput>): ReconciliationInput {
  return {
    account_id: 'a',
    now: NOW,
    period: PERIOD,
    reports: [],
    unassigned: 0,
    readings: [],
    unread: null,
    invoiced: null,
    cut_short: null,
    former_customer_invoiced_at: null,
    price: CENTS,
    ...fields,
  };
}

function invoiced(quantity: number, status: Invoice['status'] = 'paid'): InvoicedUsage {
  return { invoices: [], isFinal: status !== 'draft', quantity, amount: 2 * quantity };
}

function causes(fields: Partial<ReconciliationInput>) {
  const { causes: found, discrepancy } = reconcile(input(fields));
  return {
    discrepancy,
    causes: Object.fromEntries(found.map(({ cause, quantity }) => [cause, quantity])),
  };
}

test('what Stripe counted exactly is no difference', () => {
  const one = report(1, 70);
  expect(
    reconcile(input({ reports: [one], readings: [minuteWith(70, one)], invoiced: invoiced(70) })),
  ).toEqual({
    counted_here: 70,
    reported: 70,
    counted_by_stripe: 70,
    billed_by_stripe: 70,
    invoiced: 70,
    invoiced_amount: 140,
    difference: 0,
    discrepancy: false,
    causes: [],
  });
});

test.for<[ReportStatus, ReportReason | null, CauseName, boolean]>([
  ['open', null, 'open', false],
  ['closed', null, 'waiting', false],
  ['sending', null, 'waiting', false],
  ['closed', 'unlinked', 'unlinked', false],
  ['held', 'too_old', 'held', true],
  ['failed', null, 'failed', true],
  ['not_billable', 'free', 'not_billable', false],
  ['not_billable', 'trial', 'not_billable', false],
])('a report that is %s (%s) is the cause %s, a discrepancy: %s', ([status, reason, cause, discrepancy]) => {
  const one = report(1, 70, { status, reason });
  const found = reconcile(input({ reports: [one], readings: [minuteWith(0, one)] }));
  expect(found).toMatchObject({ difference: 70, discrepancy, reported: 0 });
  expect(found.causes).toMatchObject([{ cause, reason, quantity: 70, reports: [1], spans: [], discrepancy }]);
});

test.each<[string, ReportStatus, ReportReason | null, number, Partial<Record<CauseName, number>>, boolean]>([
  ['held', 'held', 'not_counted', 0, { held: 70 }, true],
  ['held though it is counted', 'held', 'not_counted', 70, { held: 70, unconfirmed: -70 }, true],
  ['written off', 'not_billable', 'written_off', 0, { not_billable: 70 }, false],
])('a report that Stripe accepted, and that now is %s, is the cause, and no neighbour is', (...row) => {
  const [, status, reason, counted, expected, discrepancy] = row;
  const one = report(1, 70, { status, reason, reported: true, reported_at: NOW - 2 * DAY_MS });
  expect(causes({ reports: [one], readings: [minuteWith(counted, one)] })).toEqual({
    discrepancy,
    causes: expected,
  });
});

test('reports that wait for different reasons are different causes, those of one reason are one', () => {
  const reports = [
    report(1, 5, { status: 'held', reason: 'too_old' }),
    report(2, 6, { status: 'held', reason: 'not_counted' }),
    report(3, 7, { status: 'held', reason: 'too_old' }),
  ];
  expect(reconcile(input({ reports })).causes).toMatchObject([
    { cause: 'held', reason: 'too_old', quantity: 12, reports: [1, 3] },
    { cause: 'held', reason: 'not_counted', quantity: 6, reports: [2] },
  ]);
});

test('a report of nothing explains nothing', () => {
  expect(reconcile(input({ reports: [report(1, 0, { status: 'closed' })] })).causes).toEqual([]);
});

test('a report that is voided is none of the period, and is not asked about', () => {
  expect(() => reconcile(input({ reports: [report(1, 5, { status: 'voided' })] }))).toThrow(
    'A report that is voided explains no difference.',
  );
});

test.each<[string, Partial<ReconciliationInput>]>([
  ['open', { unassigned: 5 }],
  ['waiting', { reports: [report(1, 5, { status: 'closed' })] }],
  ['pending', pendingReport(5)],
])('what is %s comes too late once the invoice is final', (cause, fields) => {
  const found = (status: Invoice['status']) =>
    reconcile(input({ ...fields, invoiced: invoiced(0, status) })).causes.find(
      (each) => each.cause === cause,
    );
  expect(found('draft')).toMatchObject({ discrepancy: false });
  expect(found('paid')).toMatchObject({ discrepancy: true });
});

test('corrections on their way that come to nothing are not too late for an invoice', () => {
  const reports = [report(1, 5, { status: 'closed' }), report(2, -5, { status: 'closed' })];
  expect(reconcile(input({ reports, invoiced: invoiced(0) }))).toMatchObject({
    discrepancy: false,
    causes: [{ cause: 'waiting', quantity: 0 }],
  });
});

test('what is on its way is a discrepancy once the invoice is final, and free usage is not', () => {
  const sending = report(1, 70, { status: 'sending' });
  const free = report(2, 5, { status: 'not_billable', reason: 'free' });
  const reports = [sending, free];
  expect(causes({ reports, invoiced: invoiced(0, 'draft') }).discrepancy).toBe(false);
  expect(reconcile(input({ reports, invoiced: invoiced(0) })).causes).toMatchObject([
    { cause: 'waiting', discrepancy: true, amount: 140 },
    { cause: 'not_billable', discrepancy: false, amount: null },
  ]);
});

test('usage that is in no report yet is open, together with what is in the open report', () => {
  const open = report(1, 7, { status: 'open' });
  expect(causes({ reports: [open], unassigned: 5 }).causes).toEqual({ open: 12 });
  expect(causes({ unassigned: 5 }).causes).toEqual({ open: 5 });
});

test('what Stripe accepted and has not counted is pending for a day, then a discrepancy', () => {
  const young = report(1, 70, { reported_at: NOW - DAY_MS + 1 });
  const old = report(1, 70, { reported_at: NOW - DAY_MS });
  expect(causes({ reports: [young], readings: [minuteWith(0, young)] })).toEqual({
    discrepancy: false,
    causes: { pending: 70 },
  });
  expect(causes({ reports: [old], readings: [minuteWith(0, old)] })).toEqual({
    discrepancy: true,
    causes: { not_counted: 70 },
  });
});

test('what Stripe had counted, and counts no longer, is never pending', () => {
  const verified = report(1, 70, { reported_at: NOW - HOUR_MS, verified_at: NOW - MINUTE_MS });
  expect(causes({ reports: [verified], readings: [minuteWith(0, verified)] })).toEqual({
    discrepancy: true,
    causes: { not_counted: 70 },
  });
});

test('usage that no report explains is a foreign writer’s, wherever it is', () => {
  const one = report(1, 70);
  const reports = [one];
  const inMinute = causes({ reports, readings: [minuteWith(75, one)] });
  const between = causes({ reports, readings: [minuteWith(70, one), betweenReports(5)] });
  const inBetween = reconcile(input({ reports, readings: [minuteWith(70, one), betweenReports(5)] }));
  expect(inBetween.causes[0]?.spans).toEqual([{ start: START, end: START + MINUTE_MS }]);
  for (const found of [inMinute, between]) {
    expect(found).toEqual({ discrepancy: true, causes: { foreign_writer: -5 } });
  }
});

test('a report that Stripe counted and whose answer was lost is no discrepancy', () => {
  const one = report(1, 70, { status: 'sending' });
  expect(causes({ reports: [one], readings: [minuteWith(70, one)] })).toEqual({
    discrepancy: false,
    causes: { waiting: 70, unconfirmed: -70 },
  });
});

test('a minute with a held report and more than it is told apart', () => {
  const one = report(1, 70, { status: 'held', reason: 'not_counted' });
  expect(causes({ reports: [one], readings: [minuteWith(75, one)] }).causes).toEqual({
    held: 70,
    unconfirmed: -70,
    foreign_writer: -5,
  });
});

test('minutes that were not read one by one are unexplained', () => {
  const [one, two] = [report(1, 70), report(2, 5)];
  const readings = [{ range: PERIOD, counted: 71, uses: [useOf(one), useOf(two)] }];
  expect(causes({ reports: [one, two], readings })).toEqual({
    discrepancy: true,
    causes: { unexplained: 4 },
  });
});

test('a report of the neighbouring period in a shared minute is neither ours nor a foreign writer’s', () => {
  const own = report(1, 70);
  const neighbour = report(2, 5, { slot: PERIOD.end });
  const readings = [minuteWith(70, own), minuteWith(5, neighbour)];
  expect(causes({ reports: [own], readings, invoiced: invoiced(70) })).toEqual({
    discrepancy: false,
    causes: { elsewhere: -5 },
  });
});

test.each<[string, Partial<UsageReport>, number]>([
  ['before the period is not of it', { slot: START - 1 }, 70],
  ['at its start is of it', { slot: START }, 75],
  ['at its end is not of it', { slot: PERIOD.end }, 70],
  [
    'after it, and may not have been accepted, takes nothing away',
    { slot: PERIOD.end, status: 'sending' },
    75,
  ],
])('what Stripe counted for a report %s', (_, fields, billed_by_stripe) => {
  const own = report(1, 70);
  const readings = [minuteWith(70, own), minuteWith(5, report(2, 5, fields))];
  expect(reconcile(input({ reports: [own], readings }))).toMatchObject({ billed_by_stripe });
});

test('what is counted already, or elsewhere, has no price of its own', () => {
  const lost = report(1, 70, { status: 'sending' });
  const neighbour = report(2, 5, { slot: PERIOD.end });
  const readings = [minuteWith(70, lost), minuteWith(5, neighbour)];
  expect(reconcile(input({ reports: [lost], readings })).causes).toMatchObject([
    { cause: 'waiting', quantity: 70, amount: 140 },
    { cause: 'unconfirmed', quantity: -70, amount: null },
    { cause: 'elsewhere', quantity: -5, amount: null, reports: [] },
  ]);
});

test('a report of another account that had the customer before is told apart', () => {
  const own = report(1, 70);
  const other = report(1, 5, { account_id: 'b', slot: START + 9 * HOUR_MS });
  expect(causes({ reports: [own], readings: [minuteWith(70, own), minuteWith(5, other)] })).toEqual({
    discrepancy: false,
    causes: { elsewhere: -5 },
  });
});

test('what Stripe counted after the invoice was final is missed, with its amount', () => {
  const [one, two] = [report(1, 70), report(2, 5)];
  const readings = [minuteWith(70, one), minuteWith(5, two)];
  const found = reconcile(input({ reports: [one, two], readings, invoiced: invoiced(70) }));
  expect(found).toMatchObject({ difference: 0, discrepancy: true, invoiced: 70 });
  expect(found.causes).toMatchObject([{ cause: 'missed_invoice', quantity: 5, amount: 10 }]);
  expect(causes({ reports: [one], readings: [minuteWith(70, one)], invoiced: invoiced(80) }).causes).toEqual({
    invoiced_more: -10,
  });
});

describe('an invoice', () => {
  const one = report(1, 70);
  const found = (fields: Partial<ReconciliationInput>) =>
    reconcile(input({ reports: [one], readings: [minuteWith(70, one)], ...fields })).causes;

  test('misses nothing while it is a draft, or where Stripe could not be asked', () => {
    expect(found({ invoiced: invoiced(60, 'draft') })).toEqual([]);
    expect(found({ invoiced: invoiced(60), readings: null })).toEqual([]);
  });

  test('that is final as soon as the period has ended is looked at then', () => {
    expect(found({ invoiced: invoiced(60), now: PERIOD.end })).toMatchObject([
      { cause: 'missed_invoice', quantity: 10, reports: [] },
    ]);
  });

  test('with every unit misses nothing, whatever they came to', () => {
    expect(found({ invoiced: { ...invoiced(70), amount: 1 } })).toEqual([]);
  });

  test('with too many units is too high by what it is beyond the price of those that Stripe counts', () => {
    expect(found({ invoiced: { ...invoiced(80), amount: 150 } })).toMatchObject([
      { cause: 'invoiced_more', quantity: -10, amount: -10 },
    ]);
  });

  test('is compared by units where the price is not known', () => {
    expect(reconcile(input({ reports: [one], invoiced: invoiced(70), price: null }))).toMatchObject({
      invoiced: 70,
      invoiced_amount: 140,
    });
    expect(found({ invoiced: invoiced(60), price: null })).toMatchObject([
      { cause: 'missed_invoice', quantity: 10, amount: null },
    ]);
  });
});

test('units cost what they add to the rest of the period, in which free usage is none', () => {
  const price = {
    currency: 'usd',
    tiers_mode: 'graduated',
    tiers: [
      { up_to: 10, unit_amount_decimal: '4' },
      { up_to: 'inf', unit_amount_decimal: '1' },
    ],
  } as const;
  const waiting = report(1, 5, { status: 'closed' });
  const before = report(2, 8);
  const free = report(3, 50, { status: 'not_billable', reason: 'free' });
  // The first 10 of 13 billable units cost 4 cents each: of the 5, two do.
  expect(reconcile(input({ price, reports: [waiting, before, free] })).causes[0]).toMatchObject({
    cause: 'waiting',
    amount: 2 * 4 + 3 * 1,
  });
});

test('usage without any invoice is missed an hour after its period, not before', () => {
  const one = report(1, 70);
  const noInvoice = { invoices: [], isFinal: null, quantity: 0, amount: 0 };
  const fields = { reports: [one], readings: [minuteWith(70, one)], invoiced: noInvoice };
  expect(reconcile(input({ ...fields, now: PERIOD.end + HOUR_MS - 1 })).causes).toEqual([]);
  expect(causes({ ...fields, now: PERIOD.end + HOUR_MS }).causes).toEqual({ missed_invoice: 70 });
});

test('a price of packages is compared by its amount', () => {
  const price = {
    currency: 'usd',
    unit_amount_decimal: '100',
    transform_quantity: { divide_by: 50, round: 'up' },
  } as const;
  const one = report(1, 70);
  const fields = { reports: [one], readings: [minuteWith(70, one)], price };
  const billing = (packages: number) => ({ ...invoiced(packages), amount: packages * 100 });
  expect(reconcile(input({ ...fields, invoiced: billing(2) }))).toMatchObject({ invoiced: null, causes: [] });
  expect(reconcile(input({ ...fields, invoiced: billing(1) })).causes).toMatchObject([
    { cause: 'missed_invoice', quantity: null, amount: 100 },
  ]);
});

test('what Stripe could not be asked is not taken for equal', () => {
  const one = report(1, 70);
  expect(reconcile(input({ reports: [one], readings: null, unread: 'Stripe is down.' }))).toMatchObject({
    counted_by_stripe: null,
    difference: null,
    discrepancy: true,
    causes: [{ cause: 'unread', quantity: null, amount: null, reports: [] }],
  });
  // Nothing to ask Stripe about is no cause.
  expect(reconcile(input({ reports: [one], readings: null })).causes).toEqual([]);
});

test('a fraction, which only others send, is named and not priced', () => {
  expect(reconcile(input({ readings: [betweenReports(0.5)] })).causes).toMatchObject([
    { cause: 'foreign_writer', quantity: -0.5, amount: null },
  ]);
});

test('without a price there are no amounts', () => {
  const one = report(1, 70, { status: 'failed' });
  expect(reconcile(input({ reports: [one], price: null })).causes).toMatchObject([{ amount: null }]);
});

test('the causes add up to the difference, whatever happened', () => {
  const statuses = ['open', 'closed', 'sending', 'reported', 'failed', 'held', 'not_billable'] as const;
  const someReport = fc.record({
    status: fc.constantFrom(...statuses),
    quantity: fc.integer({ min: -20, max: 20 }),
    counted: fc.integer({ min: -40, max: 40 }),
    owner: fc.constantFrom('a', 'b'),
    isOutside: fc.boolean(),
    isRead: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(someReport, { maxLength: 8 }), fc.nat(9), fc.nat(9), (made, between, unassigned) => {
      const reports = made.map(({ status, quantity, owner, isOutside }, index) =>
        report(index + 1, quantity, {
          status,
          account_id: owner,
          ...(isOutside ? { slot: PERIOD.end + index * MINUTE_MS + 1 } : {}),
        }),
      );
      const readings = reports.flatMap((each, index) =>
        made[index]?.isRead ? [minuteWith(made[index].counted, each)] : [],
      );
      const { difference, causes: found } = reconcile(
        input({
          reports: reports.filter(({ account_id }) => account_id === 'a'),
          readings: [...readings, betweenReports(between)],
          unassigned,
        }),
      );
      const sum = found.reduce((total, { quantity }) => total + (quantity ?? 0), 0);
      expect(sum).toBe(difference);
    }),
  );
});

test('the causes add up where a report is held while Stripe is read', () => {
  const one = report(1, 70);
  const readings = [minuteWith(0, report(1, 70, { status: 'held' }))];
  const { difference, causes: found } = reconcile(input({ reports: [one], readings }));
  expect(found.map(({ quantity }) => quantity)).toEqual([difference]);
});

test('a finding names the account’s reports in its minute: those accepted, or for an unconfirmed one the others', () => {
  const accepted = report(1, 70);
  const lost = report(2, 30, { status: 'sending', slot: accepted.slot });
  const ofOthers = report(3, 9, { account_id: 'b', slot: accepted.slot });
  const reportsOf = (counted: number) =>
    Object.fromEntries(
      reconcile(
        input({ reports: [accepted, lost], readings: [minuteWith(counted, accepted, lost, ofOthers)] }),
      ).causes.map(({ cause, reports }) => [cause, reports]),
    );
  expect(reportsOf(9)).toMatchObject({ not_counted: [1], waiting: [2] });
  expect(reportsOf(109)).toMatchObject({ unconfirmed: [2] });
});

test('what somebody has to look at comes first', () => {
  const [waiting, held, failed] = [
    report(1, 5, { status: 'closed' }),
    report(2, 6, { status: 'held', reason: 'too_old' }),
    report(3, 7, { status: 'failed' }),
  ];
  const found = reconcile(input({ reports: [waiting, held, failed] })).causes;
  expect(found.map(({ cause }) => cause)).toEqual(['held', 'failed', 'waiting']);
});

test('usage that is in no report yet is open, with or without a report that is', () => {
  const open = report(1, 5, { status: 'open' });
  const of = (...reports: readonly UsageReport[]) =>
    reconcile(input({ reports, unassigned: 3 })).causes.map((cause) => [
      cause.cause,
      cause.quantity,
      cause.reports,
    ]);
  expect(of(open)).toEqual([['open', 8, [1]]]);
  expect(of()).toEqual([['open', 3, []]]);
  expect(of(report(2, 4, { status: 'closed' }))).toEqual([
    ['open', 3, []],
    ['waiting', 4, [2]],
  ]);
});

describe('a period that a change cut short', () => {
  const one = report(1, 70);
  const NOTHING = { waiting: { quantity: 0, amount: 0 }, bills: [] };
  const none: InvoicedUsage = { invoices: [], isFinal: null, quantity: 0, amount: 0 };
  const found = (fields: Partial<ReconciliationInput>) =>
    reconcile(
      input({
        reports: [one],
        readings: [minuteWith(70, one)],
        invoiced: none,
        cut_short: NOTHING,
        ...fields,
      }),
    );
  const unflushed = { cause: 'unflushed_change', invoice_item: null } as const;

  test('has an invoice, or its item waits for one: nothing is missing', () => {
    expect(found({ invoiced: invoiced(70) }).causes).toEqual([]);
    const cut_short = { ...NOTHING, waiting: { quantity: 70, amount: 140 } };
    expect(found({ cut_short }).causes).toEqual([]);
  });

  test('is billed in part: the rest is missing, at the price of the whole', () => {
    const price = {
      currency: 'usd',
      tiers_mode: 'volume',
      tiers: [
        { up_to: 50, unit_amount_decimal: '4' },
        { up_to: 'inf', unit_amount_decimal: '3' },
      ],
    } as const;
    const cut_short = { ...NOTHING, waiting: { quantity: 20, amount: 80 } };
    expect(found({ price, cut_short })).toMatchObject({
      discrepancy: true,
      difference: 0,
      causes: [{ ...unflushed, quantity: 50, amount: 130, discrepancy: true }],
    });
    // 45 units at 4 cents are billed; 60 at 3 cent cost nothing more.
    const cheaper = found({
      price,
      reports: [report(1, 60)],
      readings: [minuteWith(60, report(1, 60))],
      cut_short: { ...NOTHING, waiting: { quantity: 45, amount: 180 } },
    });
    expect(cheaper).toMatchObject({
      discrepancy: false,
      causes: [{ ...unflushed, quantity: 15, amount: 0, discrepancy: false, reports: [] }],
    });
    // 55 at 3 cent cost less than 45 at 4: units are missing, and none is billed too many.
    const less = { price, cut_short: { ...NOTHING, waiting: { quantity: 45, amount: 180 } } };
    const fewer = report(1, 55);
    expect(found({ ...less, reports: [fewer], readings: [minuteWith(55, fewer)] }).causes).toMatchObject([
      { ...unflushed, quantity: 10, amount: -15, discrepancy: false },
    ]);
  });

  test('is billed by persons: that is told, and settles it', () => {
    const bills = [{ invoice_item: 'ii_1', quantity: 30, amount: 60 }];
    expect(found({ cut_short: { ...NOTHING, bills } }).causes).toMatchObject([
      { ...unflushed, quantity: 40, amount: 80, discrepancy: true },
      { ...unflushed, quantity: 30, amount: 60, discrepancy: false, invoice_item: 'ii_1' },
    ]);
    const all = [...bills, { invoice_item: 'ii_2', quantity: 40, amount: 80 }];
    const settled = found({ cut_short: { ...NOTHING, bills: all } });
    expect([settled.discrepancy, settled.causes.length]).toEqual([false, 2]);
  });

  test('is billed for more than Stripe counts', () => {
    const cut_short = { ...NOTHING, waiting: { quantity: 80, amount: 160 } };
    expect(found({ cut_short }).causes).toMatchObject([
      { cause: 'invoiced_more', quantity: -10, amount: -20, discrepancy: true },
    ]);
  });

  test('is compared by amounts where the price bills packages', () => {
    const price = { ...CENTS, transform_quantity: { divide_by: 100, round: 'up' } } as const;
    expect(found({ price }).causes).toMatchObject([{ ...unflushed, quantity: null, amount: 2 }]);
    const billed = (amount: number) =>
      found({ price, cut_short: { ...NOTHING, waiting: { quantity: 1, amount } } }).causes;
    expect(billed(2)).toEqual([]);
    expect(billed(4)).toMatchObject([{ cause: 'invoiced_more', quantity: null, amount: -2 }]);
  });

  test('is compared an hour after the change, and only where Stripe and invoices could be read', () => {
    const due = PERIOD.end + HOUR_MS;
    expect(found({ now: due - 1 }).causes).toEqual([]);
    expect(found({ now: due }).causes).toHaveLength(1);
    expect(found({ invoiced: null }).causes).toEqual([]);
    expect(found({ readings: null }).causes).toEqual([]);
  });

  test('by another customer of the account is that one’s, and looked at once its invoice was due', () => {
    const former_customer_invoiced_at = PERIOD.end + 10 * HOUR_MS;
    const billed = (fields: Partial<ReconciliationInput>) =>
      found({ former_customer_invoiced_at, ...fields });
    const former = { cause: 'former_customer', quantity: 70, amount: 140 };
    const due = former_customer_invoiced_at + HOUR_MS;
    expect(billed({ now: due - 1 }).causes).toMatchObject([{ ...former, discrepancy: false }]);
    expect(billed({ now: due }).causes).toMatchObject([{ ...former, discrepancy: true }]);
    // What others use on its subscription is on the same line.
    for (const quantity of [70, 90]) expect(billed({ invoiced: invoiced(quantity) }).causes).toEqual([]);
  });

  test('without a price that is known, somebody has to look at it all the same', () => {
    expect(found({ price: null }).causes).toMatchObject([
      { ...unflushed, quantity: 70, amount: null, discrepancy: true },
    ]);
    const bills = [{ invoice_item: 'ii_1', quantity: null, amount: 2 }];
    expect(found({ price: null, cut_short: { ...NOTHING, bills } }).causes).toMatchObject([
      { ...unflushed, quantity: null, amount: null, discrepancy: true },
      { ...unflushed, quantity: null, amount: 2, discrepancy: false, invoice_item: 'ii_1' },
    ]);
  });
});
