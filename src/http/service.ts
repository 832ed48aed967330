import type { z } from '@hono/zod-openapi';
import type { Caller } from './access/caller.ts';
import type { accountDetails, accountResult, accountsPage } from './wire/accounts.ts';
import type { invoicesPage } from './wire/invoices.ts';
import type { limitResult } from './wire/limits.ts';
import type { planPreview } from './wire/plan-preview.ts';
import type { costResult, plansResult } from './wire/price.ts';
import type {
  decisionResult,
  invoiceExplanation,
  reconciliationPage,
  reportExplanation,
  reportsPage,
  unflushedBillResult,
} from './wire/reports.ts';
import type { seatsResult } from './wire/seats.ts';
import type { changeResult, checkoutResult, portalResult, subscriptionResult } from './wire/subscription.ts';
import type { tokenResult } from './wire/tokens.ts';
import type { incrementResult, usageByMeter, usageResult, windowsResult } from './wire/usage.ts';
import type { webhooksPage } from './wire/webhooks.ts';

type Method<Answer extends z.ZodType> = (params: unknown) => Promise<z.input<Answer>>;

/**
 * What the routes call: the methods of `usage`, whose answers are held to the wire schemas by the compiler. They check
 * their parameters themselves.
 */
export interface HttpService {
  readonly increment: Method<typeof incrementResult>;
  readonly adjust: Method<typeof incrementResult>;
  readonly get: (params: unknown) => Promise<z.input<typeof usageResult> | z.input<typeof usageByMeter>>;
  readonly windows: Method<typeof windowsResult>;
  readonly cost: Method<typeof costResult>;
  readonly plans: {
    /** What may be seen of the plans. */
    readonly list: (caller: Caller) => Promise<z.input<typeof plansResult>>;
    readonly preview: Method<typeof planPreview>;
    readonly change: Method<typeof changeResult>;
  };
  readonly subscriptions: {
    readonly get: Method<typeof subscriptionResult>;
    readonly checkout: Method<typeof checkoutResult>;
    readonly create: Method<typeof subscriptionResult>;
    readonly portal: Method<typeof portalResult>;
    readonly cancel: Method<typeof changeResult>;
    readonly resume: (params: unknown) => Promise<void>;
    readonly pause: (params: unknown) => Promise<void>;
    /** null = there was none. */
    readonly lastChange: (params: unknown) => Promise<z.input<typeof changeResult> | null>;
    readonly billUnflushed: Method<typeof unflushedBillResult>;
  };
  readonly seats: {
    readonly get: Method<typeof seatsResult>;
    readonly set: Method<typeof seatsResult>;
    readonly add: Method<typeof seatsResult>;
  };
  readonly limits: {
    readonly check: Method<typeof limitResult>;
  };
  readonly invoices: {
    readonly list: Method<typeof invoicesPage>;
  };
  readonly accounts: {
    readonly set: Method<typeof accountResult>;
    readonly get: Method<typeof accountDetails>;
    readonly list: Method<typeof accountsPage>;
    readonly sync: Method<typeof subscriptionResult>;
  };
  readonly reports: {
    readonly list: Method<typeof reportsPage>;
    readonly retry: Method<typeof decisionResult>;
    readonly resolve: Method<typeof decisionResult>;
  };
  readonly reconcile: Method<typeof reconciliationPage>;
  readonly explainReport: Method<typeof reportExplanation>;
  readonly explainInvoice: Method<typeof invoiceExplanation>;
  readonly tokens: {
    readonly create: Method<typeof tokenResult>;
    readonly revoke: (params: unknown) => Promise<void>;
  };
  readonly webhooks: {
    readonly list: Method<typeof webhooksPage>;
    readonly retry: (params: unknown) => Promise<void>;
  };
  readonly webhook: (request: Request) => Promise<Response>;
  /** Resolves when the database has answered. */
  readonly ping: () => Promise<void>;
}
