import type { Price } from '../../core/price.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import {
  boolean,
  changedMetadata,
  emptyable,
  list as listParam,
  metadata,
  oneOf,
  optional,
  readParams,
  text,
} from './params.ts';
import { readPriceTerms } from './price-terms.ts';
import { createProduct, existingProduct, refuseTakenProductId } from './products.ts';
import type { PriceRecord, RecurringRecord, TierRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/prices';
const MAX_LOOKUP_KEYS = 10;

export const PRICE_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { read, terms } = readPriceTerms(simulation, params);
  if ((read.product === undefined) === (read.product_data === undefined)) {
    throw new StripeError('You must specify either `product` or `product_data` when creating a price.', {
      param: 'product',
    });
  }
  if (read.product !== undefined) existingProduct(simulation, read.product, 'product');
  refuseTakenProductId(simulation, read.product_data?.id, 'product_data[id]');
  claimLookupKey(simulation, read.lookup_key, read.transfer_lookup_key ?? false);
  const product =
    read.product_data === undefined
      ? (read.product ?? '')
      : createProduct(simulation, read.product_data, null).id;
  const price = simulation.state.prices.put({
    id: simulation.newId('price'),
    created: simulation.now_s,
    active: read.active ?? true,
    currency: read.currency,
    product,
    nickname: read.nickname ?? null,
    lookup_key: read.lookup_key ?? null,
    metadata: changedMetadata({}, read.metadata),
    tax_behavior: read.tax_behavior ?? 'unspecified',
    ...terms,
  });
  return priceView(price);
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return priceView(existingPrice(simulation, id));
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { lookup_keys, product, active, type, currency, ...page } = readParams(params, {
    ...LIST_PARAMS,
    lookup_keys: optional(listParam(text(200), 1, MAX_LOOKUP_KEYS)),
    product: optional(text()),
    active: optional(boolean()),
    type: optional(oneOf('one_time', 'recurring')),
    currency: optional(text(3)),
  });
  const prices = simulation.state.prices
    .newestFirst()
    .filter(
      (price) =>
        (lookup_keys === undefined || lookup_keys.some((key) => key === price.lookup_key)) &&
        (product === undefined || product === price.product) &&
        (active === undefined || active === price.active) &&
        (type === undefined || type === typeOf(price)) &&
        (currency === undefined || currency === price.currency),
    );
  return pageOf(prices, page, PATH, priceView);
}

/** What a price charges never changes. */
function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { lookup_key, transfer_lookup_key, ...change } = readParams(params, {
    active: optional(boolean()),
    lookup_key: optional(emptyable(text(200))),
    transfer_lookup_key: optional(boolean()),
    metadata: optional(metadata()),
    nickname: optional(emptyable(text())),
  });
  const before = existingPrice(simulation, id);
  if (change.active === false && simulation.state.products.get(before.product)?.default_price === id) {
    throw new StripeError('This price cannot be archived because it is the default price of its product.', {
      param: 'active',
    });
  }
  if (lookup_key !== before.lookup_key) {
    claimLookupKey(simulation, lookup_key ?? undefined, transfer_lookup_key ?? false);
  }
  const price = simulation.state.prices.put({
    ...before,
    active: change.active ?? before.active,
    lookup_key: lookup_key === undefined ? before.lookup_key : lookup_key,
    metadata: changedMetadata(before.metadata, change.metadata),
    nickname: change.nickname === undefined ? before.nickname : change.nickname,
  });
  return priceView(price);
}

/** @throws StripeError when there is no such price. */
export function existingPrice(simulation: Simulation, id: string, param = 'id'): PriceRecord {
  const price = simulation.state.prices.get(id);
  if (!price) throw noSuch('price', id, param);
  return price;
}

/** @throws StripeError for a one-time price. */
export function recurringOf({ recurring }: PriceRecord): RecurringRecord {
  if (recurring) return recurring;
  throw new StripeError(
    'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
    { param: 'items' },
  );
}

/** A lookup key belongs to one price; it moves only when asked to. */
function claimLookupKey(simulation: Simulation, key: string | undefined, isTransfer: boolean): void {
  if (key === undefined) return;
  const holder = [...simulation.state.prices.values()].find(({ lookup_key }) => lookup_key === key);
  if (!holder) return;
  if (!isTransfer) {
    throw new StripeError(`A price (\`${holder.id}\`) already uses that lookup key.`, {
      param: 'lookup_key',
    });
  }
  simulation.state.prices.put({ ...holder, lookup_key: null });
}

/** The price as `rate()` takes it. */
export function ratablePrice(price: PriceRecord): Price {
  if (price.tiered) {
    return {
      currency: price.currency,
      tiers_mode: price.tiered.tiers_mode,
      tiers: price.tiered.tiers.map(({ up_to, unit_amount_decimal, flat_amount_decimal }) => ({
        up_to: up_to ?? 'inf',
        unit_amount_decimal: unit_amount_decimal ?? '0',
        flat_amount_decimal: flat_amount_decimal ?? '0',
      })),
    };
  }
  return {
    currency: price.currency,
    unit_amount_decimal: price.unit_amount_decimal ?? '0',
    ...(price.transform_quantity === null ? {} : { transform_quantity: price.transform_quantity }),
  };
}

export function priceView(price: PriceRecord): JsonObject {
  return {
    id: price.id,
    object: 'price',
    active: price.active,
    billing_scheme: price.tiered ? 'tiered' : 'per_unit',
    created: price.created,
    currency: price.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: price.lookup_key,
    metadata: price.metadata,
    nickname: price.nickname,
    product: price.product,
    recurring: price.recurring && { ...price.recurring, trial_period_days: null },
    tax_behavior: price.tax_behavior,
    tiers_mode: price.tiered?.tiers_mode ?? null,
    transform_quantity: price.transform_quantity,
    type: typeOf(price),
    unit_amount: wholeAmount(price.unit_amount_decimal),
    unit_amount_decimal: price.unit_amount_decimal,
  };
}

/** Only there when it is expanded. */
export function tiersView({ tiered }: PriceRecord): JsonObject[] {
  return (tiered?.tiers ?? []).map(({ up_to, unit_amount_decimal, flat_amount_decimal }: TierRecord) => ({
    flat_amount: wholeAmount(flat_amount_decimal),
    flat_amount_decimal,
    unit_amount: wholeAmount(unit_amount_decimal),
    unit_amount_decimal,
    up_to,
  }));
}

/** The price in the older shape, which subscription items still carry. */
export function planView(price: PriceRecord): JsonObject {
  return {
    id: price.id,
    object: 'plan',
    active: price.active,
    amount: wholeAmount(price.unit_amount_decimal),
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: price.tiered ? 'tiered' : 'per_unit',
    created: price.created,
    currency: price.currency,
    interval: price.recurring?.interval ?? 'month',
    interval_count: price.recurring?.interval_count ?? 1,
    livemode: false,
    metadata: price.metadata,
    meter: price.recurring?.meter ?? null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: price.tiered?.tiers_mode ?? null,
    transform_usage: price.transform_quantity,
    trial_period_days: null,
    usage_type: price.recurring?.usage_type ?? 'licensed',
  };
}

function typeOf({ recurring }: PriceRecord): 'recurring' | 'one_time' {
  return recurring ? 'recurring' : 'one_time';
}

/** Stripe gives the integer beside the decimal only where there is one. */
function wholeAmount(decimal: string | null): number | null {
  return decimal !== null && /^\d+(\.0+)?$/.test(decimal) ? Number(decimal) : null;
}
