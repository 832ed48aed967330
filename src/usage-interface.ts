import type { AdjustParams } from './core/adjustment.ts';
import type { DateInput } from './core/instant.ts';
import type { PulledConfig } from './core/pulled-config.ts';
import type { IncrementParams } from './core/usage-event.ts';
import type {
  CreateKeyParams,
  KeyActionsPage,
  KeyResult,
  KeysPage,
  NewKeyResult,
  RotateKeyParams,
} from './http/access/api-keys.ts';
import type { CreateTokenParams, RevokeTokensParams, TokenResult } from './http/access/browser-tokens.ts';
import type { AccountDetails, AccountResult, AccountsPage, SetAccountParams } from './methods/accounts.ts';
import type { CatalogueResult, PushParams, PushResult } from './methods/catalogue.ts';
import type { ResumeParams } from './methods/collection-pauses.ts';
import type { DoctorResult } from './methods/doctor.ts';
import type {
  ExplainInvoiceParams,
  ExplainReportParams,
  ListReportsParams,
  ReconcileParams,
} from './methods/explanations.ts';
import type { ListInvoicesParams } from './methods/invoices.ts';
import type { CheckLimitParams, LimitResult } from './methods/limits.ts';
import type { ListedPlan } from './methods/listed-plans.ts';
import type { PlanPreview, PreviewPlanParams } from './methods/plan-preview.ts';
import type { DecisionResult, ResolveReportParams, RetryReportParams } from './methods/report-decisions.ts';
import type { AddSeatsParams, SeatsResult, SetSeatsParams } from './methods/seats.ts';
import type { CancelParams, ChangePlanParams, ChangeResult } from './methods/subscription-changes.ts';
import type { SubscriptionResult } from './methods/subscription-result.ts';
import type {
  CheckoutParams,
  CheckoutResult,
  CreateSubscriptionParams,
  PortalParams,
} from './methods/subscriptions.ts';
import type { BillUnflushedParams, BillUnflushedResult } from './methods/unflushed-bills.ts';
import type { CostParams, WindowsParams } from './methods/usage-readings.ts';
import type { ListWebhooksParams, WebhooksPage } from './methods/webhooks.ts';
import type { CostResult } from './query/cost-so-far.ts';
import type { InvoiceExplanation, ReportExplanation } from './query/explanation-result.ts';
import type { InvoicesPage } from './query/invoice-list.ts';
import type { ReconciliationPage } from './query/reconciliation-result.ts';
import type { ReportsPage } from './query/report-list.ts';
import type { UsageByMeterResult, UsageResult } from './query/usage-result.ts';
import type { UsageWindowsResult } from './query/usage-windows.ts';
import type { IncrementResult } from './recorder/recorder.ts';
import type { ReportRun } from './worker/report-cycle.ts';

/**
 * Usage billing of one app: what `createUsage` gives. `Naming` is what calls about one meter must say besides; by default
 * nothing.
 */
export interface Usage<Meter extends string = string, Plan extends string = string, Naming = unknown> {
  /** Who is billed. */
  readonly accounts: {
    /**
     * Creates an account or changes it; fields that are left out stay as they are.
     *
     * @throws UsageError `invalid_account`, `invalid_plan`, `invalid_stripe_customer`, `stripe_customer_taken`,
     * `invalid_parameter`, `storage_failed`, `storage_busy`, `closed`; of a subscription also
     * `subscription_not_found`, `stripe_mode_mismatch`, `stripe_unavailable`, `stripe_refused`.
     */
    set(params: SetAccountParams<Plan>): Promise<AccountResult<Plan>>;
    /** @throws UsageError `invalid_account`, `account_not_found`, `storage_failed`, `closed`. */
    get(params: { readonly account: string }): Promise<AccountDetails<Plan>>;
    /**
     * Accounts in the order of their ids, a page at a time. `limit`: 1 to 1,000, default 100.
     *
     * @throws UsageError `invalid_parameter`, `storage_failed`, `closed`.
     */
    list(params?: { readonly after?: string; readonly limit?: number }): Promise<AccountsPage<Plan>>;
    /**
     * Reads from Stripe now what bills the account, where webhooks and the report job would do it later.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `stripe_unavailable`,
     * `stripe_customer_deleted`, `stripe_mode_mismatch`, `stripe_refused`, `storage_failed`, `closed`.
     */
    sync(params: { readonly account: string }): Promise<SubscriptionResult<Plan>>;
  };

