import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import {
  boolean,
  changedMetadata,
  emptyable,
  fields,
  list as listParam,
  metadata,
  oneOf,
  optional,
  type Reader,
  readParams,
  text,
} from './params.ts';
import { existingPrice } from './prices.ts';
import { existingProduct } from './products.ts';
import type { Route, RouteRequest } from './route.ts';
import type { PortalConfigurationRecord, PortalFeatures } from './setting-records.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/billing_portal/configurations';
const MAX_PRODUCTS = 10;

export const PORTAL_CONFIGURATION_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
];

const words = <const T extends string>(...allowed: readonly T[]): Reader<readonly T[]> =>
  orNone(listParam(oneOf(...allowed), 1, allowed.length));
const PRORATION = oneOf('none', 'create_prorations', 'always_invoice');
const REASONS = [
  'customer_service',
  'low_quality',
  'missing_features',
  'other',
  'switched_service',
  'too_complex',
  'too_expensive',
  'unused',
] as const;
const FEATURES = {
  customer_update: optional(
    fields({
      enabled: optional(boolean()),
      allowed_updates: optional(words('address', 'email', 'name', 'phone', 'shipping', 'tax_id')),
    }),
  ),
  invoice_history: optional(fields({ enabled: boolean() })),
  payment_method_update: optional(fields({ enabled: boolean() })),
  subscription_cancel: optional(
    fields({
      enabled: optional(boolean()),
      mode: optional(oneOf('at_period_end', 'immediately')),
      proration_behavior: optional(PRORATION),
      cancellation_reason: optional(fields({ enabled: boolean(), options: words(...REASONS) })),
    }),
  ),
  subscription_update: optional(
    fields({
      enabled: optional(boolean()),
      default_allowed_updates: optional(words('price', 'promotion_code', 'quantity')),
      products: optional(
        orNone(listParam(fields({ product: text(), prices: listParam(text(), 1, 100) }), 1, MAX_PRODUCTS)),
      ),
      proration_behavior: optional(PRORATION),
    }),
  ),
};
const DETAILS = {
  business_profile: optional(
    fields({
      headline: optional(emptyable(text(60))),
      privacy_policy_url: optional(emptyable(text())),
      terms_of_service_url: optional(emptyable(text())),
    }),
  ),
  default_return_url: optional(emptyable(text())),
  login_page: optional(fields({ enabled: boolean() })),
  metadata: optional(metadata()),
  name: optional(emptyable(text())),
};

const NO_FEATURES: PortalFeatures = {
  customer_update: { enabled: false, allowed_updates: [] },
  invoice_history: { enabled: false },
  payment_method_update: { enabled: false },
  subscription_cancel: {
    enabled: false,
    mode: 'at_period_end',
    proration_behavior: 'none',
    cancellation_reason: { enabled: false, options: [] },
  },
  subscription_update: {
    enabled: false,
    default_allowed_updates: [],
    products: [],
    proration_behavior: 'none',
  },
};

/** The first configuration is the default one, as the one that the Dashboard makes. */
function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { features, ...details } = readParams(params, { ...DETAILS, features: fields(FEATURES) });
  const { portalConfigurations } = simulation.state;
  const blank: PortalConfigurationRecord = {
    id: '',
    created: simulation.now_s,
    updated: simulation.now_s,
    active: true,
    is_default: [...portalConfigurations.values()].length === 0,
    name: null,
    default_return_url: null,
    metadata: {},
    business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
    login_page: false,
    features: NO_FEATURES,
  };
  const configuration = changed(simulation, blank, { features, ...details });
  return configurationView(portalConfigurations.put({ ...configuration, id: simulation.newId('bpc') }));
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { active, is_default, ...page } = readParams(params, {
    ...LIST_PARAMS,
    active: optional(boolean()),
    is_default: optional(boolean()),
  });
  const configurations = simulation.state.portalConfigurations
    .newestFirst()
    .filter(
      (each) =>
        (active === undefined || active === each.active) &&
        (is_default === undefined || is_default === each.is_default),
    );
  return pageOf(configurations, page, PATH, configurationView);
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return configurationView(existingPortalConfiguration(simulation, id));
}

function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { active, ...change } = readParams(params, {
    ...DETAILS,
    active: optional(boolean()),
    features: optional(fields(FEATURES)),
  });
  const before = existingPortalConfiguration(simulation, id);
  if (active === false && before.is_default) {
    throw new StripeError('The default configuration cannot be deactivated.', { param: 'active' });
  }
  const after = changed(simulation, before, change);
  return configurationView(
    simulation.state.portalConfigurations.put({
      ...after,
      active: active ?? before.active,
      updated: simulation.now_s,
    }),
  );
}

