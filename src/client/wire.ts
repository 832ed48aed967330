import type { z } from 'zod';
import type { accountDetails, accountResult, accountSettings, accountsPage } from '../http/wire/accounts.ts';
import type { problem } from '../http/wire/common.ts';
import type { invoicesPage } from '../http/wire/invoices.ts';
import type { limitResult } from '../http/wire/limits.ts';
import type { planPreview } from '../http/wire/plan-preview.ts';
import type { costResult, plansResult } from '../http/wire/price.ts';
import type {
  adjustment,
  decisionResult,
  invoiceExplanation,
  reconciliationPage,
  reportExplanation,
  reportsPage,
  resolveParams,
  retryParams,
  unflushedBill,
  unflushedBillResult,
} from '../http/wire/reports.ts';
import type { seatsAdded, seatsResult, seatsSetting } from '../http/wire/seats.ts';
import type {
  cancellation,
  changeResult,
  checkout,
  checkoutResult,
  newSubscription,
  planChange,
  portal,
  portalResult,
  previewedChange,
  subscriptionResult,
} from '../http/wire/subscription.ts';
import type { newToken, tokenResult, tokenRevocation } from '../http/wire/tokens.ts';
import type {
  batchResult,
  increment,
  incrementResult,
  ratedAmount,
  usageByMeter,
  usageResult,
  windowsResult,
} from '../http/wire/usage.ts';
import type { webhookRetry, webhooksPage } from '../http/wire/webhooks.ts';

// What the server checks is what is written here: these types come from its own schemas, which stay behind.

/** Problem details (RFC 9457), as the server answers them. */
export type Problem = z.output<typeof problem>;

/** One increment, as `usage.increment` takes it. */
export type Increment = z.input<typeof increment>;
export type IncrementResult = z.output<typeof incrementResult>;
export type BatchResult = z.output<typeof batchResult>;

/** What an account used of one meter. */
export type UsageResult = z.output<typeof usageResult>;
/** One entry per meter. */
export type UsageByMeterResult = z.output<typeof usageByMeter>;
/** Usage hour by hour, day by day or month by month. */
export type UsageWindowsResult = z.output<typeof windowsResult>;
/** What the billing period costs so far, with the price and the limit. */
export type CostResult = z.output<typeof costResult>;
export type RatedAmount = z.output<typeof ratedAmount>;
export type Price = NonNullable<CostResult['price']>;
export type PlansResult = z.output<typeof plansResult>;
export type PublicPlan = PlansResult['plans'][number];

/** What a change of the plan is asked to be. */
export type PreviewedChange = z.input<typeof previewedChange>;
/** What it would cost: now, next, and by the unit. */
export type PlanPreview = z.output<typeof planPreview>;
export type PlanChange = z.input<typeof planChange>;
export type ChangeResult = z.output<typeof changeResult>;

/** What bills an account, as it was last read from Stripe. */
export type Subscription = z.output<typeof subscriptionResult>;
export type NewSubscription = z.input<typeof newSubscription>;
export type Checkout = z.input<typeof checkout>;
export type CheckoutResult = z.output<typeof checkoutResult>;
export type Portal = z.input<typeof portal>;
export type PortalResult = z.output<typeof portalResult>;
export type Cancellation = z.input<typeof cancellation>;

export type SeatsSetting = z.input<typeof seatsSetting>;
export type SeatsAdded = z.input<typeof seatsAdded>;
export type SeatsResult = z.output<typeof seatsResult>;
/** Whether a plan includes what is about to be used. */
export type LimitResult = z.output<typeof limitResult>;

/** Some of what an account was billed, newest first. */
export type InvoicesPage = z.output<typeof invoicesPage>;
/** An invoice as its customer sees it. Amounts are minor units. */
export type Invoice = InvoicesPage['invoices'][number];
export type InvoiceLine = Invoice['lines'][number];

/** An account with what Stripe said of it last. */
export type AccountDetails = z.output<typeof accountDetails>;
export type AccountResult = z.output<typeof accountResult>;
export type AccountSettings = z.input<typeof accountSettings>;
export type AccountsPage = z.output<typeof accountsPage>;

export type ReportsPage = z.output<typeof reportsPage>;
export type RetryReportParams = z.input<typeof retryParams>;
export type ResolveReportParams = z.input<typeof resolveParams>;
export type DecisionResult = z.output<typeof decisionResult>;
export type Adjustment = z.input<typeof adjustment>;
export type ReportExplanation = z.output<typeof reportExplanation>;
export type InvoiceExplanation = z.output<typeof invoiceExplanation>;
export type UnflushedBill = z.input<typeof unflushedBill>;
export type UnflushedBillResult = z.output<typeof unflushedBillResult>;
export type ReconciliationPage = z.output<typeof reconciliationPage>;

/** The events that Stripe sent. */
export type WebhooksPage = z.output<typeof webhooksPage>;
export type WebhookRetry = z.input<typeof webhookRetry>;

export type NewToken = z.input<typeof newToken>;
export type TokenResult = z.output<typeof tokenResult>;
export type TokenRevocation = z.input<typeof tokenRevocation>;
