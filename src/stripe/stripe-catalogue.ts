import type { Stripe } from 'stripe';
import {
  type Catalogue,
  type ListedMeter,
  type ListedPrice,
  type ListedProduct,
  productIdOf,
} from '../core/catalogue.ts';
import type { ReadCatalogueParams } from '../core/catalogue-provider.ts';
import { PLAN_KEY } from './metadata-keys.ts';
import { intervalOf, toPrice } from './stripe-prices.ts';

/** What `push` writes on licensed prices: whether they are seats. */
export const QUANTITY_METADATA = 'tallybook_quantity';
/** A Stripe account has a handful of meters; reading on past this would be a loop. */
const MAX_METERS = 1_000;
/** Of a plan's product: every change of a price adds one, of which one is active. */
const MAX_PRICES_OF_PRODUCT = 200;
const MAX_PRICES = 2_000;
/** Stripe takes so many in one list (docs.stripe.com/api/prices/list, /products/list). */
const MAX_LOOKUP_KEYS = 10;
const MAX_PRODUCT_IDS = 100;

/** What Stripe has of the configured meters and plans. */
export async function readCatalogue(
  stripe: Stripe,
  { references, plans }: ReadCatalogueParams,
): Promise<Catalogue> {
  const meters = await readMeters(stripe);
  const own = await readProducts(stripe, plans.map(productIdOf));
  const named = references.flatMap(({ stripe_price }) => (stripe_price === null ? [] : [stripe_price]));
  const keys = references.flatMap(({ stripe_price, lookup_key }) =>
    stripe_price === null ? [lookup_key] : [],
  );
  const prices = [
    ...(await pricesByKeys(stripe, [...new Set(keys)])),
    ...(await pricesByIds(stripe, [...new Set(named)])),
    ...(await pricesOfProducts(stripe, own)),
  ];
  return catalogueOf(meters, own, prices);
}

/** Everything that is for sale by subscription. */
export async function listCatalogue(
  stripe: Stripe,
): Promise<{ readonly catalogue: Catalogue; readonly truncated: boolean }> {
  const meters = await readMeters(stripe);
  const prices = await stripe.prices
    .list({ active: true, type: 'recurring', limit: 100, expand: ['data.tiers', 'data.product'] })
    .autoPagingToArray({ limit: MAX_PRICES });
  return { catalogue: catalogueOf(meters, [], prices), truncated: prices.length === MAX_PRICES };
}

async function readMeters(stripe: Stripe): Promise<ListedMeter[]> {
  const meters = await stripe.billing.meters.list({ limit: 100 }).autoPagingToArray({ limit: MAX_METERS });
  return meters.map((meter) => ({
    stripe_meter: meter.id,
    event_name: meter.event_name,
    display_name: meter.display_name,
    active: meter.status === 'active',
    formula: meter.default_aggregation.formula,
    customer_key: meter.customer_mapping.event_payload_key,
    value_key: meter.value_settings.event_payload_key,
    event_time_window: meter.event_time_window,
  }));
}

async function readProducts(stripe: Stripe, ids: readonly string[]): Promise<Stripe.Product[]> {
  const products: Stripe.Product[] = [];
  for (let from = 0; from < ids.length; from += MAX_PRODUCT_IDS) {
    const page = await stripe.products.list({ ids: ids.slice(from, from + MAX_PRODUCT_IDS), limit: 100 });
    products.push(...page.data);
  }
  return products;
}

/** Also those that are no longer active: a key stays with its price. */
async function pricesByKeys(stripe: Stripe, lookup_keys: readonly string[]): Promise<Stripe.Price[]> {
  const prices: Stripe.Price[] = [];
  for (let from = 0; from < lookup_keys.length; from += MAX_LOOKUP_KEYS) {
    const page = await stripe.prices.list({
      lookup_keys: lookup_keys.slice(from, from + MAX_LOOKUP_KEYS),
      limit: 100,
      expand: ['data.tiers', 'data.product'],
    });
    prices.push(...page.data);
  }
  return prices;
}

/** Without those that Stripe does not have. */
async function pricesByIds(stripe: Stripe, ids: readonly string[]): Promise<Stripe.Price[]> {
  const prices: Stripe.Price[] = [];
  for (const id of ids) {
    try {
      prices.push(await stripe.prices.retrieve(id, { expand: ['tiers', 'product'] }));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return prices;
}

async function pricesOfProducts(
  stripe: Stripe,
  products: readonly Stripe.Product[],
): Promise<Stripe.Price[]> {
  const prices: Stripe.Price[] = [];
  for (const { id: product } of products) {
    const list = { product, active: true, limit: 100, expand: ['data.tiers', 'data.product'] };
    prices.push(...(await stripe.prices.list(list).autoPagingToArray({ limit: MAX_PRICES_OF_PRODUCT })));
  }
  return prices;
}

/** Stripe says the same of a price of the other mode. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'resource_missing';
}

function catalogueOf(
  meters: readonly ListedMeter[],
  products: readonly Stripe.Product[],
  prices: readonly Stripe.Price[],
): Catalogue {
  const listed = new Map(products.map((product) => [product.id, listedProduct(product)]));
  for (const { product } of prices) {
    if (typeof product === 'object' && !product.deleted) listed.set(product.id, listedProduct(product));
  }
  const byId = new Map(prices.map((price) => [price.id, listedPrice(price, meters)]));
  return { meters, products: [...listed.values()], prices: [...byId.values()] };
}

function listedProduct({ id, name, active, metadata }: Stripe.Product): ListedProduct {
  return { stripe_product: id, name, active, plan: metadata[PLAN_KEY] ?? null };
}

function listedPrice(price: Stripe.Price, meters: readonly ListedMeter[]): ListedPrice {
  const { id, lookup_key, active, recurring, product, metadata } = price;
  const stripe_meter = recurring?.meter ?? null;
  return {
    ...toPrice(price),
    stripe_price: id,
    lookup_key,
    active,
    interval: recurring ? intervalOf(recurring.interval) : null,
    interval_count: recurring?.interval_count ?? 1,
    stripe_meter,
    event_name: meters.find((meter) => meter.stripe_meter === stripe_meter)?.event_name ?? stripe_meter,
    stripe_product: typeof product === 'string' ? product : product.id,
    plan: metadata[PLAN_KEY] ?? null,
    quantity: quantityOf(metadata[QUANTITY_METADATA]),
    beyond: beyondOf(price),
  };
}

function quantityOf(text: string | undefined): ListedPrice['quantity'] {
  return text === 'one' || text === 'seats' ? text : null;
}

function beyondOf({
  custom_unit_amount,
  recurring,
  billing_scheme,
  tiers_mode,
}: Stripe.Price): string | null {
  if (custom_unit_amount) return 'the customer chooses its amount';
  if (recurring?.trial_period_days) return `it begins with ${recurring.trial_period_days} days of trial`;
  const isKnownMode = tiers_mode === 'volume' || tiers_mode === 'graduated';
  return billing_scheme === 'tiered' && !isKnownMode ? `its tiers are ${tiers_mode}` : null;
}
