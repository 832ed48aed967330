import type { FormObject } from './form.ts';
import type { JsonObject } from './json.ts';

/**
 * What the simulator remembers: plain data that survives JSON. Instants named `…_ms` are milliseconds since the
 * epoch, all others are whole seconds, as in Stripe's API.
 */
export interface CustomerRecord {
  readonly id: string;
  readonly created: number;
  readonly deleted: boolean;
  readonly name: string | null;
  readonly email: string | null;
  readonly description: string | null;
  readonly phone: string | null;
  /** null: none, as of every customer of an older state file. */
  readonly default_payment_method: string | null;
  readonly metadata: Metadata;
  /** Minor units, never positive: what is below zero pays for the next invoices. */
  readonly balance: number;
  /** The test clock that it was made with; null: none. */
  readonly test_clock: string | null;
}

/** A name for the simulator's only clock. */
export interface TestClockRecord {
  readonly id: string;
  readonly created: number;
  readonly name: string | null;
}

export type Metadata = Readonly<Record<string, string>>;

export interface ProductRecord {
  readonly id: string;
  readonly created: number;
  readonly active: boolean;
  readonly name: string;
  readonly description: string | null;
  readonly unit_label: string | null;
  /** null: none. */
  readonly default_price: string | null;
  readonly metadata: Metadata;
}

export interface MeterRecord {
  readonly id: string;
  readonly created: number;
  readonly updated: number;
  readonly display_name: string;
  readonly event_name: string;
  readonly formula: 'sum' | 'count' | 'last';
  readonly customer_key: string;
  readonly value_key: string;
  /** null: active. */
  readonly deactivated_at: number | null;
}

export interface TierRecord {
  /** null: without end. */
  readonly up_to: number | null;
  readonly unit_amount_decimal: string | null;
  readonly flat_amount_decimal: string | null;
}

export interface RecurringRecord {
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly interval_count: number;
  readonly usage_type: 'metered' | 'licensed';
  /** null: licensed. */
  readonly meter: string | null;
}

export interface PriceRecord {
  readonly id: string;
  readonly created: number;
  readonly active: boolean;
  readonly currency: string;
  readonly product: string;
  readonly nickname: string | null;
  readonly lookup_key: string | null;
  readonly metadata: Metadata;
  readonly tax_behavior: 'exclusive' | 'inclusive' | 'unspecified';
  /** null: one-time. */
  readonly recurring: RecurringRecord | null;
  /** null: tiered. */
  readonly unit_amount_decimal: string | null;
  readonly transform_quantity: { readonly divide_by: number; readonly round: 'up' | 'down' } | null;
  /** null: per unit. */
  readonly tiered: {
    readonly tiers_mode: 'volume' | 'graduated';
    readonly tiers: readonly TierRecord[];
  } | null;
}

/** `[start, end)` in seconds. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

export interface SubscriptionItemRecord {
  readonly id: string;
  readonly created: number;
  readonly price: string;
  /** null: metered. */
  readonly quantity: number | null;
  readonly metadata: Metadata;
  readonly period: Period;
  /** Since when its usage is on no invoice: the start of its period, or a later change of its price. */
  readonly unbilled_from: number;
  /** What its current period was paid for, which can be other than what it is now; null: nothing. */
  readonly debited: { readonly price: string; readonly quantity: number } | null;
}

/** Which subscription an item is on, or was; the id is the item's. */
export interface ItemOwnerRecord {
  readonly id: string;
  readonly subscription: string;
}

export interface SubscriptionRecord {
  readonly id: string;
  readonly created: number;
  readonly customer: string;
  readonly currency: string;
  readonly status:
    | 'incomplete'
    | 'incomplete_expired'
    | 'trialing'
    | 'active'
    | 'past_due'
    | 'paused'
    | 'canceled';
  readonly billing_mode: 'flexible' | 'classic';
  /** When it was migrated from classic to flexible; null: never. */
  readonly migrated_at: number | null;
  readonly billing_cycle_anchor: number;
  readonly collection_method: 'charge_automatically' | 'send_invoice';
  readonly days_until_due: number | null;
  readonly description: string | null;
  readonly default_payment_method: string | null;
  readonly metadata: Metadata;
  readonly trial: Period | null;
  /** What becomes of it when its trial ends and the customer has no payment method; absent: it is billed. */
  readonly missing_payment_method?: 'pause' | 'cancel';
  /** Since when it is paused, and why; absent or null: it is not. */
  readonly pause?: PauseRecord | null;
  /** What becomes of its invoices while nothing is collected; null: they are collected. */
  readonly pause_collection: PauseCollectionRecord | null;
  readonly cancel_at_period_end: boolean;
  /** When it ends, wherever in a period that is, and whether the rest of that is credited; null: it goes on. */
  readonly cancel_at: { readonly at: number; readonly prorates: boolean } | null;
  /** What the customer said about it. */
  readonly cancellation_details: { readonly comment: string | null; readonly feedback: string | null };
  /** When it was asked to end; null: never. */
  readonly canceled_at: number | null;
  readonly ended_at: number | null;
  readonly latest_invoice: string | null;
  readonly items: readonly SubscriptionItemRecord[];
}

export interface PauseRecord {
  readonly at: number;
  readonly reason: 'pause_requested' | 'trial_end_without_payment_method';
}

export interface PauseCollectionRecord {
  readonly behavior: 'keep_as_draft' | 'mark_uncollectible' | 'void';
  /** null: when it is told to. */
  readonly resumes_at: number | null;
}

