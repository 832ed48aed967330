import type { ItemChange } from './item-changes.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { boolean, integer, metadata, optional, readParams, text } from './params.ts';
import type { SubscriptionRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';
import type { ChangeParams } from './subscription-change.ts';
import { PAYMENT_PARAMS } from './subscription-terms.ts';
import { applyChange, PRORATION_PARAMS } from './subscription-update.ts';
import { itemView } from './subscription-view.ts';
import { existingSubscription } from './subscriptions.ts';

const PATH = '/v1/subscription_items';

export const SUBSCRIPTION_ITEM_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
  { method: 'DELETE', path: `${PATH}/:id`, handle: remove },
];

const NO_CHANGE: ItemChange = {
  id: undefined,
  price: undefined,
  quantity: undefined,
  deleted: undefined,
  clear_usage: undefined,
  metadata: undefined,
};

const TERMS = {
  ...PRORATION_PARAMS,
  ...PAYMENT_PARAMS,
  quantity: optional(integer()),
  metadata: optional(metadata()),
};

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const {
    subscription,
    price,
    quantity,
    metadata: own,
    ...how
  } = readParams(params, {
    ...TERMS,
    subscription: text(),
    price: text(),
  });
  const before = existingSubscription(simulation, subscription, 'subscription');
  const after = changeItem(simulation, before, { ...NO_CHANGE, price, quantity, metadata: own }, how);
  const added = after.items.find(({ id }) => before.items.every((item) => item.id !== id));
  return shown(simulation, after, added?.id ?? '');
}

function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const {
    price,
    quantity,
    metadata: own,
    ...how
  } = readParams(params, { ...TERMS, price: optional(text()) });
  const subscription = ownerOf(simulation, id);
  const change = { ...NO_CHANGE, id, price, quantity, metadata: own };
  return shown(simulation, changeItem(simulation, subscription, change, how), id);
}

function remove(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { clear_usage, ...how } = readParams(params, {
    ...PRORATION_PARAMS,
    ...PAYMENT_PARAMS,
    clear_usage: optional(boolean()),
  });
  const subscription = ownerOf(simulation, id);
  changeItem(simulation, subscription, { ...NO_CHANGE, id, deleted: true, clear_usage }, how);
  return { id, object: 'subscription_item', deleted: true };
}

/** An item changes as in an update of its subscription. */
function changeItem(
  simulation: Simulation,
  before: SubscriptionRecord,
  change: ItemChange,
  how: Pick<ChangeParams, 'proration_behavior' | 'proration_date'>,
): SubscriptionRecord {
  if (before.status === 'canceled') {
    throw new StripeError('A canceled subscription can only update its cancellation_details and metadata.', {
      code: 'invalid_canceled_subscription_fields',
    });
  }
  const { proration_behavior, proration_date } = how;
  return applyChange(simulation, before, before, {
    items: [change],
    proration_behavior,
    proration_date,
    trial_end: undefined,
    billing_cycle_anchor: undefined,
  });
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return shown(simulation, ownerOf(simulation, id), id);
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { subscription: id, ...page } = readParams(params, { ...LIST_PARAMS, subscription: text() });
  const subscription = existingSubscription(simulation, id, 'subscription');
  return pageOf(subscription.items, page, PATH, (item) => itemView(simulation, subscription, item));
}

function shown(simulation: Simulation, subscription: SubscriptionRecord, id: string): JsonObject {
  const item = subscription.items.find((candidate) => candidate.id === id);
  if (!item) throw noSuch('subscription_item', id);
  return itemView(simulation, subscription, item);
}

/** @throws StripeError when no subscription has the item. */
function ownerOf({ state }: Simulation, id: string): SubscriptionRecord {
  const subscription = state.subscriptions.get(state.itemOwners.get(id)?.subscription ?? '');
  if (!subscription?.items.some((item) => item.id === id)) throw noSuch('subscription_item', id);
  return subscription;
}
