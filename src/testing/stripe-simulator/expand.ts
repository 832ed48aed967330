import { customerView } from './customers.ts';
import type { FormObject, FormValue } from './form.ts';
import { invoiceView } from './invoice-view.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { meterView } from './meters.ts';
import { list, optional, text } from './params.ts';
import { paymentMethodView } from './payment-methods.ts';
import { invoicePaymentsView, paymentIntentView } from './payment-view.ts';
import { priceView, tiersView } from './prices.ts';
import { productView } from './products.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';
import { subscriptionView } from './subscription-view.ts';

/** Stripe's bound, where `data` of a list counts as a level (docs.stripe.com/api/expanding_objects). */
const MAX_LEVELS = 4;
const MAX_PATHS = 20;

/** Takes `expand` out of the parameters. */
export function splitExpand({ expand, ...params }: FormObject): {
  readonly paths: readonly string[];
  readonly params: FormObject;
} {
  const value: FormValue | undefined = expand;
  return { paths: optional(list(text(), 0, MAX_PATHS))(value, 'expand') ?? [], params };
}

/** @throws StripeError for a path of more than four levels. */
export function refuseDeepPaths(paths: readonly string[]): void {
  for (const path of paths) {
    if (path.split('.').length > MAX_LEVELS) {
      throw new StripeError(
        `You cannot expand more than ${MAX_LEVELS} levels of a property. Property: ${path}`,
        {
          param: 'expand',
        },
      );
    }
  }
}

/** Replaces ids by the objects that they name, along the paths. */
export function expandAnswer(
  simulation: Simulation,
  answer: JsonObject,
  paths: readonly string[],
): JsonObject {
  return paths.reduce((expanded, path) => expandObject(simulation, expanded, path.split('.')), answer);
}

function expandObject(
  simulation: Simulation,
  object: JsonObject,
  [key, ...rest]: readonly string[],
): JsonObject {
  if (key === undefined) return object;
  if (object['object'] === 'price' && key === 'tiers') return withTiers(simulation, object);
  const value = shownWhenAsked(simulation, object, key) ?? object[key];
  if (value === undefined) throw notExpandable(key);
  return { ...object, [key]: expandValue(simulation, value, key, rest) };
}

function expandValue(simulation: Simulation, value: Json, key: string, rest: readonly string[]): Json {
  if (value === null) return null;
  if (typeof value === 'string') {
    const object = objectNamed(simulation, value);
    if (!object) throw notExpandable(key);
    return expandObject(simulation, object, rest);
  }
  if (isJsonObject(value)) return expandObject(simulation, value, rest);
  if (typeof value === 'object') return value.map((entry) => expandValue(simulation, entry, key, rest));
  throw notExpandable(key);
}

/** What an object shows only when it is asked for. */
function shownWhenAsked(simulation: Simulation, object: JsonObject, key: string): JsonObject | undefined {
  const id = String(object['id']);
  if (object['object'] === 'invoice' && key === 'payments') return invoicePaymentsView(simulation, id);
  return undefined;
}

function withTiers({ state }: Simulation, price: JsonObject): JsonObject {
  const record = state.prices.get(String(price['id']));
  return record?.tiered ? { ...price, tiers: tiersView(record) } : price;
}

function objectNamed(simulation: Simulation, id: string): JsonObject | null {
  const { state } = simulation;
  const customer = state.customers.get(id);
  if (customer) return customerView(customer);
  const product = state.products.get(id);
  if (product) return productView(product);
  const price = state.prices.get(id);
  if (price) return priceView(price);
  const meter = state.meters.get(id);
  if (meter) return meterView(meter);
  const subscription = state.subscriptions.get(id);
  if (subscription) return subscriptionView(simulation, subscription);
  const payment = state.payments.get(id);
  if (payment) return paymentIntentView(payment);
  const method = state.paymentMethods.get(id);
  if (method) return paymentMethodView(method);
  const invoice = state.invoices.get(id);
  return invoice ? invoiceView(simulation, invoice) : null;
}

function notExpandable(key: string): StripeError {
  return new StripeError(`This property cannot be expanded (${key}).`, { param: 'expand' });
}
