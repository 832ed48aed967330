import type { Generated } from 'kysely';
import type { AccessAction, ApiKey } from '../core/access.ts';
import type { DecisionAction } from '../core/report-listing.ts';
import type { BillingSubscription } from '../core/stripe-subscription.ts';
import type { SubscriptionChange } from '../core/subscription-change.ts';
import type { UnflushedBill } from '../core/unflushed-bill.ts';
import type { UsageReport } from '../core/usage-report.ts';
import type { ReceiveWebhookEventParams, WebhookEvent } from '../core/webhook-event.ts';

/**
 * The tables, as both engines have them. Instants are milliseconds since 1970, quantities and counts whole
 * numbers. SQLite keeps booleans as 0 and 1; the rows are read with Boolean().
 */
export interface Database {
  account: AccountTable;
  subscription: SubscriptionTable;
  stripe_subscription: StripeSubscriptionTable;
  usage: UsageTable;
  usage_event: UsageEventTable;
  usage_key: UsageKeyTable;
  job_lease: JobLeaseTable;
  decision: DecisionTable;
  subscription_change: SubscriptionChangeTable;
  unflushed_bill: UnflushedBillTable;
  webhook_event: WebhookEventTable;
  api_key: ApiKeyTable;
  access_action: AccessActionTable;
  token_revocation: TokenRevocationTable;
}

export interface AccountTable {
  account_id: string;
  plan: string | null;
  stripe_customer: string | null;
  created_at: number;
  synced_at: number | null;
  sync_due_at: number | null;
  change_requested_at: number | null;
}

export interface SubscriptionTable {
  account_id: string;
  stripe_subscription_item: string;
  stripe_subscription: string;
  meter: string;
  stripe_price: string;
  /** Price as JSON. */
  price: string;
  anchor: number;
  interval: 'day' | 'week' | 'month' | 'year';
  interval_count: number;
  started_at: number;
  billed_from: number;
  trial_end: number | null;
  ended_at: number | null;
  current_period_start: number;
  current_period_end: number;
}

/** SQLite keeps `cancel_at_period_end` as 0 and 1. */
export type StripeSubscriptionTable = { account_id: string } & {
  -readonly [Column in keyof BillingSubscription]: BillingSubscription[Column];
};

/** What a new report must say; the rest has defaults. */
type RequiredColumn =
  | 'account_id'
  | 'meter'
  | 'report_id'
  | 'late'
  | 'period_start'
  | 'billing_period_start'
  | 'billing_period_end';

/** `reported` is computed by the database from `status` and therefore left out of what is written. */
export type UsageTable = {
  -readonly [Column in keyof Omit<UsageReport, 'reported'>]: Column extends RequiredColumn
    ? UsageReport[Column]
    : Generated<UsageReport[Column]>;
} & {
  slot_shared: Generated<boolean>;
  /** SQLite only: the newest of the report's events, which form a chain; null = it has none. */
  last_event_id: Generated<number | null>;
};

export interface UsageEventTable {
  /** Ascends in the order of recording. */
  event_id: Generated<number>;
  account_id: string;
  meter: string;
  /** null = recorded in a transaction of the app, and not in a report yet. */
  report_id: number | null;
  quantity: number;
  occurred_at: number;
  recorded_at: number;
  idempotency_key: string | null;
  properties: string | null;
}

/** Idempotency keys that were counted; they are forgotten in time. */
export interface UsageKeyTable {
  idempotency_key: string;
  account_id: string;
  meter: string;
  /** What must be equal when the key is used again. */
  content: string;
  recorded_at: number;
}

/** Append-only: what persons decided of reports. */
export interface DecisionTable {
  account_id: string;
  meter: string;
  report_id: number;
  /** Counts the decisions of one report from 1. */
  decision_id: number;
  at: number;
  action: DecisionAction;
  actor: string;
  reason: string;
  acknowledged: number;
}

export type SubscriptionChangeTable = {
  -readonly [Column in keyof SubscriptionChange]: SubscriptionChange[Column];
};

/** Append-only: what persons had billed that changes made elsewhere left off their invoices. */
export type UnflushedBillTable = {
  -readonly [Column in keyof UnflushedBill]: UnflushedBill[Column];
};

/** What a new event must say; the rest has defaults. */
type ReceivedColumn = Exclude<keyof ReceiveWebhookEventParams, 'account_id'> | 'due_at';

export type WebhookEventTable = {
  -readonly [Column in keyof WebhookEvent]: Column extends ReceivedColumn
    ? WebhookEvent[Column]
    : Generated<WebhookEvent[Column]>;
};

export interface JobLeaseTable {
  job: string;
  holder: string | null;
  expires_at: number;
  last_run_at: number | null;
}

export type ApiKeyTable = { -readonly [Column in keyof Omit<ApiKey, 'scopes'>]: ApiKey[Column] } & {
  /** Separated by commas, in the order of `SCOPES`. */
  scopes: string;
};

/** Append-only: what was done about keys and tokens. */
export type AccessActionTable = { -readonly [Column in keyof AccessAction]: AccessAction[Column] } & {
  action_id: Generated<number>;
};

export interface TokenRevocationTable {
  account_id: string;
  /** Empty = every token of the account. */
  token_id: string;
  revoked_at: number;
  forget_at: number;
}
