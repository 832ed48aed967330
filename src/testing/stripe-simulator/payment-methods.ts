import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { changedMetadata, metadata, oneOf, optional, readParams, text } from './params.ts';
import type { CardBehavior, PaymentMethodRecord } from './payment-records.ts';
import type { CustomerRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/payment_methods';

export const PAYMENT_METHOD_ROUTES: readonly Route[] = [
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
  { method: 'POST', path: `${PATH}/:id/attach`, handle: attach },
  { method: 'POST', path: `${PATH}/:id/detach`, handle: detach },
];

interface TestCard {
  readonly brand: string;
  readonly last4: string;
  /** null: even attaching it to a customer is declined. */
  readonly behavior: CardBehavior | null;
  readonly decline_code?: string;
}

/** Stripe's own test cards (docs.stripe.com/testing), as far as they differ in how they pay. */
const TEST_CARDS: Readonly<Record<string, TestCard>> = {
  pm_card_visa: { brand: 'visa', last4: '4242', behavior: 'pays' },
  pm_card_mastercard: { brand: 'mastercard', last4: '4444', behavior: 'pays' },
  pm_card_amex: { brand: 'amex', last4: '0005', behavior: 'pays' },
  pm_card_authenticationRequired: { brand: 'visa', last4: '3184', behavior: 'asks' },
  pm_card_threeDSecure2Required: { brand: 'visa', last4: '3220', behavior: 'asks' },
  pm_card_chargeCustomerFail: { brand: 'visa', last4: '0341', behavior: 'declines' },
  pm_card_chargeDeclined: { brand: 'visa', last4: '0002', behavior: null },
  pm_card_chargeDeclinedInsufficientFunds: {
    brand: 'visa',
    last4: '9995',
    behavior: null,
    decline_code: 'insufficient_funds',
  },
};

/** The names under which test cards are attached. */
export const TEST_CARD_NAMES: readonly string[] = Object.keys(TEST_CARDS);

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { customer, type, ...page } = readParams(params, {
    ...LIST_PARAMS,
    customer: optional(text()),
    type: optional(oneOf('card')),
  });
  const methods = simulation.state.paymentMethods
    .newestFirst()
    .filter((method) => customer === undefined || method.customer === customer);
  return pageOf(methods, page, PATH, paymentMethodView);
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return paymentMethodView(existingPaymentMethod(simulation, id));
}

function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const change = readParams(params, { metadata: optional(metadata()) });
  const before = existingPaymentMethod(simulation, id);
  const changed = { ...before, metadata: changedMetadata(before.metadata, change.metadata) };
  return paymentMethodView(simulation.state.paymentMethods.put(changed));
}

function attach(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { customer } = readParams(params, { customer: text() });
  const holder = simulation.state.customers.get(customer);
  if (!holder || holder.deleted) throw noSuch('customer', customer, 'customer');
  return paymentMethodView(attachedCard(simulation, id, customer));
}

/** A detached payment method can never be used again; whoever had it as a default has none. */
function detach(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  const method = existingPaymentMethod(simulation, id);
  for (const customer of simulation.state.customers.values()) {
    if (customer.default_payment_method !== id) continue;
    simulation.state.customers.put({ ...customer, default_payment_method: null });
  }
  return paymentMethodView(simulation.state.paymentMethods.put({ ...method, customer: null }));
}

/**
 * A payment method as a customer's own: a test card becomes a new one, any other is attached.
 *
 * @throws StripeError when it is declined, belongs to somebody else or does not exist.
 */
export function attachedCard(
  simulation: Simulation,
  id: string,
  customer: string,
  param = 'id',
): PaymentMethodRecord {
  const { paymentMethods } = simulation.state;
  const card = TEST_CARDS[id];
  if (card) {
    const { brand, last4, behavior, decline_code } = card;
    if (behavior === null) throw declined(decline_code);
    return paymentMethods.put({
      id: simulation.newId('pm'),
      created: simulation.now_s,
      customer,
      brand,
      last4,
      behavior,
      metadata: {},
    });
  }
  const method = existingPaymentMethod(simulation, id, param);
  if (method.customer !== null && method.customer !== customer) {
    const message = 'The payment method you provided has already been attached to a customer.';
    throw new StripeError(message, { code: 'payment_method_unexpected_state', param });
  }
  return paymentMethods.put({ ...method, customer });
}

/** @throws StripeError when there is no such payment method of the customer. */
export function customersCard(
  simulation: Simulation,
  id: string,
  customer: Pick<CustomerRecord, 'id'>,
  param: string,
): PaymentMethodRecord {
  const method = existingPaymentMethod(simulation, id, param);
  if (method.customer === customer.id) return method;
  throw new StripeError(
    `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
    { code: 'resource_missing', param },
  );
}

/** A card that the bank refuses to charge. */
export function declined(decline_code = 'generic_decline'): StripeError {
  const message =
    decline_code === 'insufficient_funds' ? 'Your card has insufficient funds.' : 'Your card was declined.';
  return new StripeError(message, { status: 402, type: 'card_error', code: 'card_declined', decline_code });
}

function existingPaymentMethod(simulation: Simulation, id: string, param = 'id'): PaymentMethodRecord {
  const method = simulation.state.paymentMethods.get(id);
  if (!method) throw noSuch('PaymentMethod', id, param);
  return method;
}

export function paymentMethodView(method: PaymentMethodRecord): JsonObject {
  return {
    id: method.id,
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    card: {
      brand: method.brand,
      checks: null,
      country: 'US',
      display_brand: method.brand,
      exp_month: 12,
      exp_year: 2099,
      fingerprint: null,
      funding: 'credit',
      generated_from: null,
      last4: method.last4,
      networks: null,
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: method.created,
    customer: method.customer,
    customer_account: null,
    livemode: false,
    metadata: method.metadata,
    type: 'card',
  };
}
