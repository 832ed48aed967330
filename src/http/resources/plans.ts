import { defineRoute, type Route } from '../route.ts';
import { plansResult } from '../wire/price.ts';

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
    handle: ({ caller }, { service }) => service.plans(caller),
  }),
];
