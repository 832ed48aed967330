import { ACCOUNTS } from './resources/accounts.ts';
import { EVENTS } from './resources/events.ts';
import { INCREMENTS } from './resources/increments.ts';
import { PLANS } from './resources/plans.ts';
import { REPORTS } from './resources/reports.ts';
import { TOKENS } from './resources/tokens.ts';
import { USAGE } from './resources/usage.ts';
import type { Route } from './route.ts';

/** Every route that needs a key or a token: what is not here is not served, and what is here is documented and tested. */
export const RESOURCES: readonly Route[] = [
  ...INCREMENTS,
  ...USAGE,
  ...PLANS,
  ...ACCOUNTS,
  ...REPORTS,
  ...EVENTS,
  ...TOKENS,
];