/** Something that an invoice bills: rated when the invoice is shown or finalised. */
export interface ChargeRecord {
  /**
   * `usage`: what the meter counted in the period. `licensed`: the quantity in advance. `unused`: credit for the
   * rest of a period paid in advance. `remaining`: that rest at the terms of a change. `trial` and `nothing`: a line
   * of zero.
   */
  readonly kind: 'usage' | 'licensed' | 'unused' | 'remaining' | 'trial' | 'nothing';
  readonly subscription: string;
  readonly subscription_item: string;
  readonly price: string;
  readonly quantity: number | null;
  readonly period: Period;
  /** The part of a whole interval that is billed; null: all of it. */
  readonly share: { readonly part_s: number; readonly whole_s: number } | null;
}

export interface InvoiceLineRecord {
  /** null: not of a subscription. */
  readonly subscription: string | null;
  readonly subscription_item: string | null;
  /** The invoice item that it comes from; null: the subscription itself. */
  readonly invoice_item: string | null;
  /** null: an amount without a price. */
  readonly price: string | null;
  readonly amount: number;
  readonly description: string;
  readonly quantity: number;
  readonly unit_amount_decimal: string | null;
  readonly proration: boolean;
  readonly period: Period;
  readonly metadata: Metadata;
}

/** Something with a fixed amount that waits for the customer's next invoice, or is on one. */
export interface InvoiceItemRecord {
  readonly id: string;
  readonly created: number;
  readonly customer: string;
  readonly currency: string;
  /** null: pending. */
  readonly invoice: string | null;
  readonly line: InvoiceLineRecord;
}

/** What is due of an invoice, and what it makes of the customer's balance. */
export interface SettlementRecord {
  readonly amount_due: number;
  readonly starting_balance: number;
  readonly ending_balance: number;
}

export interface InvoiceRecord {
  readonly id: string;
  readonly created: number;
  readonly customer: string;
  /** null: made by hand for the customer. */
  readonly subscription: string | null;
  readonly currency: string;
  readonly billing_reason:
    | 'manual'
    | 'subscription_create'
    | 'subscription_cycle'
    | 'subscription_update'
    | 'upcoming';
  readonly collection_method: 'charge_automatically' | 'send_invoice';
  readonly days_until_due: number | null;
  readonly period: Period;
  /** Ids of the invoice items on it. */
  readonly items: readonly string[];
  readonly charges: readonly ChargeRecord[];
  readonly description: string | null;
  readonly metadata: Metadata;
  readonly status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
  /** When it got paid, void or uncollectible; null: not yet. */
  readonly closed_at: number | null;
  /** null: not by itself. */
  readonly finalizes_at_ms: number | null;
  /** null: a draft, whose lines are rated anew whenever it is shown. */
  readonly finalized: {
    readonly at: number;
    readonly number: string;
    readonly lines: readonly InvoiceLineRecord[];
    readonly settlement: SettlementRecord;
  } | null;
}

export interface MeterEventRecord {
  readonly id: string;
  readonly identifier: string;
  readonly event_name: string;
  readonly meter: string;
  readonly customer: string;
  readonly payload: Readonly<Record<string, string>>;
  /** A decimal number as sent. */
  readonly value: string;
  /** When the usage happened, in seconds. */
  readonly timestamp: number;
  readonly received_at_ms: number;
  /** When it is counted or rejected. */
  readonly due_at_ms: number;
  readonly status: 'pending' | 'counted' | 'rejected';
  /** A code to reject it with when it is due, whatever else is right about it; null: none. */
  readonly forced_rejection: string | null;
  readonly idempotency_key: string | null;
}

/** What Stripe would report later in a thin event `v1.billing.meter.error_report_triggered`. */
export interface AsyncErrorRecord {
  readonly id: string;
  readonly code: string;
  readonly meter: string;
  readonly event_name: string;
  readonly identifier: string;
  /** The Idempotency-Key of the request that sent the event; null: it had none. */
  readonly idempotency_key: string | null;
  readonly at_ms: number;
}

/** Asynchronous errors of a meter that its next report will tell of. */
export interface ErrorReportRecord {
  /** The meter; `no_meter` for events that no meter takes. */
  readonly id: string;
  readonly at_ms: number;
  /** Ids of asynchronous errors. */
  readonly errors: readonly string[];
}

/** Something that happened, for the app's endpoint. */
export interface EventRecord {
  readonly id: string;
  readonly at_ms: number;
  /** Such as `invoice.created`. */
  readonly type: string;
  readonly content:
    | {
        readonly style: 'snapshot';
        /** As it was then. */
        readonly object: JsonObject;
        /** What an update changed; null: it is none. */
        readonly previous_attributes: JsonObject | null;
      }
    | {
        readonly style: 'thin';
        readonly related_object: JsonObject | null;
        /** Only told to whoever fetches the event. */
        readonly data: JsonObject;
      };
}

/** An event on its way to the endpoint; gone when it has arrived, or was given up. */
export interface DeliveryRecord {
  readonly id: string;
  readonly event: string;
  readonly due_at_ms: number;
  readonly attempts: number;
  /** When it was first tried; null: not yet. */
  readonly first_at_ms: number | null;
}

/** An answer kept under its Idempotency-Key, which is the id. */
export interface SavedAnswerRecord {
  readonly id: string;
  readonly fingerprint: string;
  readonly saved_at_ms: number;
  readonly status: number;
  readonly body: JsonObject;
}

/** A request whose sender has given up, and which will take effect nevertheless. */
export interface DelayedRequestRecord {
  readonly id: string;
  readonly at_ms: number;
  /** Such as `POST /v1/billing/meter_events`. */
  readonly route: string;
  readonly path_id: string;
  readonly params: FormObject;
  readonly idempotency_key: string | null;
  readonly fingerprint: string;
}

/** A number that must survive: the next id, the random generator's state. */
export interface CounterRecord {
  readonly id: string;
  readonly value: number;
}
