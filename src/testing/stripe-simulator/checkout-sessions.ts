import { checkoutView } from './checkout-view.ts';
import { existingCustomer } from './customers.ts';
import { emitSnapshot } from './events.ts';
import type { FormObject } from './form.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import {
  boolean,
  changedMetadata,
  fields,
  integer,
  list as listParam,
  metadata,
  oneOf,
  optional,
  readParams,
  text,
} from './params.ts';
import { attachedCard } from './payment-methods.ts';
import type { CheckoutSessionRecord } from './payment-records.ts';
import { existingPrice } from './prices.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';
import { itemPrice, MAX_ITEMS } from './subscription-item-terms.ts';
import { refuseOtherCurrency, startSubscription } from './subscription-start.ts';
import { subscriptionTerms } from './subscription-terms.ts';

const PATH = '/v1/checkout/sessions';
/** docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at */
const LIFETIME_S = 86_400;

export const CHECKOUT_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id/expire`, handle: expire },
];

const SESSION = {
  mode: oneOf('subscription'),
  line_items: listParam(fields({ price: text(), quantity: optional(integer(1)) }), 1, MAX_ITEMS),
  success_url: text(),
  cancel_url: optional(text()),
  customer: optional(text()),
  customer_email: optional(text(512)),
  client_reference_id: optional(text(200)),
  metadata: optional(metadata()),
  expires_at: optional(integer(1)),
  allow_promotion_codes: optional(boolean()),
  payment_method_collection: optional(oneOf('always', 'if_required')),
  subscription_data: optional(
    fields({
      billing_mode: optional(fields({ type: oneOf('flexible', 'classic') })),
      description: optional(text(500)),
      metadata: optional(metadata()),
      trial_period_days: optional(integer(1, 730)),
      trial_end: optional(integer(1)),
    }),
  ),
};

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const session = readParams(params, SESSION);
  if (session.customer !== undefined) existingCustomer(simulation, session.customer, 'customer');
  if (session.customer !== undefined && session.customer_email !== undefined) {
    throw new StripeError('You may only specify one of these parameters: customer, customer_email.', {
      code: 'parameters_exclusive',
      param: 'customer_email',
    });
  }
  for (const [index, item] of session.line_items.entries()) {
    const price = itemPrice(simulation, item.price, item.quantity, `line_items[${index}]`);
    if (price.recurring?.usage_type === 'licensed' && item.quantity === undefined) {
      throw new StripeError('Quantity is required. Add `quantity` to `line_items` and try again.', {
        code: 'parameter_missing',
        param: `line_items[${index}][quantity]`,
      });
    }
  }
  const data = session.subscription_data;
  const record: CheckoutSessionRecord = {
    id: '',
    created: simulation.now_s,
    expires_at: session.expires_at ?? simulation.now_s + LIFETIME_S,
    status: 'open',
    customer: session.customer ?? null,
    customer_email: session.customer_email ?? null,
    client_reference_id: session.client_reference_id ?? null,
    currency: existingPrice(simulation, session.line_items[0]?.price ?? '').currency,
    items: session.line_items.map(({ price, quantity }) =>
      quantity === undefined ? { price } : { price, quantity: String(quantity) },
    ),
    subscription_data: {
      billing_mode: data?.billing_mode?.type ?? 'flexible',
      description: data?.description ?? null,
      metadata: changedMetadata({}, data?.metadata),
      trial_period_days: data?.trial_period_days ?? null,
      trial_end: data?.trial_end ?? null,
    },
    metadata: changedMetadata({}, session.metadata),
    success_url: session.success_url,
    cancel_url: session.cancel_url ?? null,
    subscription: null,
  };
  // What the subscription would be refused for is refused now, and not when the customer pays.
  if (record.customer !== null) {
    refuseOtherCurrency(simulation, subscriptionTerms(simulation, termsOf(record, record.customer)));
  }
  const { checkoutSessions } = simulation.state;
  return checkoutView(simulation, checkoutSessions.put({ ...record, id: simulation.newId('cs_test') }));
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { customer, subscription, status, ...page } = readParams(params, {
    ...LIST_PARAMS,
    customer: optional(text()),
    subscription: optional(text()),
    status: optional(oneOf('complete', 'expired', 'open')),
  });
  const sessions = simulation.state.checkoutSessions
    .newestFirst()
    .filter(
      (session) =>
        (customer === undefined || customer === session.customer) &&
        (subscription === undefined || subscription === session.subscription) &&
        (status === undefined || status === statusOf(simulation, session)),
    );
  return pageOf(sessions, page, PATH, (session) => checkoutView(simulation, current(simulation, session)));
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return checkoutView(simulation, existingSession(simulation, id));
}

function expire(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  const session = openSession(simulation, id);
  const expired = simulation.state.checkoutSessions.put({ ...session, status: 'expired' });
  emitSnapshot(simulation, 'checkout.session.expired', () => checkoutView(simulation, expired));
  return checkoutView(simulation, expired);
}

/**
 * What happens when the customer enters a card and subscribes: a new customer if there is none, the subscription, and
 * the news of it. A card that asks is confirmed by the customer, who is there.
 *
 * @param card the name of a test card, or a payment method of the customer's.
 * @throws StripeError when the session is not open, or the card is declined.
 */
export function completeCheckout(simulation: Simulation, id: string, card: string): CheckoutSessionRecord {
  const session = openSession(simulation, id);
  const customer = session.customer ?? createCustomer(simulation, session);
  const method = attachedCard(simulation, card, customer);
  const terms = { ...termsOf(session, customer), default_payment_method: method.id };
  const behavior = { payment_behavior: 'error_if_incomplete' };
  const subscription = startSubscription(simulation, { ...terms, ...behavior }, 'on_session');
  const complete = simulation.state.checkoutSessions.put({
    ...session,
    status: 'complete',
    customer,
    subscription: subscription.id,
  });
  emitSnapshot(simulation, 'checkout.session.completed', () => checkoutView(simulation, complete));
  return complete;
}

function createCustomer(simulation: Simulation, { customer_email }: CheckoutSessionRecord): string {
  return simulation.state.customers.put({
    id: simulation.newId('cus'),
    created: simulation.now_s,
    deleted: false,
    name: null,
    email: customer_email,
    description: null,
    phone: null,
    default_payment_method: null,
    metadata: {},
    balance: 0,
    test_clock: null,
  }).id;
}

/** The parameters of the subscription, as its form has them. */
function termsOf({ items, subscription_data }: CheckoutSessionRecord, customer: string): FormObject {
  const { billing_mode, description, metadata, trial_period_days, trial_end } = subscription_data;
  return {
    customer,
    items: items.map((item) => ({ ...item })),
    billing_mode: { type: billing_mode },
    metadata,
    ...(description === null ? {} : { description }),
    ...(trial_period_days === null ? {} : { trial_period_days: String(trial_period_days) }),
    ...(trial_end === null ? {} : { trial_end: String(trial_end) }),
  };
}

function openSession(simulation: Simulation, id: string): CheckoutSessionRecord {
  const session = existingSession(simulation, id);
  if (session.status === 'open') return session;
  throw new StripeError(
    `Only Checkout Sessions with a status in ["open"] can be expired or completed. This Checkout Session has a status of ${session.status}.`,
  );
}

/** @throws StripeError when there is no such session. */
export function existingSession(simulation: Simulation, id: string): CheckoutSessionRecord {
  const session = simulation.state.checkoutSessions.get(id);
  if (!session) throw noSuch('checkout.session', id);
  return current(simulation, session);
}

function current(simulation: Simulation, session: CheckoutSessionRecord): CheckoutSessionRecord {
  return { ...session, status: statusOf(simulation, session) };
}

/** A session expires by itself, without an event here. */
function statusOf({ now_s }: Simulation, { status, expires_at }: CheckoutSessionRecord) {
  return status === 'open' && now_s >= expires_at ? 'expired' : status;
}
