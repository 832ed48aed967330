import { existingCustomer } from './customers.ts';
import type { JsonObject } from './json.ts';
import { optional, readParams, text } from './params.ts';
import type { PortalSessionRecord } from './payment-records.ts';
import { existingPortalConfiguration } from './portal-configurations.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';

export const PORTAL_SESSION_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/v1/billing_portal/sessions', handle: create },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { customer, configuration, return_url } = readParams(params, {
    customer: text(),
    configuration: optional(text()),
    return_url: optional(text()),
  });
  existingCustomer(simulation, customer, 'customer');
  const used = configuration ?? defaultConfiguration(simulation);
  if (!existingPortalConfiguration(simulation, used, 'configuration').active) {
    throw new StripeError('The configuration is not active.', { param: 'configuration' });
  }
  const session = simulation.state.portalSessions.put({
    id: simulation.newId('bps'),
    created: simulation.now_s,
    customer,
    configuration: used,
    return_url: return_url ?? null,
  });
  return portalSessionView(simulation, session);
}

function defaultConfiguration({ state }: Simulation): string {
  const found = [...state.portalConfigurations.values()].find(({ is_default }) => is_default);
  if (found) return found.id;
  throw new StripeError(
    'No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.',
  );
}

function portalSessionView(simulation: Simulation, session: PortalSessionRecord): JsonObject {
  return {
    id: session.id,
    object: 'billing_portal.session',
    configuration: session.configuration,
    created: session.created,
    customer: session.customer,
    customer_account: null,
    flow: null,
    livemode: false,
    locale: null,
    on_behalf_of: null,
    return_url: session.return_url,
    url: `${simulation.pages_url}/pages/portal/${session.id}`,
  };
}
