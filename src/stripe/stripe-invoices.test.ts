import Stripe from 'stripe';
import { expect, test } from 'vitest';
import { listInvoices } from './stripe-invoices.ts';

/** Stripe with a customer of so many pages of 100 invoices. */
function stripeOf(pages: number) {
  let asked = 0;
  const answer = async () => {
    asked += 1;
    const data = Array.from({ length: 100 }, (_, index) => invoice(`in_${asked}_${index}`));
    return Response.json({ object: 'list', url: '/v1/invoices', data, has_more: asked < pages });
  };
  const stripe = new Stripe('sk_test_1', { httpClient: Stripe.createFetchHttpClient(answer) });
  return async () => stripe;
}

function invoice(id: string) {
  return {
    id,
    object: 'invoice',
    customer: 'cus_1',
    number: null,
    status: 'paid',
    currency: 'usd',
    total: 0,
    created: 1_000,
    automatically_finalizes_at: null,
    status_transitions: { finalized_at: 1_000 },
    lines: { object: 'list', data: [], has_more: false },
  };
}

const PARAMS = { stripe_customer: 'cus_1', created_from: 0 };

test('invoices are read page by page', async () => {
  const read = await listInvoices(stripeOf(12), PARAMS);
  expect(read.outcome === 'read' && read.invoices.length).toBe(1_200);
});

test('of more invoices than are read none is told: the one in question could be missing', async () => {
  expect(await listInvoices(stripeOf(101), PARAMS)).toMatchObject({
    outcome: 'unknown',
    message: expect.stringContaining('more than 10000 invoices'),
  });
});