  /** What bills accounts at Stripe. */
  readonly subscriptions: {
    /**
     * A page of Stripe's on which the customer of the account subscribes to a plan; the customer is created if need be.
     * Repeated calls give the same page while it is open. Plan and subscription follow from Stripe's events.
     *
     * @throws UsageError `invalid_account`, `invalid_plan` (free plans need no checkout), `invalid_parameter`,
     * `seats_not_sold`, `already_subscribed`, `price_not_found`, `currency_mismatch`, `stripe_customer_deleted`,
     * `stripe_mode_mismatch`, `stripe_refused`, `stripe_unavailable`, `storage_failed`, `closed`.
     */
    checkout(params: CheckoutParams<Plan>): Promise<CheckoutResult>;
    /**
     * Subscribes the account with the customer's default payment method. Safe to repeat: a subscription that an earlier
     * call made, and could not tell of, is found. `status` and `action` say what is left to do.
     *
     * @throws UsageError as for Checkout, and `invalid_idempotency_key`, `payment_method_missing`; where it must be paid at
     * once also `payment_failed`, `payment_action_required`.
     */
    create(params: CreateSubscriptionParams<Plan>): Promise<SubscriptionResult<Plan>>;
    /**
     * A page of Stripe's on which the customer sees invoices, changes payment methods and cancels to the period's end.
     * Prices cannot be switched there: usage that is not reported yet would be billed at the wrong one.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `subscription_not_found` (the account
     * has no customer), `stripe_customer_deleted`, `stripe_refused`, `stripe_unavailable`, `storage_failed`, `closed`.
     */
    portal(params: PortalParams): Promise<{ readonly url: string }>;
    /**
     * What bills the account, as it was last read from Stripe: it asks the database only.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `storage_failed`, `closed`.
     */
    get(params: { readonly account: string }): Promise<SubscriptionResult<Plan>>;
    /**
     * Ends an account's subscription: with its billing period, whose usage is on the final invoice, or now, as a change of
     * the plan does, with an invoice of what was used and a credit for what was paid in advance. Afterwards the account is
     * on the free plan, if one is configured.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `subscription_not_found`,
     * `several_subscriptions`, `collection_paused`, `change_pending`, `usage_unproven`, `stripe_customer_deleted`, `stripe_refused`,
     * `stripe_unavailable`, `storage_failed`, `closed`.
     */
    cancel(params: CancelParams): Promise<ChangeResult>;
    /**
     * Takes back a cancellation at the period's end, and a pause, whose invoices are collected then, unless it is told to
     * leave them as drafts. Safe to repeat. A subscription that ended in a pause is not taken back; its invoices are collected.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `subscription_not_found`,
     * `several_subscriptions`, `stripe_customer_deleted`, `stripe_refused`, `stripe_unavailable`, `storage_failed`, `closed`.
     */
    resume(params: ResumeParams): Promise<void>;
    /**
     * Pauses the collection of payments: usage is counted and reported as before, and invoices stay drafts until
     * `resume`. Meanwhile plan, seats and subscription cannot be changed (`collection_paused`).
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `subscription_not_found`,
     * `several_subscriptions`, `subscription_ending`, `stripe_customer_deleted`, `stripe_refused`, `stripe_unavailable`, `storage_failed`, `closed`.
     */
    pause(params: { readonly account: string }): Promise<void>;
    /**
     * The change of an account's subscription that was asked for last; null = there was none.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `storage_failed`, `closed`.
     */
    lastChange(params: { readonly account: string }): Promise<ChangeResult | null>;
    /**
     * Bills what a change made elsewhere left off its invoice, which `usage.reconcile` shows as `unflushed_change`: adds an
     * invoice item for exactly that amount, once, however often it is called.
     *
     * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_period`, `invalid_parameter`,
     * `invalid_reason`, `invalid_actor`, `account_not_found`, `nothing_to_bill`, `customer_changed`, `amount_changed`,
     * `stripe_customer_deleted`, `currency_mismatch`, `stripe_refused`, `stripe_unavailable`, `storage_failed`, `storage_busy`, `closed`.
     */
    billUnflushed(params: BillUnflushedParams<Meter> & Naming): Promise<BillUnflushedResult>;
  };

