import { describe, expect, test } from 'vitest';
import { itemFrom } from '../testing/store-scene.ts';
import { billingPeriodAt } from './billing-period.ts';
import { DAY_MS, formatInstant } from './instant.ts';
import type { InvoicedUsage } from './invoice.ts';
import type { InvoiceItem } from './invoice-item.ts';
import { billedSoFar, cutShortBilling, invoicedSpan } from './unflushed-change.ts';

const START = Date.UTC(2026, 0, 10, 12);
const CUT = START + DAY_MS;
const ended = itemFrom(START, { ended_at: CUT });
const next = itemFrom(START, { stripe_price: 'price_2', started_at: CUT, billed_from: CUT + 4_000 });
const timeline = (...items: readonly (typeof ended)[]) => ({ created_at: START, items });
const period = billingPeriodAt(timeline(ended, next), START);

const itemOf = (fields: Partial<InvoiceItem> = {}): InvoiceItem => ({
  invoice_item: 'ii_1',
  invoice: null,
  stripe_subscription_item: 'si_1',
  period: { start: START, end: CUT },
  quantity: 10,
  amount: 20,
  bill: null,
  ...fields,
});

const bill = {
  key: 'tbb_1',
  account_id: 'a',
  meter: 'credits',
  period_start: formatInstant(START),
  quantity: 3,
};

describe('the lines that bill a period', () => {
  test('end with it, unless a change cut it short', () => {
    const whole = billingPeriodAt(timeline(itemFrom(START)), START);
    expect(invoicedSpan(whole, timeline(itemFrom(START)))).toEqual({ start: whole.start, end: whole.end });
  });

  test('end at the latest where the next item bills, or at any time', () => {
    expect(period).toMatchObject({ end: CUT, is_cut_short: true });
    expect(invoicedSpan(period, timeline(ended, next))).toEqual({ start: START, end: CUT + 4_000 });
    expect(invoicedSpan(period, timeline(ended, { ...next, billed_from: CUT })).end).toBe(CUT);
    expect(invoicedSpan(period, timeline(ended)).end).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('invoice items', () => {
  const span = { start: START, end: CUT };
  const billing = (...items: readonly InvoiceItem[]) =>
    cutShortBilling(items, { account_id: 'a', meter: 'credits', period, span });

  test('of Stripe wait where they are of the period’s item and time, and on no invoice', () => {
    expect(billing(itemOf(), itemOf({ quantity: null, amount: 1 })).waiting).toEqual({
      quantity: 10,
      amount: 21,
    });
    const both = { ...period, items: [{ ...ended, stripe_subscription_item: 'si_2' }, ended] };
    expect(
      cutShortBilling([itemOf()], { account_id: 'a', meter: 'credits', period: both, span }).waiting,
    ).toEqual({ quantity: 10, amount: 20 });
    for (const other of [
      { invoice: 'in_1' },
      { stripe_subscription_item: 'si_2' },
      { stripe_subscription_item: null },
      { period: { start: START - 1, end: CUT } },
      { period: { start: START, end: CUT + 1 } },
      { bill },
    ]) {
      expect(billing(itemOf(other)).waiting).toEqual({ quantity: 0, amount: 0 });
    }
  });

  test('of ours settle the account’s period that they say, on an invoice or not', () => {
    const ours = itemOf({ bill, stripe_subscription_item: null, amount: 6 });
    const expected = [{ invoice_item: 'ii_1', amount: 6, quantity: 3 }];
    expect(billing(ours).bills).toEqual(expected);
    expect(billing({ ...ours, invoice: 'in_1' }).bills).toEqual(expected);
    for (const other of [
      { account_id: 'b' },
      { meter: 'tokens' },
      { period_start: formatInstant(START + 1_000) },
    ]) {
      expect(billing({ ...ours, bill: { ...bill, ...other } }).bills).toEqual([]);
    }
  });
});

test('all that bills a period adds up; packages have no number of units', () => {
  const invoiced: InvoicedUsage = { invoices: [], isFinal: true, quantity: 5, amount: 10 };
  const waiting = { quantity: 10, amount: 20 };
  const one = { invoice_item: 'ii_1', quantity: 3, amount: 6 };
  expect(billedSoFar({ waiting, bills: [one, one] }, invoiced)).toEqual({ quantity: 21, amount: 42 });
  expect(billedSoFar({ waiting, bills: [{ ...one, quantity: null }] }, invoiced)).toEqual({
    quantity: null,
    amount: 36,
  });
});
