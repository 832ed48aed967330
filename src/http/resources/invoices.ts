import { z } from '@hono/zod-openapi';
import { defineRoute, type Route } from '../route.ts';
import { account, after } from '../wire/common.ts';
import { invoiceLimit, invoicesPage } from '../wire/invoices.ts';

export const INVOICES: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/invoices',
    operation_id: 'listInvoices',
    summary: 'List what an account was billed',
    description:
      'Newest first, each with its lines. Stripe is asked; invoices that bill nothing are left out, so that a page may have fewer than its limit.',
    access: { scope: 'read', browser_token: true, account: 'one' },
    asks_stripe: true,
    query: z.strictObject({ account, after, limit: invoiceLimit }),
    answer: invoicesPage,
    errors: [
      'invalid_account',
      'account_not_found',
      'stripe_customer_deleted',
      'stripe_refused',
      'stripe_unavailable',
    ],
    handle: ({ query }, { service }) => service.invoices.list(query),
  }),
];
