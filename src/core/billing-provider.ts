import type { Period, SubscriptionItem } from './billing-period.ts';
import type { CatalogueProvider } from './catalogue-provider.ts';
import type { Instant } from './environment.ts';
import type { InspectionProvider } from './inspection-provider.ts';
import type { HostedInvoice, Invoice, InvoiceLine } from './invoice.ts';
import type { InvoiceItem, InvoiceItemBill } from './invoice-item.ts';
import type { ReadMeterErrorsResult } from './meter-errors.ts';
import type { PriceInterval, PriceReference } from './plan.ts';
import type { Price } from './price.ts';
import type { StripeSubscription } from './stripe-subscription.ts';
import type { SubscribingProvider } from './subscribing.ts';
import type { BilledSubscription, ItemChange } from './subscription-change.ts';

/** What Tallybook needs of Stripe. Methods never throw for what Stripe answers: the answer is the result. */
export interface BillingProvider extends CatalogueProvider, InspectionProvider, SubscribingProvider {
  /** Sends one report once, without retrying. */
  sendReport(params: SendReportParams): Promise<SendReportResult>;
  /** What was counted of a meter for a customer over whole UTC minutes. */
  readCounted(params: ReadCountedParams): Promise<ReadCountedResult>;
  /** A customer's subscriptions, and the items of them that bill, or billed, the configured meters. */
  listSubscriptionItems(params: { readonly stripe_customer: string }): Promise<ListSubscriptionItemsResult>;
  /** When an item stopped being billed by a price, by what Stripe keeps of it. */
  findItemEnding(params: FindItemEndingParams): Promise<FindItemEndingResult>;
  /** A customer's invoice items of usage and of our own, made at an instant or later, on an invoice or not. */
  listInvoiceItems(params: ListInvoicesParams): Promise<ListInvoiceItemsResult>;
  /** Adds an amount to the customer's next invoice, once for a key. */
  createInvoiceItem(params: CreateInvoiceItemParams): Promise<CreateInvoiceItemResult>;
  /** A customer's invoices that were made at an instant or later, newest first. */
  listInvoices(params: ListInvoicesParams): Promise<ListInvoicesResult>;
  /** Some of a customer's invoices, newest first. */
  readInvoicePage(params: ReadInvoicePageParams): Promise<ReadInvoicePageResult>;
  /** Lets Stripe make a draft final later than it would. */
  postponeInvoice(params: PostponeInvoiceParams): Promise<PostponeInvoiceResult>;
  /** One invoice, of whatever customer; `refused` when Stripe does not know it. */
  readInvoice(params: { readonly invoice: string }): Promise<ReadInvoiceResult>;
  /** The prices at Stripe that plans refer to. */
  findPrices(params: FindPricesParams): Promise<FindPricesResult>;
  /** A customer's subscriptions that are alive, with all of their items. */
  listLiveSubscriptions(params: { readonly stripe_customer: string }): Promise<ListLiveSubscriptionsResult>;
  /** One subscription, alive or not. */
  readSubscription(params: { readonly stripe_subscription: string }): Promise<ReadSubscriptionResult>;
  /** Changes the items of a subscription in one step, with what was used and paid for so far settled at once. */
  changeSubscription(params: ChangeSubscriptionParams): Promise<ChangeSubscriptionResult>;
  /** The invoice that a change of a subscription would make, or the next one after it. Nothing is changed. */
  previewChange(params: PreviewChangeParams): Promise<PreviewChangeResult>;
  /** Ends a subscription now: what was used is invoiced, and what was paid for and is not used is given back. */
  cancelSubscription(params: CancelSubscriptionParams): Promise<ChangeSubscriptionResult>;
  /** Whether it ends with its period, and whether its invoices are collected. */
  setSubscriptionEnd(params: SetSubscriptionEndParams): Promise<ChangeSubscriptionResult>;
  /** Lets Stripe make final, and collect, the drafts of a subscription that a pause has left. */
  collectDrafts(params: { readonly stripe_subscription: string }): Promise<CollectDraftsResult>;
  /** Turns a subscription in classic billing mode into a flexible one, which cannot be taken back. */
  migrateSubscription(params: { readonly stripe_subscription: string }): Promise<ChangeSubscriptionResult>;
  /** What an event of Stripe's tells of meter events that were accepted and rejected later. */
  readMeterErrors(params: { readonly event_id: string }): Promise<ReadMeterErrorsResult>;
}

