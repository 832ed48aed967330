import { z } from '@hono/zod-openapi';
import { UsageError } from '../../core/errors.ts';
import type { Caller } from '../access/caller.ts';
import { defineRoute, type Route } from '../route.ts';
import { accountDetails, accountResult, accountSettings, accountsPage } from '../wire/accounts.ts';
import { account, after, limit } from '../wire/common.ts';
import { subscriptionResult } from '../wire/subscription.ts';

export const ACCOUNTS: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/account',
    operation_id: 'getAccount',
    summary: 'Read an account',
    access: { scope: 'read', browser_token: false, account: 'one' },
    query: z.strictObject({ account }),
    answer: accountDetails,
    errors: ['invalid_account', 'account_not_found'],
    handle: ({ query }, { service }) => service.accounts.get(query),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/account',
    operation_id: 'setAccount',
    summary: 'Create or change an account',
    description:
      'Fields that are left out stay as they are. Which Stripe customer it is, a key that is restricted to an account does not say.',
    access: { scope: 'admin', browser_token: false, account: 'one' },
    body: { schema: accountSettings },
    answer: accountResult,
    errors: [
      'invalid_account',
      'invalid_plan',
      'invalid_stripe_customer',
      'stripe_customer_taken',
      'subscription_not_found',
      'stripe_customer_deleted',
      'stripe_mode_mismatch',
      'stripe_refused',
      'stripe_unavailable',
      'account_not_found',
    ],
    handle: async ({ body, caller }, { service }) => {
      refuseLink(body, caller);
      return await service.accounts.set(body);
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/account/sync',
    operation_id: 'syncAccount',
    summary: 'Read from Stripe now what bills an account',
    description: 'Webhooks and the report job would do it later.',
    access: { scope: 'admin', browser_token: false, account: 'one' },
    body: { schema: z.strictObject({ account }).openapi('AccountSync') },
    answer: subscriptionResult,
    errors: [
      'invalid_account',
      'account_not_found',
      'stripe_customer_deleted',
      'stripe_mode_mismatch',
      'stripe_refused',
      'stripe_unavailable',
    ],
    handle: ({ body }, { service }) => service.accounts.sync(body),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/accounts',
    operation_id: 'listAccounts',
    summary: 'List accounts',
    description: 'In the order of their ids.',
    access: { scope: 'read', browser_token: false, account: 'all' },
    query: z.strictObject({ after, limit }),
    answer: accountsPage,
    errors: ['invalid_account'],
    handle: ({ query }, { service }) => service.accounts.list(query),
  }),
];

/**
 * A customer brings its invoices, payment methods and subscriptions along, and may be somebody else's: whoever may know of
 * one account only does not choose it, nor learns by trying which are taken.
 */
function refuseLink(
  { stripe_customer, stripe_subscription }: z.output<typeof accountSettings>,
  { account: own }: Caller,
): void {
  if (own === null || (stripe_customer === undefined && stripe_subscription === undefined)) return;
  const field = stripe_customer === undefined ? 'stripe_subscription' : 'stripe_customer';
  const reason = 'The key is restricted to an account, and the Stripe customer may be that of another.';
  throw new UsageError('forbidden', { field, reason });
}
