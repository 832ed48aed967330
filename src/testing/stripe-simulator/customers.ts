import type { JsonObject } from './json.ts';
import { changedMetadata, emptyable, metadata, optional, readParams, text } from './params.ts';
import type { CustomerRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch } from './stripe-error.ts';
import { cancelNow } from './subscription-cycle.ts';

const DETAILS = {
  name: optional(emptyable(text(256))),
  email: optional(emptyable(text(512))),
  description: optional(emptyable(text())),
  phone: optional(emptyable(text(20))),
  metadata: optional(metadata()),
};

export const CUSTOMER_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/v1/customers', handle: create },
  { method: 'GET', path: '/v1/customers/:id', handle: retrieve },
  { method: 'POST', path: '/v1/customers/:id', handle: update },
  { method: 'DELETE', path: '/v1/customers/:id', handle: remove },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const details = readParams(params, DETAILS);
  const customer = simulation.state.customers.put({
    id: simulation.newId('cus'),
    created: simulation.now_s,
    deleted: false,
    name: details.name ?? null,
    email: details.email ?? null,
    description: details.description ?? null,
    phone: details.phone ?? null,
    metadata: changedMetadata({}, details.metadata),
  });
  return customerView(customer);
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  const customer = simulation.state.customers.get(id);
  if (!customer) throw noSuch('customer', id);
  return customerView(customer);
}

function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const change = readParams(params, DETAILS);
  const before = existingCustomer(simulation, id);
  const customer = simulation.state.customers.put({
    ...before,
    name: change.name === undefined ? before.name : change.name,
    email: change.email === undefined ? before.email : change.email,
    description: change.description === undefined ? before.description : change.description,
    phone: change.phone === undefined ? before.phone : change.phone,
    metadata: changedMetadata(before.metadata, change.metadata),
  });
  return customerView(customer);
}

/** Deleting a customer also ends the customer's subscriptions at once, without an invoice. */
function remove(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  const customer = existingCustomer(simulation, id);
  for (const subscription of simulation.state.subscriptions.of(id)) {
    if (subscription.status !== 'canceled') {
      cancelNow(simulation, subscription, { invoice_now: false, prorate: false });
    }
  }
  return customerView(simulation.state.customers.put({ ...customer, deleted: true }));
}

/** @throws StripeError when there is no such customer or it was deleted. */
export function existingCustomer(simulation: Simulation, id: string, param = 'id'): CustomerRecord {
  const customer = simulation.state.customers.get(id);
  if (!customer || customer.deleted) throw noSuch('customer', id, param);
  return customer;
}

export function customerView(customer: CustomerRecord): JsonObject {
  if (customer.deleted) return { id: customer.id, object: 'customer', deleted: true };
  return {
    id: customer.id,
    object: 'customer',
    address: null,
    balance: 0,
    created: customer.created,
    currency: null,
    default_source: null,
    delinquent: false,
    description: customer.description,
    discount: null,
    email: customer.email,
    invoice_prefix: customer.id.slice(-8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: customer.metadata,
    name: customer.name,
    next_invoice_sequence: 1,
    phone: customer.phone,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
}
