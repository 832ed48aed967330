import { expect, test } from 'vitest';
import { DAY_MS } from './instant.ts';
import { type Invoice, type InvoiceLine, invoicedUsage } from './invoice.ts';

const PERIOD = { start: Date.UTC(2026, 0, 10), end: Date.UTC(2026, 1, 10) };
const ITEMS = [{ stripe_subscription_item: 'si_1' }];

function line(fields: Partial<InvoiceLine> = {}): InvoiceLine {
  return {
    stripe_subscription_item: 'si_1',
    description: '70 × Credits',
    period: PERIOD,
    quantity: 70,
    amount: 140,
    ...fields,
  };
}

function invoice(fields: Partial<Invoice> = {}): Invoice {
  return {
    invoice: 'in_1',
    stripe_customer: 'cus_1',
    number: null,
    status: 'paid',
    currency: 'usd',
    total: 140,
    created_at: PERIOD.end,
    finalizes_at: null,
    finalized_at: PERIOD.end + 1,
    lines: [line()],
    ...fields,
  };
}

const usageOf = (...invoices: readonly Invoice[]) => invoicedUsage(invoices, ITEMS, PERIOD);

test('the lines of the period’s items are added up, over tiers and invoices', () => {
  const tiers = [line(), line({ quantity: 5, amount: 8 }), line({ quantity: null, amount: 100 })];
  expect(usageOf(invoice({ lines: tiers }), invoice({ invoice: 'in_2' }))).toMatchObject({
    isFinal: true,
    quantity: 145,
    amount: 388,
    invoices: [{ invoice: 'in_1' }, { invoice: 'in_2' }],
  });
});

test.each<[string, Invoice]>([
  ['of another item', invoice({ lines: [line({ stripe_subscription_item: 'si_2' })] })],
  ['of no item', invoice({ lines: [line({ stripe_subscription_item: null })] })],
  ['of the period before', invoice({ lines: [line({ period: { ...PERIOD, start: PERIOD.start - 1 } })] })],
  ['of the period after', invoice({ lines: [line({ period: { ...PERIOD, end: PERIOD.end + 1 } })] })],
  ['made before the period was over', invoice({ created_at: PERIOD.end - 1 })],
  ['on a void invoice', invoice({ status: 'void' })],
])('a line %s bills nothing of it', (_what, other) => {
  expect(usageOf(other)).toEqual({ invoices: [], isFinal: null, quantity: 0, amount: 0 });
});

test('usage is final when all of its invoices are', () => {
  const draft = invoice({ status: 'draft', finalized_at: null });
  expect(usageOf(draft).isFinal).toBe(false);
  expect(usageOf(invoice(), draft).isFinal).toBe(false);
  expect(usageOf(invoice({ created_at: PERIOD.end + DAY_MS })).isFinal).toBe(true);
});
