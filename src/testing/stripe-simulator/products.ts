import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import {
  boolean,
  changedMetadata,
  emptyable,
  list as listParam,
  metadata,
  optional,
  readParams,
  text,
} from './params.ts';
import type { ProductRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

/** What a product can be created with, on its own or together with its price. */
export const PRODUCT_PARAMS = {
  id: optional(text()),
  name: text(),
  active: optional(boolean()),
  metadata: optional(metadata()),
  unit_label: optional(text(12)),
};

/** The parameters as they were read. */
export interface ProductParams {
  readonly id: string | undefined;
  readonly name: string;
  readonly active: boolean | undefined;
  readonly metadata: Readonly<Record<string, string>> | null | undefined;
  readonly unit_label: string | undefined;
}

const PATH = '/v1/products';
const MAX_IDS = 100;

export const PRODUCT_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { description, ...read } = readParams(params, { ...PRODUCT_PARAMS, description: optional(text()) });
  refuseTakenProductId(simulation, read.id, 'id');
  return productView(createProduct(simulation, read, description ?? null));
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return productView(existingProduct(simulation, id));
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { ids, active, ...page } = readParams(params, {
    ...LIST_PARAMS,
    ids: optional(listParam(text(), 1, MAX_IDS)),
    active: optional(boolean()),
  });
  const products = simulation.state.products
    .newestFirst()
    .filter(
      (product) =>
        (ids === undefined || ids.includes(product.id)) &&
        (active === undefined || active === product.active),
    );
  return pageOf(products, page, PATH, productView);
}

function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const change = readParams(params, {
    name: optional(text()),
    active: optional(boolean()),
    description: optional(emptyable(text())),
    unit_label: optional(emptyable(text(12))),
    default_price: optional(text()),
    metadata: optional(metadata()),
  });
  const before = existingProduct(simulation, id);
  if (change.default_price !== undefined) refuseAsDefault(simulation, change.default_price, id);
  return productView(
    simulation.state.products.put({
      ...before,
      default_price: change.default_price ?? before.default_price,
      name: change.name ?? before.name,
      active: change.active ?? before.active,
      description: change.description === undefined ? before.description : change.description,
      unit_label: change.unit_label === undefined ? before.unit_label : change.unit_label,
      metadata: changedMetadata(before.metadata, change.metadata),
    }),
  );
}

/** The default price is one of the product's own, and for sale. */
function refuseAsDefault({ state }: Simulation, id: string, product: string): void {
  const price = state.prices.get(id);
  if (price?.product === product && price.active) return;
  throw new StripeError(`The price ${id} is not an active price of the product.`, { param: 'default_price' });
}

/** @throws StripeError when there is no such product. */
export function existingProduct(simulation: Simulation, id: string, param = 'id'): ProductRecord {
  const product = simulation.state.products.get(id);
  if (!product) throw noSuch('product', id, param);
  return product;
}

/** @throws StripeError when another product has the id. */
export function refuseTakenProductId(simulation: Simulation, id: string | undefined, param: string): void {
  if (id !== undefined && simulation.state.products.get(id)) {
    throw new StripeError('Product already exists.', { code: 'resource_already_exists', param });
  }
}

export function createProduct(
  simulation: Simulation,
  { id, name, active, unit_label, metadata: change }: ProductParams,
  description: string | null,
): ProductRecord {
  return simulation.state.products.put({
    id: id ?? simulation.newId('prod'),
    created: simulation.now_s,
    active: active ?? true,
    name,
    description,
    unit_label: unit_label ?? null,
    default_price: null,
    metadata: changedMetadata({}, change),
  });
}

export function productView(product: ProductRecord): JsonObject {
  return {
    id: product.id,
    object: 'product',
    active: product.active,
    created: product.created,
    default_price: product.default_price,
    description: product.description,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: product.metadata,
    name: product.name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: product.unit_label,
    updated: product.created,
    url: null,
  };
}