  /**
   * Counts usage. When the promise resolves the usage is durable; when nobody awaits it, nothing is lost but the
   * news, and an error still reaches `onError`. With an `idempotency_key`, repeated calls count once.
   *
   * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_quantity`,
   * `invalid_idempotency_key`, `invalid_timestamp`, `invalid_properties`, `invalid_parameter`,
   * `idempotency_conflict`, `late_usage`, `overloaded`, `transaction_unsupported`, `invalid_transaction`, `storage_failed`,
   * `storage_busy`, `closed`.
   */
  increment(params: IncrementParams<Meter> & Naming, options?: IncrementOptions): Promise<IncrementResult>;

  /**
   * Corrects usage: a usage event of its own, with a sign and a reason, next to what it corrects, which stays. The only
   * way to correct. Durable, deduplicated and brought to Stripe as increments are; what a billing period is short of in
   * the end is taken out of the next one.
   *
   * @throws UsageError `account_not_found`, `invalid_account`, `invalid_meter`, `meter_required`, `invalid_quantity`,
   * `invalid_reason`, `invalid_actor`, `invalid_idempotency_key`, `invalid_timestamp`, `invalid_parameter`,
   * `idempotency_conflict`, `late_usage`, `overloaded`, `storage_failed`, `storage_busy`, `closed`.
   */
  adjust(params: AdjustParams<Meter> & Naming): Promise<IncrementResult>;

  /**
   * What an account used: in exactly `[period_start, period_end)`, or without dates in the current billing period,
   * with its cost so far.
   *
   * @throws UsageError `invalid_account`, `invalid_meter`, `invalid_period`, `invalid_parameter`,
   * `account_not_found`, `quantity_overflow`, `amount_overflow`, `usage_archived`, `storage_failed`, `closed`.
   */
  get<Params extends GetParams<Meter>>(params: Params): Promise<GetResult<Meter, Params>>;

  /**
   * What an account used, hour by hour, day by day or month by month on the clock of a time zone; at most 1,000 windows.
   *
   * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_period`, `invalid_window`,
   * `invalid_parameter`, `account_not_found`, `quantity_overflow`, `usage_archived`, `storage_failed`, `closed`.
   */
  windows(params: WindowsParams<Meter> & Naming): Promise<UsageWindowsResult>;

  /**
   * What the current billing period of a meter costs so far, with the price that makes it so and the plan's limit.
   *
   * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_parameter`, `account_not_found`,
   * `quantity_overflow`, `amount_overflow`, `storage_failed`, `closed`.
   */
  cost(params: CostParams<Meter> & Naming): Promise<CostResult>;

  /**
   * The HTTP API, as a fetch-standard handler for Hono, Next.js and Bun; `toNodeHandler` of `tallybook/node` fits it to
   * Express, Fastify and `node:http`. Its document is served at `/openapi.json`. Never rejects.
   */
  handler(request: Request): Promise<Response>;

  /** Keys of the HTTP API. */
  readonly keys: {
    /**
     * Creates a key. Its `secret` is shown this once.
     *
     * @throws UsageError `invalid_account`, `invalid_actor`, `invalid_parameter`, `storage_failed`, `storage_busy`,
     * `closed`.
     */
    create(params: CreateKeyParams): Promise<NewKeyResult>;
    /**
     * Creates a key in the place of another, which stays good for a while.
     *
     * @throws UsageError `api_key_not_found`, `invalid_actor`, `invalid_parameter`, `storage_failed`, `storage_busy`,
     * `closed`.
     */
    rotate(params: RotateKeyParams): Promise<NewKeyResult>;
    /**
     * Ends a key, in every process within a second.
     *
     * @throws UsageError `api_key_not_found`, `invalid_actor`, `invalid_parameter`, `storage_failed`, `storage_busy`,
     * `closed`.
     */
    revoke(params: { readonly key: string; readonly actor?: string }): Promise<KeyResult>;
    /**
     * Keys in the order of their ids, a page at a time, also those that have ended. `limit`: 1 to 1,000, default 100.
     *
     * @throws UsageError `invalid_parameter`, `storage_failed`, `closed`.
     */
    list(params?: { readonly after?: string; readonly limit?: number }): Promise<KeysPage>;
    /**
     * What was done about keys and tokens, and by whom, the newest first. It is kept for good. `limit`: 1 to 1,000,
     * default 100.
     *
     * @throws UsageError `invalid_parameter`, `storage_failed`, `closed`.
     */
    history(params?: { readonly after?: string; readonly limit?: number }): Promise<KeyActionsPage>;
  };

