import { ACCOUNTS } from './resources/accounts.ts';
import { EVENTS } from './resources/events.ts';
import { INCREMENTS } from './resources/increments.ts';
import { INVOICES } from './resources/invoices.ts';
import { LIMITS } from './resources/limits.ts';
import { PLANS } from './resources/plans.ts';
import { REPORTS } from './resources/reports.ts';
import { SEATS } from './resources/seats.ts';
import { SUBSCRIPTION } from './resources/subscription.ts';
import { TOKENS } from './resources/tokens.ts';
import { USAGE } from './resources/usage.ts';
import { WEBHOOKS } from './resources/webhooks.ts';
import type { Route } from './route.ts';

/** Every route that needs a key or a token: what is not here is not served, and what is here is documented and tested. */
export const RESOURCES: readonly Route[] = [
  ...INCREMENTS,
  ...USAGE,
  ...PLANS,
  ...SUBSCRIPTION,
  ...SEATS,
  ...LIMITS,
  ...INVOICES,
  ...ACCOUNTS,
  ...REPORTS,
  ...EVENTS,
  ...TOKENS,
  ...WEBHOOKS,
];
