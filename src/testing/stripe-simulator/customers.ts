import type { JsonObject } from './json.ts';
import { changedMetadata, emptyable, fields, metadata, optional, readParams, text } from './params.ts';
import { attachedCard, customersCard } from './payment-methods.ts';
import type { CustomerRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch } from './stripe-error.ts';
import { cancelNow, isOver } from './subscription-cycle.ts';

const DETAILS = {
  name: optional(emptyable(text(256))),
  email: optional(emptyable(text(512))),
  description: optional(emptyable(text())),
  phone: optional(emptyable(text(20))),
  metadata: optional(metadata()),
  payment_method: optional(text()),
  invoice_settings: optional(fields({ default_payment_method: optional(emptyable(text())) })),
};

export const CUSTOMER_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/v1/customers', handle: create },
  { method: 'GET', path: '/v1/customers/:id', handle: retrieve },
  { method: 'POST', path: '/v1/customers/:id', handle: update },
  { method: 'DELETE', path: '/v1/customers/:id', handle: remove },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { test_clock, ...details } = readParams(params, { ...DETAILS, test_clock: optional(text()) });
  if (test_clock !== undefined && !simulation.state.testClocks.get(test_clock)) {
    throw noSuch('test_clock', test_clock, 'test_clock');
  }
  const id = simulation.newId('cus');
  const default_payment_method = newDefault(simulation, id, details);
  const customer = simulation.state.customers.put({
    id,
    created: simulation.now_s,
    deleted: false,
    name: details.name ?? null,
    email: details.email ?? null,
    description: details.description ?? null,
    phone: details.phone ?? null,
    default_payment_method,
    metadata: changedMetadata({}, details.metadata),
    balance: 0,
    test_clock: test_clock ?? null,
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
  const { payment_method: _, ...shape } = DETAILS;
  const change = readParams(params, shape);
  const before = existingCustomer(simulation, id);
  const customer = simulation.state.customers.put({
    ...before,
    name: change.name === undefined ? before.name : change.name,
    email: change.email === undefined ? before.email : change.email,
    description: change.description === undefined ? before.description : change.description,
    phone: change.phone === undefined ? before.phone : change.phone,
    default_payment_method: changedDefault(
      simulation,
      before,
      change.invoice_settings?.default_payment_method,
    ),
    metadata: changedMetadata(before.metadata, change.metadata),
  });
  return customerView(customer);
}

/** A test card's name stands for the payment method that it becomes. */
function newDefault(
  simulation: Simulation,
  id: string,
  {
    payment_method,
    invoice_settings,
  }: Pick<ReturnType<typeof readDetails>, 'payment_method' | 'invoice_settings'>,
): string | null {
  const attached = payment_method === undefined ? null : attachedCard(simulation, payment_method, id);
  const named = invoice_settings?.default_payment_method ?? null;
  if (named === null || named === payment_method) return named && (attached?.id ?? null);
  return customersCard(simulation, named, { id }, 'invoice_settings[default_payment_method]').id;
}

function readDetails(params: RouteRequest['params']) {
  return readParams(params, DETAILS);
}

function changedDefault(
  simulation: Simulation,
  customer: CustomerRecord,
  change: string | null | undefined,
): string | null {
  if (change === undefined) return customer.default_payment_method;
  if (change === null) return null;
  return customersCard(simulation, change, customer, 'invoice_settings[default_payment_method]').id;
}

function remove(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return customerView(deleteCustomer(simulation, existingCustomer(simulation, id)));
}

/** Deleting a customer also ends the customer's subscriptions at once, without an invoice. */
export function deleteCustomer(simulation: Simulation, customer: CustomerRecord): CustomerRecord {
  const { state } = simulation;
  for (const subscription of state.subscriptions.of(customer.id)) {
    if (!isOver(subscription)) {
      cancelNow(simulation, subscription, { invoice_now: false, prorate: false });
    }
  }
  return state.customers.put({ ...customer, deleted: true });
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
    balance: customer.balance,
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
      default_payment_method: customer.default_payment_method,
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
    test_clock: customer.test_clock,
  };
}
