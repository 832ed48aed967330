import type { JsonObject } from './json.ts';
import { readParams } from './params.ts';
import type { Route } from './route.ts';

export const ACCOUNT_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/account',
    handle: (_, { params }) => {
      readParams(params, {});
      return ACCOUNT;
    },
  },
];

/** The one account that is simulated. */
const ACCOUNT: JsonObject = {
  id: 'acct_simulated',
  object: 'account',
  charges_enabled: true,
  country: 'US',
  default_currency: 'usd',
  details_submitted: true,
  email: null,
  payouts_enabled: true,
  type: 'standard',
};
