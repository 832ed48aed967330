export type { Scope } from './core/access.ts';
export type { AdjustParams } from './core/adjustment.ts';
export type { CatalogueChange, NewPrice } from './core/catalogue.ts';
export type { Clock, Environment, Logger } from './core/environment.ts';
export { ERRORS, UsageError, type UsageErrorCode } from './core/errors.ts';
export type { Finding } from './core/finding.ts';
export type { DateInput } from './core/instant.ts';
export type { LateUsagePolicy } from './core/late-usage.ts';
export type { PriceInterval } from './core/plan.ts';
export { type Price, type RatedAmount, type RatedLine, rate, type Tier } from './core/price.ts';
export type { PriceTerms } from './core/price-difference.ts';
export type { PulledConfig } from './core/pulled-config.ts';
export type { CauseName } from './core/reconciliation.ts';
export type { PaymentAction, SubscriptionStatus } from './core/stripe-subscription.ts';
export type { PaymentBehavior } from './core/subscribing.ts';
export type { IncrementParams, Properties } from './core/usage-event.ts';
export type { ReportReason, ReportStatus } from './core/usage-report.ts';
export type { WindowName } from './core/usage-window.ts';
export type {
  CreateKeyParams,
  KeyActionResult,
  KeyActionsPage,
  KeyResult,
  KeysPage,
  NewKeyResult,
  RotateKeyParams,
} from './http/access/api-keys.ts';
export type { CreateTokenParams, RevokeTokensParams, TokenResult } from './http/access/browser-tokens.ts';
export type { AccountDetails, AccountResult, AccountsPage, SetAccountParams } from './methods/accounts.ts';
export type { CatalogueResult, PushParams, PushResult } from './methods/catalogue.ts';
export type { ResumeParams } from './methods/collection-pauses.ts';
export type { DoctorResult } from './methods/doctor.ts';
export type {
  ExplainInvoiceParams,
  ExplainReportParams,
  ListReportsParams,
  ReconcileParams,
} from './methods/explanations.ts';
export type { ListInvoicesParams } from './methods/invoices.ts';
export type { CheckLimitParams, LimitResult } from './methods/limits.ts';
export type { ListedPlan, ListedPrice } from './methods/listed-plans.ts';
export type {
  PlanPreview,
  PreviewedBill,
  PreviewedBillLine,
  PreviewedMeter,
  PreviewedPrice,
  PreviewPlanParams,
} from './methods/plan-preview.ts';
export type {
  DecisionResult,
  ReportResolution,
  ResolveReportParams,
  RetryReportParams,
} from './methods/report-decisions.ts';
export type { AddSeatsParams, SeatsResult, SetSeatsParams } from './methods/seats.ts';
export type { CancelParams, ChangePlanParams, ChangeResult } from './methods/subscription-changes.ts';
export type { SubscriptionResult } from './methods/subscription-result.ts';
export type {
  CheckoutParams,
  CheckoutResult,
  CreateSubscriptionParams,
  PortalParams,
} from './methods/subscriptions.ts';
export type { BillUnflushedParams, BillUnflushedResult } from './methods/unflushed-bills.ts';
export type { CostParams, WindowsParams } from './methods/usage-readings.ts';
export type { ListWebhooksParams, WebhookEventResult, WebhooksPage } from './methods/webhooks.ts';
export type {
  DatabaseOptions,
  PostgresOptions,
  PostgresPoolLike,
  SqliteOptions,
} from './options/database-options.ts';
export type { CloudEventOptions, HttpOptions } from './options/http-options.ts';
export type { LicensedPriceOptions, MeteredPriceOptions, PlanOptions } from './options/plan-options.ts';
export type {
  MeterOptions,
  StripeOptions,
  UsageOptions,
} from './options/usage-options.ts';
export type { UsagePageOptions } from './options/usage-page-options.ts';
export type { CostResult } from './query/cost-so-far.ts';
export type {
  EntriesPage,
  ExplainedDecision,
  ExplainedMinute,
  ExplainedReport,
  ExplainedUsage,
  InvoiceExplanation,
  LedgerEntry,
  OtherLine,
  ReportExplanation,
} from './query/explanation-result.ts';
export type { InvoiceLineResult, InvoiceResult, InvoicesPage } from './query/invoice-list.ts';
export type {
  InvoiceName,
  ReconciliationCause,
  ReconciliationLine,
  ReconciliationPage,
  Span,
} from './query/reconciliation-result.ts';
export type { ListedReport, ReportsPage } from './query/report-list.ts';
export type { ChangeUnderWay, ReportResult, UsageByMeterResult, UsageResult } from './query/usage-result.ts';
export type { UsageWindow, UsageWindowsResult } from './query/usage-windows.ts';
export type { UnitNames } from './react/units.ts';
export type { IncrementResult } from './recorder/recorder.ts';
export { createUsage } from './usage.ts';
export type { AppTransaction, GetParams, GetResult, IncrementOptions, Usage } from './usage-interface.ts';
export type { ReportRun } from './worker/report-cycle.ts';
export type { ReportProgress } from './worker/report-progress.ts';
export type { ScheduleInput } from './worker/schedule.ts';
