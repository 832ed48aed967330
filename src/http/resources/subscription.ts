import { z } from '@hono/zod-openapi';
import type { UsageErrorCode } from '../../core/errors.ts';
import { refuseForeignUrls } from '../return-url.ts';
import { defineRoute, type Route } from '../route.ts';
import { account, orNull } from '../wire/common.ts';
import {
  cancellation,
  changeResult,
  checkout,
  checkoutResult,
  newSubscription,
  portal,
  portalResult,
  resumption,
  subscriptionResult,
} from '../wire/subscription.ts';

const readable = { scope: 'read', browser_token: true, account: 'one' } as const;
const changing = { scope: 'admin', browser_token: false, account: 'one' } as const;
const ofAccount = z.strictObject({ account });
const PAYING_ERRORS: readonly UsageErrorCode[] = [
  'invalid_account',
  'stripe_customer_deleted',
  'stripe_refused',
  'stripe_unavailable',
];
const CHANGING_ERRORS: readonly UsageErrorCode[] = [
  ...PAYING_ERRORS,
  'account_not_found',
  'subscription_not_found',
  'several_subscriptions',
];

const SUBSCRIBING_ERRORS: readonly UsageErrorCode[] = [
  ...PAYING_ERRORS,
  'account_not_found',
  'invalid_plan',
  'seats_not_sold',
  'already_subscribed',
  'price_not_found',
  'currency_mismatch',
  'stripe_mode_mismatch',
];

export const SUBSCRIPTION: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/subscription',
    operation_id: 'getSubscription',
    summary: 'Read what bills an account',
    description: 'As it was last read from Stripe.',
    access: readable,
    query: ofAccount,
    answer: subscriptionResult,
    errors: ['invalid_account', 'account_not_found'],
    handle: ({ query }, { service }) => service.subscriptions.get(query),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/subscription/change',
    operation_id: 'getLastChange',
    summary: 'Read the change of a subscription that was asked for last',
    description: '`null`: there was none.',
    access: readable,
    query: ofAccount,
    answer: orNull(changeResult),
    errors: ['invalid_account', 'account_not_found'],
    handle: async ({ query, caller }, { service }) => {
      const change = await service.subscriptions.lastChange(query);
      // What went wrong is for the operator: the account's own page does not show it.
      return change && caller.kind === 'token' ? { ...change, reason: null } : change;
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/subscription',
    operation_id: 'createSubscription',
    summary: 'Subscribe an account with the payment method that its customer has',
    description:
      'Safe to repeat: a subscription that an earlier request made is found. `status` and `action` say what is left to do. The header `Idempotency-Key` is the same as `idempotency_key`.',
    access: changing,
    body: { schema: newSubscription },
    answer: subscriptionResult,
    errors: [...SUBSCRIBING_ERRORS, 'payment_method_missing', 'payment_failed', 'payment_action_required'],
    handle: ({ body }, { service }) => service.subscriptions.create(body),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/subscription/checkout',
    operation_id: 'openCheckout',
    summary: "Open a page of Stripe's on which the customer subscribes to a plan",
    description: 'Repeated requests give the same page while it is open.',
    access: changing,
    body: { schema: checkout },
    answer: checkoutResult,
    errors: SUBSCRIBING_ERRORS,
    handle: async ({ body, caller }, { service, allowed_origins }) => {
      const { success_url, cancel_url } = body;
      refuseForeignUrls({ success_url, cancel_url }, caller, allowed_origins);
      return await service.subscriptions.checkout(body);
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/subscription/portal',
    operation_id: 'openPortal',
    summary: "Open a page of Stripe's with invoices and payment methods",
    description: 'Cancelling to the period’s end is possible there; prices cannot be switched.',
    access: changing,
    body: { schema: portal },
    answer: portalResult,
    errors: [...PAYING_ERRORS, 'account_not_found', 'subscription_not_found'],
    handle: async ({ body, caller }, { service, allowed_origins }) => {
      refuseForeignUrls({ return_url: body.return_url }, caller, allowed_origins);
      return await service.subscriptions.portal(body);
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/subscription/cancel',
    operation_id: 'cancelSubscription',
    summary: 'End a subscription, with its billing period or now',
    access: changing,
    body: { schema: cancellation },
    answer: changeResult,
    errors: [...CHANGING_ERRORS, 'collection_paused', 'change_pending', 'usage_unproven'],
    handle: ({ body }, { service }) => service.subscriptions.cancel(body),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/subscription/resume',
    operation_id: 'resumeSubscription',
    summary: 'Take back a cancellation at the period’s end, and a pause',
    access: changing,
    description: 'The invoices of a pause are collected then, unless they are to be kept as drafts.',
    body: { schema: resumption },
    errors: CHANGING_ERRORS,
    handle: async ({ body }, { service }) => {
      await service.subscriptions.resume(body);
      return undefined;
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/subscription/pause',
    operation_id: 'pauseSubscription',
    summary: 'Pause the collection of payments',
    description: 'Usage is counted and reported as before, and invoices stay drafts.',
    access: changing,
    body: { schema: ofAccount.openapi('Pause') },
    errors: [...CHANGING_ERRORS, 'subscription_ending'],
    handle: async ({ body }, { service }) => {
      await service.subscriptions.pause(body);
      return undefined;
    },
  }),
];