/** Stripe, by how urgent a call is: those that somebody waits for go before those of the report job. */
export interface BillingProviders {
  readonly interactive: BillingProvider;
  readonly background: BillingProvider;
  /** Calls of the report job. */
  backgroundLoad(): CallLoad;
  /**
   * The time at Stripe, where its last answer told that its clock is more than a minute ahead of ours; otherwise our
   * clock's. Billing periods and draft invoices end by it.
   */
  stripeNow(): Instant;
  /**
   * The time at Stripe, where its last answer told that its clock is behind ours; otherwise our clock's. What is stamped
   * by our clock lies before a change that Stripe makes once this has passed.
   */
  stripeEarliest(): Instant;
}

/** How busy Stripe is kept. */
export interface CallLoad {
  /** Calls that Stripe has not answered yet. */
  readonly in_flight: number;
  /** Calls that wait until the rate limit lets them go. */
  readonly waiting: number;
}

export interface SendReportParams {
  readonly meter: string;
  readonly stripe_customer: string;
  readonly quantity: number;
  /** Whole seconds inside the report's period. */
  readonly slot: Instant;
  readonly identifier: string;
  /** From 1; a fresh one for every request, since Stripe replays its answer to a repeated idempotency key. */
  readonly attempt: number;
}

/**
 * `accepted`: it will be counted. `duplicate`: Stripe knows the identifier already. `refused`: it will never be
 * counted as it is. `unknown`: it may or may not have arrived, or Stripe asks to come back later.
 */
export type SendReportResult =
  | { readonly outcome: 'accepted' }
  | { readonly outcome: 'duplicate' }
  | Refused
  | Unavailable;

export interface ReadCountedParams {
  readonly meter: string;
  readonly stripe_customer: string;
  /** A whole minute. */
  readonly start: Instant;
  /** A whole minute, exclusive. */
  readonly end: Instant;
}

export type ReadCountedResult = { readonly outcome: 'read'; readonly quantity: number } | Failed;

export type ListSubscriptionItemsResult =
  | {
      readonly outcome: 'read';
      readonly items: readonly SubscriptionItem[];
      /** Of whatever status, those included that were never paid for. */
      readonly subscriptions: readonly StripeSubscription[];
    }
  | Failed;

export interface FindItemEndingParams {
  readonly stripe_customer: string;
  /** As it was known before. */
  readonly item: Pick<SubscriptionItem, 'stripe_subscription' | 'stripe_subscription_item' | 'stripe_price'>;
  /** Events of the subscription, newest first, which are read; without any, Stripe's list of events is. */
  readonly event_ids: readonly string[];
  /** Nothing earlier is looked at. */
  readonly since: Instant;
}

/** `ended_at`: null = nothing that Stripe keeps says it. */
export type FindItemEndingResult = { readonly outcome: 'read'; readonly ended_at: Instant | null } | Failed;

export type ListInvoiceItemsResult =
  | { readonly outcome: 'read'; readonly items: readonly InvoiceItem[] }
  | Failed;

export interface CreateInvoiceItemParams {
  readonly stripe_customer: string;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  /** What the customer reads. */
  readonly description: string;
  /** The time that is billed, in whole seconds. */
  readonly period: Period;
  readonly bill: InvoiceItemBill;
}

export type CreateInvoiceItemResult = { readonly outcome: 'created'; readonly invoice_item: string } | Failed;

export interface PostponeInvoiceParams {
  /** A draft. */
  readonly invoice: string;
  readonly finalizes_at: Instant;
}

export type PostponeInvoiceResult = { readonly outcome: 'postponed' } | Failed;

export interface ListInvoicesParams {
  readonly stripe_customer: string;
  readonly created_from: Instant;
}

export type ListInvoicesResult = { readonly outcome: 'read'; readonly invoices: readonly Invoice[] } | Failed;

export interface ReadInvoicePageParams {
  readonly stripe_customer: string;
  /** The invoice before the first one; null = from the newest. */
  readonly after: string | null;
  /** 1 to 100. */
  readonly limit: number;
}

export type ReadInvoicePageResult =
  | { readonly outcome: 'read'; readonly invoices: readonly HostedInvoice[]; readonly has_more: boolean }
  | Failed;

export type ReadInvoiceResult = { readonly outcome: 'read'; readonly invoice: Invoice } | Failed;