  /** Tokens for browsers. */
  readonly tokens: {
    /**
     * A token that reads the usage of one account, and what bills it, for at most fifteen minutes. It changes nothing.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `invalid_configuration`, `closed`.
     */
    create(params: CreateTokenParams): Promise<TokenResult>;
    /**
     * Ends one token of an account, or all that were created until now, in every process within a second.
     *
     * @throws UsageError `invalid_account`, `invalid_actor`, `invalid_parameter`, `storage_failed`, `storage_busy`,
     * `closed`.
     */
    revoke(params: RevokeTokensParams): Promise<void>;
  };

  /**
   * Seals the open reports now and sends what is due, of all accounts or of one; the worker does the same on its
   * schedule. Reports are sealed at whole seconds: one that began in the present second, as of an account whose first
   * increment has just been recorded, stays open until the next run.
   *
   * @throws UsageError `invalid_account`, `invalid_parameter`, `storage_failed`, `storage_busy`, `closed`.
   */
  report(params?: { readonly account?: string }): Promise<ReportRun>;

  /**
   * Ours against Stripe's, per account, meter and billing period, and why they differ; a page of accounts at a time.
   * Reads one summary of Stripe's for each line, and one list of invoices for each account. Where a line differs, up to 64
   * summaries more, three times at most if Stripe counts something meanwhile.
   *
   * @throws UsageError `invalid_account`, `invalid_period`, `invalid_parameter`, `account_not_found`,
   * `quantity_overflow`, `amount_overflow`, `storage_failed`, `closed`.
   */
  reconcile(params?: ReconcileParams): Promise<ReconciliationPage>;

  /**
   * A number down to its ledger entries: a report with its life and its usage events, a page at a time, or an invoice
   * with its reports and how they are rated.
   *
   * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_parameter`, `account_not_found`,
   * `report_not_found`, `invoice_not_found`, `amount_overflow`, `stripe_unavailable`, `storage_failed`, `closed`.
   */
  explain(params: ExplainReportParams<Meter> & Naming): Promise<ReportExplanation>;
  explain(params: ExplainInvoiceParams): Promise<InvoiceExplanation>;

  /** Reports as rows of their own, whatever their account. */
  readonly reports: {
    /**
     * Reports and what can be done about them, those first that wait for a person.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `storage_failed`, `closed`.
     */
    list(params?: ListReportsParams): Promise<ReportsPage>;
    /**
     * Tries a report again that has failed, under a new identifier, or that is held, as it is.
     *
     * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_reason`, `invalid_actor`,
     * `invalid_parameter`, `account_not_found`, `report_not_found`, `report_not_decidable`, `storage_failed`, `closed`.
     */
    retry(params: RetryReportParams<Meter> & Naming): Promise<DecisionResult>;
    /**
     * Decides what becomes of a report that is held or has failed. Who and why are kept for good.
     *
     * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_reason`, `invalid_actor`,
     * `invalid_parameter`, `account_not_found`, `report_not_found`, `report_not_decidable`, `stripe_unavailable`,
     * `storage_failed`, `closed`.
     */
    resolve(params: ResolveReportParams<Meter> & Naming): Promise<DecisionResult>;
  };

  /** What accounts were billed. */
  readonly invoices: {
    /**
     * Invoices of an account with their lines, newest first, a page at a time; those that bill nothing are left out, so that
     * a page may have fewer than `limit`. Stripe is asked; an account without a Stripe customer has none.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `stripe_customer_deleted`,
     * `stripe_refused`, `stripe_unavailable`, `storage_failed`, `closed`.
     */
    list(params: ListInvoicesParams): Promise<InvoicesPage>;
  };

  /** What plans include at most. */
  readonly limits: {
    /**
     * Whether an account may use so much more in its current billing period. To be asked before the work: increments are
     * never refused for a limit, since what was used is counted, and calls at the same time can together go past it by what
     * they have under way. An account without a plan has no limits. Two indexed reads, three while a change of the plan is under way.
     *
     * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_quantity`, `invalid_parameter`,
     * `account_not_found`, `quantity_overflow`, `amount_overflow`, `storage_failed`, `closed`.
     */
    check(params: CheckLimitParams<Meter> & Naming): Promise<LimitResult>;
  };

