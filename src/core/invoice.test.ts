import { describe, expect, test } from 'vitest';
import { type Invoice, type InvoiceLine, invoicedUsage, isUsageLine, ratesUsage } from './invoice.ts';

const PERIOD = { start: 1_000, end: 2_000 };
const ITEMS = [{ stripe_subscription_item: 'si_1' }, { stripe_subscription_item: 'si_2' }];

const lineOf = (fields: Partial<InvoiceLine> = {}): InvoiceLine => ({
  stripe_subscription_item: 'si_1',
  is_invoice_item: false,
  description: 'Credits',
  period: PERIOD,
  quantity: 10,
  unit_amount_decimal: null,
  amount: 20,
  ...fields,
});

const invoiceOf = (lines: readonly InvoiceLine[], fields: Partial<Invoice> = {}) =>
  ({
    invoice: 'in_1',
    stripe_customer: 'cus_1',
    number: null,
    status: 'paid',
    currency: 'usd',
    total: 20,
    created_at: 2_000,
    finalized_at: 3_000,
    lines,
    ...fields,
  }) as Invoice;

const isUsage = (line: InvoiceLine, created_at = 2_000) =>
  isUsageLine(invoiceOf([line], { created_at }), line, ITEMS, PERIOD);

describe('a line bills the usage of a period', () => {
  test('where it is of one of the items, wholly inside the period, and made when that was over', () => {
    expect(isUsage(lineOf())).toBe(true);
    expect(isUsage(lineOf({ stripe_subscription_item: 'si_2' }))).toBe(true);
    expect(isUsage(lineOf({ period: { start: 1_200, end: 1_800 } }), 1_800)).toBe(true);
  });

  test('and otherwise does not', () => {
    for (const fields of [
      { stripe_subscription_item: 'si_3' },
      { stripe_subscription_item: null },
      { period: { start: 999, end: 2_000 } },
      { period: { start: 1_000, end: 2_001 } },
    ]) {
      expect(isUsage(lineOf(fields), 9_000)).toBe(false);
    }
    expect(isUsage(lineOf(), 1_999)).toBe(false);
  });

  test('that a change cut short, also where Stripe made the change later than it was asked for', () => {
    const cut = (start: number, end: number, created_at = end) => {
      const line = lineOf({ period: { start, end } });
      const period = { ...PERIOD, is_cut_short: true };
      return isUsageLine(invoiceOf([line], { created_at }), line, ITEMS, period);
    };
    expect(cut(1_000, 2_300)).toBe(true);
    expect(cut(1_999, 2_300)).toBe(true);
    expect(cut(2_000, 2_300)).toBe(false);
    expect(cut(999, 2_300)).toBe(false);
    expect(cut(1_000, 2_300, 2_299)).toBe(false);
  });
});

describe('what is invoiced', () => {
  const usageOf = (...invoices: readonly Invoice[]) => {
    const { invoices: found, ...usage } = invoicedUsage(invoices, ITEMS, PERIOD);
    return { ...usage, found: found.map(({ invoice }) => invoice) };
  };

  test('is the sum of the lines that bill usage, on however many invoices', () => {
    const tiers = [
      lineOf(),
      lineOf({ quantity: null, amount: 5 }),
      lineOf({ stripe_subscription_item: 'si_3' }),
    ];
    const other = invoiceOf([lineOf({ quantity: 1, amount: 2 })], { invoice: 'in_2' });
    expect(usageOf(invoiceOf(tiers), other)).toEqual({
      isFinal: true,
      quantity: 11,
      amount: 27,
      found: ['in_1', 'in_2'],
    });
  });

  test('is not final as long as one of the invoices is a draft', () => {
    const draft = invoiceOf([lineOf()], { invoice: 'in_2', status: 'draft', finalized_at: null });
    expect(usageOf(invoiceOf([lineOf()]), draft)).toMatchObject({ isFinal: false, quantity: 20, amount: 40 });
  });

  test('is nothing on void invoices, and on those of other things', () => {
    const nothing = { isFinal: null, quantity: 0, amount: 0, found: [] };
    expect(usageOf()).toEqual(nothing);
    const ofOthers = invoiceOf([lineOf({ stripe_subscription_item: null })]);
    expect(usageOf(invoiceOf([lineOf()], { status: 'void' }), ofOthers, invoiceOf([]))).toEqual(nothing);
  });
});

test('usage is rated anew on drafts, and not by what an invoice item has made of it', () => {
  const isRated = (line: Partial<InvoiceLine>, finalized_at: number | null = null) =>
    ratesUsage(invoiceOf([lineOf(line)], { created_at: 4_000, finalized_at }), ITEMS, {
      ...PERIOD,
      is_cut_short: true,
    });
  expect(isRated({})).toBe(true);
  expect(isRated({}, 3_000)).toBe(false);
  expect(isRated({ is_invoice_item: true })).toBe(false);
  expect(isRated({ stripe_subscription_item: 'si_3' })).toBe(false);
  expect(isRated({ period: { start: 1_000, end: 4_000 } })).toBe(false);
});