/** Stripe did not answer, or asked to come back later. */
export interface Unavailable {
  readonly outcome: 'unknown';
  readonly message: string;
  /** How long Stripe asks to wait; null = it does not say. */
  readonly retry_after_ms: number | null;
  /** Stripe keeps this answer, and repeats it to whoever comes with the same idempotency key. */
  readonly is_kept?: true;
}

/** Why Stripe refuses a call, where a person can do something about it: codes of `UsageError`. */
export type RefusalCode =
  | 'price_not_found'
  | 'subscription_not_found'
  | 'stripe_mode_mismatch'
  | 'currency_mismatch'
  | 'payment_method_missing'
  | 'payment_failed'
  | 'payment_action_required'
  | 'stripe_customer_deleted'
  | 'stripe_refused';

/** Stripe will never do it as it was asked. */
export interface Refused {
  readonly outcome: 'refused';
  /** Stripe's words. */
  readonly message: string;
  readonly code: RefusalCode;
}

/** A call that gave nothing: now (`unknown`) or ever (`refused`). */
export type Failed = Unavailable | Refused;

/** A price as Stripe has it. */
export interface CataloguePrice extends Price {
  readonly stripe_price: string;
  /** null = it has none, as prices made elsewhere. */
  readonly lookup_key: string | null;
  readonly active: boolean;
  readonly interval: PriceInterval;
  readonly interval_count: number;
  /** `event_name` of the meter; null = the price is licensed. */
  readonly event_name: string | null;
}

export type ListLiveSubscriptionsResult =
  | { readonly outcome: 'read'; readonly subscriptions: readonly BilledSubscription[] }
  | Failed;

export type ReadSubscriptionResult =
  | { readonly outcome: 'read'; readonly subscription: BilledSubscription }
  | Failed;

/** Which change of ours is made, and how often it was tried. */
interface ChangeAttempt {
  readonly stripe_subscription: string;
  /** Kept with the subscription, so that a change whose answer was lost is recognised. */
  readonly change_key: string;
  /**
   * From 1. Requests of the same attempt have one effect, whichever arrives first; a fresh one is needed where Stripe would
   * only repeat the answer that it gave.
   */
  readonly attempt: number;
}

export interface ChangeSubscriptionParams extends ChangeAttempt {
  readonly items: readonly ItemChange[];
  /** What the subscription says from then on that it is on; null = it says nothing. */
  readonly plan: string | null;
  /** To which second what was paid in advance is prorated, where it is in its current period; null = to the present one. */
  readonly proration_date: Instant | null;
}

export type CancelSubscriptionParams = ChangeAttempt;

export interface PreviewChangeParams {
  readonly stripe_subscription: string;
  /** What becomes of its items; null = it ends. */
  readonly items: readonly ItemChange[] | null;
  /** `now`: the invoice that the change makes, or, where it makes none, the next one. `next`: the next one after it. */
  readonly invoice: 'now' | 'next';
  /** Of `now`, a whole second of the current period. */
  readonly proration_date: Instant;
}

export type PreviewChangeResult = { readonly outcome: 'read'; readonly invoice: PreviewedInvoice } | Failed;

/** An invoice that there is not yet. */
export interface PreviewedInvoice {
  readonly currency: string;
  readonly period_end: Instant;
  readonly lines: readonly PreviewedLine[];
}

export interface PreviewedLine extends InvoiceLine {
  /** Whether it is about a part of a period, or about usage before a change. */
  readonly is_proration: boolean;
  /** Whether it has been waiting for an invoice. */
  readonly is_waiting: boolean;
  /** null = it is of none. */
  readonly stripe_subscription: string | null;
}

export interface SetSubscriptionEndParams {
  readonly stripe_subscription: string;
  /** Absent = as it is. */
  readonly cancel_at_period_end?: boolean;
  /** Whether invoices are left as drafts and not collected; absent = as it is. */
  readonly is_paused?: boolean;
}

export type ChangeSubscriptionResult =
  | { readonly outcome: 'changed'; readonly subscription: BilledSubscription }
  | Failed;

/** `invoices`: how many drafts there were. */
export type CollectDraftsResult = { readonly outcome: 'collecting'; readonly invoices: number } | Failed;

export interface FindPricesParams {
  readonly references: readonly PriceReference[];
}

/** `prices`: one for each reference, in their order; null = Stripe has no such active price. */
export type FindPricesResult =
  | { readonly outcome: 'read'; readonly prices: readonly (CataloguePrice | null)[] }
  | Failed;