  /** What accounts subscribe to. */
  readonly plans: {
    /** The configured plans, as customers may see them. */
    list(): readonly ListedPlan<Plan>[];
    /**
     * What a change of the plan would cost: now, next, and by the unit. Nothing is changed. A change with the preview's
     * `proration_date` invoices what `now` says, if nothing is used in between.
     *
     * @throws UsageError `invalid_account`, `invalid_plan`, `invalid_parameter`, `account_not_found`,
     * `subscription_not_found`, `several_subscriptions`, `collection_paused`, `change_pending`, `classic_subscription`,
     * `seats_not_sold`, `price_not_found`, `currency_mismatch`, `tiers_mode_change`, `quantity_overflow`, `amount_overflow`,
     * `stripe_customer_deleted`, `stripe_mode_mismatch`, `stripe_refused`, `stripe_unavailable`, `storage_failed`, `closed`.
     */
    preview(params: PreviewPlanParams<Plan>): Promise<PlanPreview<Plan>>;
    /**
     * Puts an account on another plan. The moment of the call is the switch: what was used until then is invoiced at the
     * present prices, what is used afterwards has the new ones, however long Stripe takes. Waits for `verify_timeout_ms` at
     * most; the worker completes what takes longer. A free plan ends the subscription now.
     *
     * @throws UsageError `invalid_account`, `invalid_plan`, `invalid_parameter`, `account_not_found`,
     * `subscription_not_found`, `several_subscriptions`, `collection_paused`, `change_pending`, `classic_subscription`,
     * `seats_not_sold`, `price_not_found`, `currency_mismatch`, `tiers_mode_change`, `usage_unproven`, `payment_method_missing`, `payment_failed`,
     * `payment_action_required`, `stripe_customer_deleted`, `stripe_mode_mismatch`, `stripe_refused`, `stripe_unavailable`,
     * `storage_failed`, `closed`.
     */
    change(params: ChangePlanParams<Plan>): Promise<ChangeResult>;
  };

  /**
   * Seats of accounts whose plan sells them. They are Stripe's: nothing is kept here. Changes of one account wait for each
   * other, for `verify_timeout_ms` at most. A promise that resolves with `pending_seats: null` says that Stripe bills them.
   */
  readonly seats: {
    /**
     * Asks Stripe.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `subscription_not_found`,
     * `several_subscriptions`, `seats_not_sold`, `stripe_unavailable`, `stripe_customer_deleted`, `stripe_refused`,
     * `storage_failed`, `closed`.
     */
    get(params: { readonly account: string }): Promise<SeatsResult>;
    /**
     * Makes it so many, invoiced at once in proportion to the rest of the period. With `expected`, only if there are so many
     * now: where somebody else has changed it meanwhile, it is refused as `seats_changed`.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `subscription_not_found`, `several_subscriptions`,
     * `seats_not_sold`, `collection_paused`, `stripe_unavailable`, `stripe_customer_deleted`, `stripe_refused`,
     * `storage_failed`, `closed`, `seats_changed`, `change_pending`, `payment_method_missing`, `payment_failed`, `payment_action_required`,
     * `storage_busy`.
     */
    set(params: SetSeatsParams): Promise<SeatsResult>;
    /**
     * Adds some, or takes some away, to however many there are: calls that come at once all count.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `account_not_found`, `subscription_not_found`, `several_subscriptions`,
     * `seats_not_sold`, `collection_paused`, `stripe_unavailable`, `stripe_customer_deleted`, `stripe_refused`,
     * `storage_failed`, `closed`, `change_pending`, `payment_method_missing`, `payment_failed`, `payment_action_required`, `storage_busy`.
     */
    add(params: AddSeatsParams): Promise<SeatsResult>;
  };

  /** The configured meters and plans, and what Stripe has of them. */
  readonly catalogue: {
    /**
     * What differs. Changes nothing.
     *
     * @throws UsageError `invalid_configuration`, `stripe_unavailable`, `closed`.
     */
    compare(): Promise<CatalogueResult>;
    /**
     * Does at Stripe what `compare` said, and nothing else. Safe to repeat, and for two at once: what was done before is
     * not done again. Deletes nothing; a price that changed is a new price, and those who subscribe to the old one stay
     * on it.
     *
     * @throws UsageError `invalid_parameter`, `invalid_configuration`, `stripe_unavailable`, `closed`.
     */
    push(params: PushParams): Promise<PushResult>;
    /**
     * Writes a configuration from what Stripe sells: its active meters, and a plan for each product with recurring
     * prices.
     *
     * @throws UsageError `invalid_configuration`, `stripe_unavailable`, `closed`.
     */
    pull(): Promise<PulledConfig>;
  };

