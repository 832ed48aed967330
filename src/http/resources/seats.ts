import { z } from '@hono/zod-openapi';
import type { UsageErrorCode } from '../../core/errors.ts';
import { defineRoute, type Route } from '../route.ts';
import { account } from '../wire/common.ts';
import { seatsAdded, seatsResult, seatsSetting } from '../wire/seats.ts';

const changing = { scope: 'admin', browser_token: false, account: 'one' } as const;
const READING_ERRORS: readonly UsageErrorCode[] = [
  'invalid_account',
  'account_not_found',
  'subscription_not_found',
  'several_subscriptions',
  'seats_not_sold',
  'stripe_customer_deleted',
  'stripe_refused',
  'stripe_unavailable',
];
const CHANGING_ERRORS: readonly UsageErrorCode[] = [
  ...READING_ERRORS,
  'collection_paused',
  'change_pending',
  'payment_method_missing',
  'payment_failed',
  'payment_action_required',
];

export const SEATS: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/seats',
    operation_id: 'getSeats',
    summary: 'Read the seats of an account',
    description: 'Stripe is asked.',
    access: { scope: 'read', browser_token: true, account: 'one' },
    asks_stripe: true,
    query: z.strictObject({ account }),
    answer: seatsResult,
    errors: READING_ERRORS,
    handle: ({ query }, { service }) => service.seats.get(query),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/seats',
    operation_id: 'setSeats',
    summary: 'Make it so many seats',
    description: 'Invoiced at once, in proportion to the rest of the billing period.',
    access: changing,
    body: { schema: seatsSetting },
    answer: seatsResult,
    errors: [...CHANGING_ERRORS, 'seats_changed'],
    handle: ({ body }, { service }) => service.seats.set(body),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/seats/add',
    operation_id: 'addSeats',
    summary: 'Add seats, or take some away',
    description:
      'To however many there are: requests that come at once all count. So does one that is sent again: after an answer that never came, read the seats and set them with `expected`.',
    access: changing,
    body: { schema: seatsAdded },
    answer: seatsResult,
    errors: CHANGING_ERRORS,
    handle: ({ body }, { service }) => service.seats.add(body),
  }),
];
