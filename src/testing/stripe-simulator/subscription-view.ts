import type { JsonObject } from './json.ts';
import { listOf } from './lists.ts';
import { firstPeriodEnd } from './next-step.ts';
import { existingPrice, planView, priceView } from './prices.ts';
import type { PauseRecord, SubscriptionItemRecord, SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

export function subscriptionView(simulation: Simulation, subscription: SubscriptionRecord): JsonObject {
  const items = subscription.items.map((item) => itemView(simulation, subscription, item));
  const { cancel_at_period_end, canceled_at, ended_at, status, pause } = subscription;
  return {
    id: subscription.id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: subscription.billing_cycle_anchor,
    billing_cycle_anchor_config: null,
    billing_mode: billingMode(subscription),
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: endOf(subscription),
    cancel_at_period_end,
    canceled_at,
    cancellation_details: {
      comment: subscription.cancellation_details.comment,
      feedback: subscription.cancellation_details.feedback,
      feedback_option: null,
      reason: canceled_at === null ? null : 'cancellation_requested',
    },
    collection_method: subscription.collection_method,
    created: subscription.created,
    currency: subscription.currency,
    customer: subscription.customer,
    customer_account: null,
    days_until_due: subscription.days_until_due,
    default_payment_method: subscription.default_payment_method,
    default_source: null,
    default_tax_rates: [],
    description: subscription.description,
    discounts: [],
    ended_at,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: listOf(items, `/v1/subscription_items?subscription=${subscription.id}`),
    latest_invoice: subscription.latest_invoice,
    livemode: false,
    managed_payments: null,
    metadata: subscription.metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: subscription.pause_collection && { ...subscription.pause_collection },
    payment_settings: null,
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: subscription.created,
    status,
    ...(status === 'paused' && pause ? { status_details: pauseDetails(pause) } : {}),
    test_clock: simulation.state.customers.get(subscription.customer)?.test_clock ?? null,
    transfer_data: null,
    trial_end: subscription.trial?.end ?? null,
    trial_settings: {
      end_behavior: {
        billing_cycle_anchor: null,
        missing_payment_method: subscription.missing_payment_method ?? 'create_invoice',
      },
    },
    trial_start: subscription.trial?.start ?? null,
  };
}

function pauseDetails({ at, reason }: PauseRecord): JsonObject {
  return { paused: { subscription: { type: reason }, transitioned_at: at, type: 'subscription' } };
}

/** When it is to end; null: it goes on, or has ended already at the end of a period. */
function endOf(subscription: SubscriptionRecord): number | null {
  const { cancel_at, cancel_at_period_end, status } = subscription;
  if (cancel_at) return cancel_at.at;
  return cancel_at_period_end && status !== 'canceled' ? firstPeriodEnd(subscription.items) : null;
}

function billingMode({ billing_mode, migrated_at }: SubscriptionRecord): JsonObject {
  if (billing_mode === 'classic') return { flexible: null, type: 'classic' };
  const flexible = { flexible: { proration_discounts: 'included' }, type: 'flexible' };
  return migrated_at === null ? flexible : { ...flexible, updated_at: migrated_at };
}

export function itemView(
  simulation: Simulation,
  { id }: SubscriptionRecord,
  item: SubscriptionItemRecord,
): JsonObject {
  const price = existingPrice(simulation, item.price);
  return {
    id: item.id,
    object: 'subscription_item',
    billing_thresholds: null,
    created: item.created,
    current_period_end: item.period.end,
    current_period_start: item.period.start,
    current_trial: null,
    discounts: [],
    metadata: item.metadata,
    plan: planView(price),
    price: priceView(price),
    ...(item.quantity === null ? {} : { quantity: item.quantity }),
    subscription: id,
    tax_rates: [],
  };
}