  /**
   * Looks for what would lose money: the key, the database, the clock, meters and prices, the subscriptions of 50 linked
   * accounts, webhook endpoints, the customer portal and how long drafts stay open. What is wrong is a finding; it only
   * reads.
   *
   * @throws UsageError `invalid_parameter`, `closed`.
   */
  doctor(): Promise<DoctorResult>;

  /**
   * Answers Stripe's webhooks, as a fetch-standard handler: verifies the event's signature against the raw body, stores
   * it, and leaves the rest to the worker. Never rejects. 2xx: stored, known already or nothing to do; 400: not signed
   * by Stripe within five minutes, or of the other mode; 500: the database failed, and Stripe sends it again.
   */
  webhook(request: Request): Promise<Response>;

  /** The events that Stripe sent. */
  readonly webhooks: {
    /**
     * Events in the order of their ids, a page at a time; handled ones are kept for 35 days.
     *
     * @throws UsageError `invalid_parameter`, `storage_failed`, `closed`.
     */
    list(params?: ListWebhooksParams): Promise<WebhooksPage>;
    /**
     * Lets the worker handle a parked event again.
     *
     * @throws UsageError `invalid_parameter`, `webhook_event_not_parked`, `storage_failed`, `storage_busy`, `closed`.
     */
    retry(params: { readonly event: string }): Promise<void>;
  };

  /** The report job. */
  readonly worker: {
    /**
     * Runs it in the background of this process. Several processes may: one of them works at a time. It does not keep a
     * process alive that has nothing else to do; `tallybook worker` does.
     */
    start(): void;
    /** Resolves when the run under way has ended. */
    stop(): Promise<void>;
    /** Runs it once, for platforms that bring their own cron. The same as `usage.report()`. */
    runOnce(): Promise<ReportRun>;
    /** Does what is due by the clock and nothing else; `start` does this over and over. For tests. */
    tick(): Promise<void>;
    /** When something is due next, in milliseconds since 1970. For tests. */
    nextDueAt(): Promise<number>;
  };

  /** Writes what is pending, stops the worker and lets go of the database. Later calls are refused as `closed`. */
  close(): Promise<void>;
}

/** Parameters of `usage.get`. */
export interface GetParams<Meter extends string = string> {
  readonly account: string;
  /** Default: the only meter; every meter where several are configured. */
  readonly meter?: Meter | undefined;
  /** A Date, `'2026-10-10'` (UTC midnight) or an ISO 8601 instant. With `period_end`. */
  readonly period_start?: DateInput | undefined;
  /** Exclusive. At most 100 years after `period_start`. */
  readonly period_end?: DateInput | undefined;
}

/** One result, or one per meter where several are configured and the call names none. */
export type GetResult<Meter extends string, Params> = Params extends { readonly meter: string }
  ? UsageResult
  : IsUnion<Meter> extends true
    ? UsageByMeterResult<Meter>
    : UsageResult;

/** Calls name their meter where several are configured and none is the default. */
export type MeterNaming<Meter extends string, DefaultMeter extends string> =
  IsUnion<Meter> extends true
    ? [DefaultMeter] extends [never]
      ? { readonly meter: Meter }
      : unknown
    : unknown;

type IsUnion<Name, Each = Name> = Each extends unknown ? ([Name] extends [Each] ? false : true) : never;

/** Options of `usage.increment`. */
export interface IncrementOptions {
  /**
   * A transaction of the app on the same PostgreSQL database: the usage is counted when it commits and is gone when it
   * rolls back. A `pg` client after BEGIN, a Kysely transaction or a Drizzle transaction (node-postgres).
   */
  readonly transaction: AppTransaction;
}

/** What is used of a `pg` client, a Kysely transaction and a Drizzle transaction. */
export type AppTransaction =
  | { query(text: string): Promise<unknown> }
  | { readonly isTransaction: boolean; executeQuery(query: never): Promise<unknown> }
  | { execute(query: string): PromiseLike<unknown>; rollback(): never };
