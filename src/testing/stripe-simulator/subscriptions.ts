import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { boolean, changedMetadata, metadata, oneOf, optional, readParams, text } from './params.ts';
import type { SubscriptionRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';
import { billStart, cancelNow, emitUpdate } from './subscription-cycle.ts';
import { subscriptionTerms } from './subscription-terms.ts';
import { subscriptionView } from './subscription-view.ts';

const PATH = '/v1/subscriptions';

export const SUBSCRIPTION_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
  { method: 'DELETE', path: `${PATH}/:id`, handle: cancel },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const terms = subscriptionTerms(simulation, params);
  const subscription = simulation.state.subscriptions.put({
    id: simulation.newId('sub'),
    created: simulation.now_s,
    ...terms,
    items: terms.items.map((item) => ({ ...item, id: simulation.newId('si') })),
    canceled_at: terms.cancel_at_period_end ? simulation.now_s : null,
    ended_at: null,
    latest_invoice: null,
  });
  simulation.expectPeriodEnd(subscription);
  return subscriptionView(simulation, billStart(simulation, subscription));
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return subscriptionView(simulation, existingSubscription(simulation, id));
}

/** Canceled subscriptions are listed only when asked for, as in Stripe. */
function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { customer, price, status, ...page } = readParams(params, {
    ...LIST_PARAMS,
    customer: optional(text()),
    price: optional(text()),
    status: optional(
      oneOf(
        'active',
        'all',
        'canceled',
        'ended',
        'incomplete',
        'incomplete_expired',
        'past_due',
        'paused',
        'trialing',
        'unpaid',
      ),
    ),
  });
  if (customer !== undefined && !simulation.state.customers.get(customer)) {
    throw noSuch('customer', customer, 'customer');
  }
  const subscriptions = simulation.state.subscriptions
    .newestFirst()
    .filter(
      (subscription) =>
        (customer === undefined || customer === subscription.customer) &&
        (price === undefined || subscription.items.some((item) => item.price === price)) &&
        isListed(subscription, status),
    );
  return pageOf(subscriptions, page, PATH, (subscription) => subscriptionView(simulation, subscription));
}

function isListed({ status }: SubscriptionRecord, wanted: string | undefined): boolean {
  if (wanted === undefined) return status !== 'canceled';
  return wanted === 'all' || wanted === status || (wanted === 'ended' && status === 'canceled');
}

function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const change = readParams(params, {
    metadata: optional(metadata()),
    cancel_at_period_end: optional(boolean()),
  });
  const before = existingSubscription(simulation, id);
  if (before.status === 'canceled' && change.cancel_at_period_end !== undefined) {
    throw new StripeError('A canceled subscription can only update its cancellation_details and metadata.', {
      code: 'invalid_canceled_subscription_fields',
      param: 'cancel_at_period_end',
    });
  }
  const subscription = simulation.state.subscriptions.put({
    ...before,
    ...cancellation(simulation, before, change.cancel_at_period_end),
    metadata: changedMetadata(before.metadata, change.metadata),
  });
  emitUpdate(simulation, before, subscription);
  return subscriptionView(simulation, subscription);
}

function cancellation(
  simulation: Simulation,
  before: SubscriptionRecord,
  cancel_at_period_end: boolean | undefined,
): Pick<SubscriptionRecord, 'cancel_at_period_end' | 'canceled_at'> {
  if (cancel_at_period_end === undefined || cancel_at_period_end === before.cancel_at_period_end)
    return before;
  return { cancel_at_period_end, canceled_at: cancel_at_period_end ? simulation.now_s : null };
}

function cancel(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { invoice_now, prorate } = readParams(params, {
    invoice_now: optional(boolean()),
    prorate: optional(boolean()),
  });
  const subscription = existingSubscription(simulation, id);
  if (subscription.status === 'canceled') throw noSuch('subscription', id);
  const canceled = cancelNow(simulation, subscription, {
    invoice_now: invoice_now ?? false,
    prorate: prorate ?? false,
  });
  return subscriptionView(simulation, canceled);
}

function existingSubscription(simulation: Simulation, id: string): SubscriptionRecord {
  const subscription = simulation.state.subscriptions.get(id);
  if (!subscription) throw noSuch('subscription', id);
  return subscription;
}
