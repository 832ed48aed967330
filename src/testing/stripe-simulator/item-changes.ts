import { boolean, changedMetadata, integer, metadata, optional, text } from './params.ts';
import { existingPrice, recurringOf } from './prices.ts';
import type { PriceRecord, SubscriptionItemRecord, SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';
import { itemPrice, MAX_ITEMS, refuseMeteredQuantity, refuseMixture } from './subscription-item-terms.ts';

/** What can be asked of an item; without `id` it is added. */
export const ITEM_CHANGE = {
  id: optional(text()),
  price: optional(text()),
  quantity: optional(integer()),
  deleted: optional(boolean()),
  clear_usage: optional(boolean()),
  metadata: optional(metadata()),
};

export interface ItemChange {
  readonly id: string | undefined;
  readonly price: string | undefined;
  readonly quantity: number | undefined;
  readonly deleted: boolean | undefined;
  readonly clear_usage: boolean | undefined;
  readonly metadata: Readonly<Record<string, string>> | null | undefined;
}

/** An item without its periods, which follow from the change as a whole. */
export type ItemTerms = Omit<SubscriptionItemRecord, 'period' | 'unbilled_from' | 'debited'>;

/** One item before and after a change; null: it is not there. At least one of them is. */
export interface ItemStep {
  readonly before: SubscriptionItemRecord | null;
  readonly after: ItemTerms | null;
}

/**
 * What becomes of every item of a subscription, in the order in which it shows them.
 *
 * @param newId makes the id of an item that is added.
 * @throws StripeError for what Stripe would refuse.
 */
export function itemSteps(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  changes: readonly ItemChange[],
  newId: () => string,
): ItemStep[] {
  for (const [index, change] of changes.entries()) refuseChange(subscription, changes, change, index);
  const kept = subscription.items.map((before): ItemStep => {
    const index = changes.findIndex(({ id }) => id === before.id);
    const change = changes[index];
    return { before, after: change ? changedItem(simulation, before, change, `items[${index}]`) : before };
  });
  const added = changes.flatMap((change, index) =>
    change.id === undefined ? [newItem(simulation, change, `items[${index}]`)] : [],
  );
  const prices = [...kept.flatMap(({ after }) => after ?? []), ...added].map(({ price }) => price);
  refuseOutcome(simulation, subscription, prices);
  // A refused request uses up no id.
  return [...kept, ...added.map((item): ItemStep => ({ before: null, after: { ...item, id: newId() } }))];
}

function refuseChange(
  { items, billing_mode }: SubscriptionRecord,
  changes: readonly ItemChange[],
  { id, deleted, clear_usage }: ItemChange,
  index: number,
): void {
  const param = `items[${index}]`;
  if (id !== undefined && !items.some((item) => item.id === id)) {
    throw noSuch('subscription_item', id, `${param}[id]`);
  }
  if (id !== undefined && changes.findIndex((change) => change.id === id) !== index) {
    throw new StripeError(`The subscription item ${id} is specified twice.`, { param: `${param}[id]` });
  }
  if (id === undefined && deleted === true) {
    throw new StripeError('You must pass the `id` of the subscription item to delete.', {
      code: 'parameter_missing',
      param: `${param}[id]`,
    });
  }
  if (clear_usage === true && billing_mode === 'flexible') {
    throw new StripeError('`clear_usage` is not supported for subscriptions with `billing_mode=flexible`.', {
      param: `${param}[clear_usage]`,
    });
  }
}

function changedItem(
  simulation: Simulation,
  before: SubscriptionItemRecord,
  change: ItemChange,
  param: string,
): ItemTerms | null {
  if (change.deleted === true) return null;
  const old = existingPrice(simulation, before.price);
  const isSwap = change.price !== undefined && change.price !== before.price;
  const price = isSwap ? itemPrice(simulation, change.price, change.quantity, param) : old;
  refuseMeteredQuantity(price, change.quantity, param);
  if (recurringOf(price).usage_type !== recurringOf(old).usage_type) {
    throw new StripeError(
      'You cannot change a subscription item between a metered and a licensed price. Delete it and add another one in the same request.',
      { param: `${param}[price]` },
    );
  }
  const { id, created } = before;
  const quantity = before.quantity === null ? null : (change.quantity ?? (isSwap ? 1 : before.quantity));
  return {
    id,
    created,
    price: price.id,
    quantity,
    metadata: changedMetadata(before.metadata, change.metadata),
  };
}

function newItem(simulation: Simulation, change: ItemChange, param: string): Omit<ItemTerms, 'id'> {
  if (change.price === undefined) {
    throw new StripeError(`Missing required param: ${param}[price].`, {
      code: 'parameter_missing',
      param: `${param}[price]`,
    });
  }
  const price = itemPrice(simulation, change.price, change.quantity, param);
  return {
    created: simulation.now_s,
    price: price.id,
    quantity: recurringOf(price).usage_type === 'metered' ? null : (change.quantity ?? 1),
    metadata: changedMetadata({}, change.metadata),
  };
}

function refuseOutcome(
  simulation: Simulation,
  { currency, billing_mode, items }: SubscriptionRecord,
  ids: readonly string[],
): void {
  const prices = ids.map((id) => existingPrice(simulation, id));
  if (prices.length === 0) {
    throw new StripeError(
      'A subscription must have at least one active item. To remove the last one, cancel the subscription instead.',
      { param: 'items' },
    );
  }
  if (prices.length > MAX_ITEMS) {
    throw new StripeError(`A subscription can have at most ${MAX_ITEMS} items.`, { param: 'items' });
  }
  if (prices.some((price) => price.currency !== currency)) {
    throw new StripeError(`The currency of a subscription (${currency}) cannot change.`, { param: 'items' });
  }
  refuseMixture(prices, billing_mode);
  if (!simulation.settings.refuses_tiers_mode_change) return;
  refuseTiersModeChange(
    items.map(({ price }) => existingPrice(simulation, price)),
    prices,
  );
}

/** A rule that the original description of the product tells of, and no document of Stripe's. */
function refuseTiersModeChange(before: readonly PriceRecord[], after: readonly PriceRecord[]): void {
  const isVolume = ({ tiered }: PriceRecord) => tiered?.tiers_mode === 'volume';
  const isChanged = after.some((price) => {
    const meter = price.recurring?.meter ?? null;
    const old = meter === null ? undefined : before.find(({ recurring }) => recurring?.meter === meter);
    return old !== undefined && isVolume(old) !== isVolume(price);
  });
  if (!isChanged) return;
  throw new StripeError('You cannot change a price between `tiers_mode=volume` and another billing scheme.', {
    param: 'items',
  });
}
