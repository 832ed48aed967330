import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { boolean, fields, oneOf, optional, readParams, text } from './params.ts';
import type { SubscriptionRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';
import { billStart, cancelNow, emitUpdate, rememberItems } from './subscription-cycle.ts';
import { subscriptionTerms } from './subscription-terms.ts';
import { CANCELLATION_DETAILS, changedDetails, updateSubscription } from './subscription-update.ts';
import { subscriptionView } from './subscription-view.ts';

const PATH = '/v1/subscriptions';

export const SUBSCRIPTION_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
  { method: 'POST', path: `${PATH}/:id/migrate`, handle: migrate },
  { method: 'DELETE', path: `${PATH}/:id`, handle: cancel },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const terms = subscriptionTerms(simulation, params);
  const subscription = simulation.state.subscriptions.put({
    id: simulation.newId('sub'),
    created: simulation.now_s,
    ...terms,
    items: terms.items.map((item) => ({ ...item, id: simulation.newId('si'), created: simulation.now_s })),
    canceled_at: terms.cancel_at_period_end ? simulation.now_s : null,
    ended_at: null,
    latest_invoice: null,
  });
  rememberItems(simulation, subscription);
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
  const { subscriptions } = simulation.state;
  const candidates =
    customer === undefined ? subscriptions.newestFirst() : subscriptions.of(customer).reverse();
  const listed = candidates.filter(
    (subscription) =>
      (price === undefined || subscription.items.some((item) => item.price === price)) &&
      isListed(subscription, status),
  );
  return pageOf(listed, page, PATH, (subscription) => subscriptionView(simulation, subscription));
}

function isListed({ status }: SubscriptionRecord, wanted: string | undefined): boolean {
  if (wanted === undefined) return status !== 'canceled';
  return wanted === 'all' || wanted === status || (wanted === 'ended' && status === 'canceled');
}

function update(simulation: Simulation, request: RouteRequest): JsonObject {
  return updateSubscription(simulation, existingSubscription(simulation, request.id), request);
}

/** From classic to flexible, never back. Periods, and what is not billed yet, go on. */
function migrate(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {
    billing_mode: fields({
      type: oneOf('flexible'),
      flexible: optional(fields({ proration_discounts: optional(oneOf('included')) })),
    }),
  });
  const before = existingSubscription(simulation, id);
  if (before.status === 'canceled' || before.billing_mode === 'flexible') {
    throw new StripeError(
      before.status === 'canceled'
        ? 'A canceled subscription cannot be migrated.'
        : 'The subscription already has `billing_mode` `flexible`.',
      { param: 'billing_mode[type]' },
    );
  }
  const subscription = simulation.state.subscriptions.put({
    ...before,
    billing_mode: 'flexible',
    migrated_at: simulation.now_s,
  });
  emitUpdate(simulation, before, subscription);
  return subscriptionView(simulation, subscription);
}

function cancel(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { invoice_now, prorate, cancellation_details } = readParams(params, {
    invoice_now: optional(boolean()),
    prorate: optional(boolean()),
    cancellation_details: CANCELLATION_DETAILS,
  });
  const before = existingSubscription(simulation, id);
  if (before.status === 'canceled') throw noSuch('subscription', id);
  const explained = { ...before, cancellation_details: changedDetails(before, cancellation_details) };
  const canceled = cancelNow(simulation, explained, {
    invoice_now: invoice_now ?? false,
    prorate: prorate ?? false,
  });
  return subscriptionView(simulation, canceled);
}

/** @throws StripeError when there is no such subscription. */
export function existingSubscription(simulation: Simulation, id: string, param = 'id'): SubscriptionRecord {
  const subscription = simulation.state.subscriptions.get(id);
  if (!subscription) throw noSuch('subscription', id, param);
  return subscription;
}