/** @throws StripeError when there is no such configuration. */
export function existingPortalConfiguration(
  simulation: Simulation,
  id: string,
  param = 'id',
): PortalConfigurationRecord {
  const configuration = simulation.state.portalConfigurations.get(id);
  if (!configuration) throw noSuch('configuration', id, param);
  return configuration;
}

type Change = { readonly features?: FeaturesChange | undefined } & DetailsChange;
type DetailsChange = ReadOf<typeof DETAILS>;
type FeaturesChange = ReadOf<typeof FEATURES>;
type ReadOf<S extends Readonly<Record<string, Reader<unknown>>>> = {
  readonly [K in keyof S]: ReturnType<S[K]>;
};

/** What is left out stays. */
function changed(
  simulation: Simulation,
  before: PortalConfigurationRecord,
  { features, ...change }: Change,
): PortalConfigurationRecord {
  return {
    ...before,
    name: change.name === undefined ? before.name : change.name,
    default_return_url:
      change.default_return_url === undefined ? before.default_return_url : change.default_return_url,
    metadata: changedMetadata(before.metadata, change.metadata),
    business_profile: { ...before.business_profile, ...defined(change.business_profile) },
    login_page: change.login_page?.enabled ?? before.login_page,
    features: features ? changedFeatures(simulation, before.features, features) : before.features,
  };
}

function changedFeatures(
  simulation: Simulation,
  before: PortalFeatures,
  change: FeaturesChange,
): PortalFeatures {
  const features: PortalFeatures = {
    customer_update: { ...before.customer_update, ...defined(change.customer_update) },
    invoice_history: change.invoice_history ?? before.invoice_history,
    payment_method_update: change.payment_method_update ?? before.payment_method_update,
    subscription_cancel: { ...before.subscription_cancel, ...defined(change.subscription_cancel) },
    subscription_update: { ...before.subscription_update, ...defined(change.subscription_update) },
  };
  const { enabled, default_allowed_updates, products } = features.subscription_update;
  for (const [index, { product, prices }] of products.entries()) {
    const name = `features[subscription_update][products][${index}]`;
    existingProduct(simulation, product, `${name}[product]`);
    for (const price of prices) existingPrice(simulation, price, `${name}[prices]`);
  }
  if (enabled && (default_allowed_updates.length === 0 || products.length === 0)) {
    throw new StripeError(
      'Subscription updates need `default_allowed_updates` and `products` when they are enabled.',
      { param: 'features[subscription_update]' },
    );
  }
  return features;
}

/** Without the fields that were left out. */
function defined<T extends object>(change: T | undefined): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(change ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** An empty text is an empty list. */
function orNone<T>(reader: Reader<readonly T[]>): Reader<readonly T[]> {
  return (value, param) => emptyable(reader)(value, param) ?? [];
}

function configurationView(configuration: PortalConfigurationRecord): JsonObject {
  const { features, business_profile, login_page } = configuration;
  const { payment_method_update, subscription_cancel, subscription_update } = features;
  return {
    id: configuration.id,
    object: 'billing_portal.configuration',
    active: configuration.active,
    application: null,
    business_profile,
    created: configuration.created,
    default_return_url: configuration.default_return_url,
    features: {
      customer_update: features.customer_update,
      invoice_history: features.invoice_history,
      payment_method_update: { ...payment_method_update, payment_method_configuration: null },
      subscription_cancel: {
        ...subscription_cancel,
        cancellation_reason: { ...subscription_cancel.cancellation_reason, feedback_options: null },
      },
      subscription_pause: { enabled: false, duration: { type: 'indefinite', interval_options: [] } },
      subscription_update: {
        ...subscription_update,
        billing_cycle_anchor: null,
        products: subscription_update.products.map((product) => ({
          ...product,
          adjustable_quantity: { enabled: false, maximum: null, minimum: 0 },
        })),
        schedule_at_period_end: { conditions: [] },
        trial_update_behavior: 'end_trial',
      },
    },
    is_default: configuration.is_default,
    livemode: false,
    login_page: {
      enabled: login_page,
      url: login_page ? `https://billing.stripe.invalid/p/login/${configuration.id}` : null,
    },
    metadata: configuration.metadata,
    name: configuration.name,
    updated: configuration.updated,
  };
}
