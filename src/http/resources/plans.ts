import { UsageError, type UsageErrorCode } from '../../core/errors.ts';
import type { Caller } from '../access/caller.ts';
import { defineRoute, type Route } from '../route.ts';
import type { HttpService } from '../service.ts';
import { planPreview } from '../wire/plan-preview.ts';
import { plansResult } from '../wire/price.ts';
import { changeResult, planChange, previewedChange } from '../wire/subscription.ts';

const PLANNING_ERRORS: readonly UsageErrorCode[] = [
  'invalid_account',
  'invalid_plan',
  'account_not_found',
  'subscription_not_found',
  'several_subscriptions',
  'collection_paused',
  'change_pending',
  'classic_subscription',
  'seats_not_sold',
  'price_not_found',
  'currency_mismatch',
  'tiers_mode_change',
  'stripe_customer_deleted',
  'stripe_mode_mismatch',
  'stripe_refused',
  'stripe_unavailable',
];

export const PLANS: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/plans',
    operation_id: 'listPlans',
    summary: 'List plans',
    description:
      'Those that are listed; a key or token that is restricted to an account sees the plan of that account as well.',
    access: { scope: 'read', browser_token: true, account: 'none' },
    answer: plansResult,
    errors: [],
    handle: ({ caller }, { service }) => service.plans.list(caller),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/plans/preview',
    operation_id: 'previewPlan',
    summary: 'Read what a change of the plan would cost',
    description:
      'Now, next, and by the unit. Nothing is changed. Browser tokens see the plans that are listed.',
    access: { scope: 'read', browser_token: true, account: 'one' },
    asks_stripe: true,
    body: { schema: previewedChange },
    answer: planPreview,
    errors: [...PLANNING_ERRORS, 'quantity_overflow', 'amount_overflow'],
    handle: async ({ body, caller }, { service }) => {
      await refuseHiddenPlan(body.plan, caller, service);
      return await service.plans.preview(body);
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/plans/change',
    operation_id: 'changePlan',
    summary: 'Put an account on another plan',
    description:
      'What was used until the request is invoiced at the present prices, what is used afterwards has the new ones. Answers `pending` where Stripe has not counted all of it yet.',
    access: { scope: 'admin', browser_token: false, account: 'one' },
    body: { schema: planChange },
    answer: changeResult,
    errors: [
      ...PLANNING_ERRORS,
      'usage_unproven',
      'payment_method_missing',
      'payment_failed',
      'payment_action_required',
    ],
    handle: ({ body }, { service }) => service.plans.change(body),
  }),
];

/** What a page cannot list, it cannot look up by name either; the names are not told. */
async function refuseHiddenPlan(
  plan: string,
  caller: Caller,
  service: Pick<HttpService, 'plans'>,
): Promise<void> {
  if (caller.kind !== 'token') return;
  const { plans } = await service.plans.list(caller);
  if (plans.some((listed) => listed.plan === plan)) return;
  throw new UsageError('invalid_plan', { field: 'plan', value: plan });
}
