import type { Instant } from './environment.ts';
import type { NoteMeterErrorsParams, NoteMeterErrorsResult } from './meter-errors.ts';

/**
 * What an event asks for. `sync`: read the customer's subscriptions again. `link`: the same, and if no account has the
 * customer, find out whose it is. `meter_errors`: fetch which meter events
 * Stripe rejected. `meter_deactivated`: tell people.
 */
export type WebhookTask = 'sync' | 'link' | 'meter_errors' | 'meter_deactivated';

const TASKS: ReadonlyMap<string, WebhookTask> = new Map([
  ['checkout.session.completed', 'link'],
  ['customer.subscription.created', 'link'],
  ['customer.subscription.updated', 'sync'],
  ['customer.subscription.deleted', 'sync'],
  ['customer.subscription.paused', 'sync'],
  ['customer.subscription.resumed', 'sync'],
  ['invoice.upcoming', 'sync'],
  ['invoice.created', 'sync'],
  ['invoice.finalized', 'sync'],
  ['invoice.finalization_failed', 'sync'],
  ['invoice.paid', 'sync'],
  ['invoice.payment_failed', 'sync'],
  ['invoice.payment_action_required', 'sync'],
  ['invoice.voided', 'sync'],
  ['billing.meter.deactivated', 'meter_deactivated'],
  ['v1.billing.meter.error_report_triggered', 'meter_errors'],
  ['v1.billing.meter.no_meter_found', 'meter_errors'],
]);

/** The types of events that are handled, by how Stripe sends them: whole, or as thin events of version 2 of the API. */
export const WEBHOOK_EVENT_TYPES = {
  snapshot: [...TASKS.keys()].filter((type) => !type.startsWith('v1.')),
  thin: [...TASKS.keys()].filter((type) => type.startsWith('v1.')),
} as const;

/** What an event of Stripe's asks for; null = nothing, it is not stored. */
export function webhookTaskOf(type: string): WebhookTask | null {
  return TASKS.get(type) ?? null;
}

/**
 * Where an event stands. `pending`: waits for the worker. `handled`: done. `parked`: failed too often, and waits for a
 * person.
 */
export type WebhookEventStatus = 'pending' | 'handled' | 'parked';

/** An event that Stripe sent: what happened is read from Stripe itself, so that neither order nor age matter. */
export interface WebhookEvent {
  /** `evt_…`, by which repeated deliveries are known. */
  readonly event_id: string;
  readonly type: string;
  /** Whom it is about; null = no customer. */
  readonly stripe_customer: string | null;
  /** What it is about, such as `mtr_…`; null = Stripe does not say. */
  readonly object_id: string | null;
  /** When it happened, by Stripe's clock. */
  readonly created_at: Instant;
  readonly received_at: Instant;
  readonly status: WebhookEventStatus;
  /** How often handling it failed; while Stripe does not answer, nothing fails. */
  readonly attempts: number;
  /** When the worker looks at it next; null = never. */
  readonly due_at: Instant | null;
  readonly handled_at: Instant | null;
  /** Why handling it failed last; null = it did not. */
  readonly last_error: string | null;
}

/** The part of the store that keeps Stripe's events. */
export interface WebhookEventStore {
  /**
   * Keeps an event until it is handled. `duplicate`: it was received before. `unknown_customer`: no account is linked
   * to its customer, nor is the event about an account that waits for one; nothing is kept, linking reads the
   * subscriptions anyway.
   */
  receiveWebhookEvent(
    params: ReceiveWebhookEventParams,
  ): Promise<'received' | 'duplicate' | 'unknown_customer'>;
  /** Events in the order in which they are due. */
  listDueWebhookEvents(params: {
    readonly now: Instant;
    readonly limit: number;
  }): Promise<readonly WebhookEvent[]>;
  /**
   * Makes the subscriptions of the events' customers due to be read, unless they were read after the event was
   * received, and marks the events as handled.
   */
  syncWebhookCustomers(params: {
    readonly events: readonly WebhookEvent[];
    readonly now: Instant;
  }): Promise<void>;
  /** Changes an event that is still pending after so many attempts; false = it no longer is. */
  changeWebhookEvent(params: ChangeWebhookEventParams): Promise<boolean>;
  /** What Stripe said of meter events that it accepted and rejected later, kept with their reports. */
  noteMeterErrors(params: NoteMeterErrorsParams): Promise<NoteMeterErrorsResult>;
  /** Events in the order of their ids. */
  listWebhookEvents(params: ListWebhookEventsParams): Promise<readonly WebhookEvent[]>;
  /** What Stripe told of a change of a subscription since an instant, newest first. */
  listSubscriptionEvents(params: ListSubscriptionEventsParams): Promise<readonly SubscriptionEvent[]>;
  /** Makes a parked event pending again, due at once; false = no event of this id is parked. */
  retryWebhookEvent(params: { readonly event_id: string; readonly now: Instant }): Promise<boolean>;
}

export type ReceiveWebhookEventParams = Pick<
  WebhookEvent,
  'event_id' | 'type' | 'stripe_customer' | 'object_id' | 'created_at' | 'received_at'
> & {
  /** The account that the event says it is about, as a hint where to look; absent or null = it names none. */
  readonly account_id?: string | null;
};

export interface ChangeWebhookEventParams {
  readonly event_id: string;
  /** The attempts that the caller saw. */
  readonly attempts: number;
  readonly changes: Partial<
    Pick<WebhookEvent, 'status' | 'attempts' | 'due_at' | 'handled_at' | 'last_error'>
  >;
}

export interface ListSubscriptionEventsParams {
  readonly stripe_subscription: string;
  /** By our clock. */
  readonly received_after: Instant;
  readonly limit: number;
}

/** An event `customer.subscription.updated`. */
export type SubscriptionEvent = Pick<WebhookEvent, 'event_id' | 'created_at'>;

export interface ListWebhookEventsParams {
  /** null = any. */
  readonly status: WebhookEventStatus | null;
  /** Ids after this one; null = from the first. */
  readonly after: string | null;
  readonly limit: number;
}
