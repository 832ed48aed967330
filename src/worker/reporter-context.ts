import type { BillingProvider } from '../core/billing-provider.ts';
import type { Environment, Instant } from '../core/environment.ts';
import type { LateUsagePolicy } from '../core/late-usage.ts';
import type { Plans } from '../core/plan.ts';
import type { Store } from '../core/store.ts';

/** What became of the reports of one run. */
export interface ReportCounts {
  /** Accepted by Stripe. */
  reported: number;
  /** Proven by Stripe's count. */
  verified: number;
  /** Refused or rejected by Stripe, with its words in `last_error`. */
  failed: number;
  /** Waiting for a person, or for a second price to go away. */
  held: number;
  /** Free, in trial, or without a price: never sent. */
  not_billable: number;
  /** Waiting for a subscription, for Stripe to answer, or for Stripe to count. */
  waiting: number;
}

export type Settled = keyof ReportCounts;

export interface ReporterContext {
  readonly store: Store;
  /** null = Stripe is not configured: reports wait. */
  readonly provider: BillingProvider | null;
  readonly environment: Environment;
  /** The time at Stripe, as far as it is known to be ahead of our clock: billing periods and draft invoices end by it. */
  readonly stripeNow: () => Instant;
  readonly plans: Plans;
  readonly late_usage: LateUsagePolicy;
}
