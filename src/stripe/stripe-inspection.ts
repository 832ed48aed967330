import type { Stripe } from 'stripe';
import type {
  InspectedAccount,
  InspectedEndpoint,
  InspectedPortal,
  InspectedSubscription,
  Inspection,
  InspectionProvider,
} from '../core/inspection-provider.ts';
import { SECOND_MS } from '../core/instant.ts';
import { readCatalogue } from './stripe-catalogue.ts';
import { type Connect, importStripe } from './stripe-connection.ts';
import type { StripeMeters } from './stripe-meters.ts';
import { failureOf } from './stripe-outcome.ts';

/** Stripe allows 16 endpoints and as many destinations; a portal has a few configurations. */
const MAX_LISTED = 100;
const MAX_SUBSCRIPTIONS = 100;
const OVER = new Set<string>(['canceled', 'incomplete', 'incomplete_expired']);

/** What `doctor` reads of Stripe. */
export function createInspection(connect: Connect, meters: StripeMeters): InspectionProvider {
  const inspect = <Value>(read: (stripe: Stripe) => Promise<Value>) =>
    inspectionOf(async () => read(await connect()));
  return {
    inspectAccount: () => inspect(readAccount),
    inspectCatalogue: (params) => inspect((stripe) => readCatalogue(stripe, params)),
    inspectEndpoints: () => inspect(readEndpoints),
    inspectPortals: () => inspect(readPortals),
    inspectDrafts: () => inspect(readDrafts),
    inspectSubscriptions: ({ stripe_customer }) =>
      inspect((stripe) => readSubscriptions(stripe, meters, stripe_customer)),
  };
}

async function inspectionOf<Value>(read: () => Promise<Value>): Promise<Inspection<Value>> {
  try {
    return { outcome: 'read', value: await read() };
  } catch (error) {
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
    const { outcome, message } = failureOf(error);
    if (status === 401 || status === 403) return { outcome: 'denied', status, message };
    return { outcome: outcome === 'refused' ? 'refused' : 'failed', message };
  }
}

async function readAccount(stripe: Stripe): Promise<InspectedAccount> {
  const { id, lastResponse } = await stripe.accounts.retrieveCurrent();
  const answered_at = Date.parse(headerOf(lastResponse.headers, 'date') ?? '');
  return {
    stripe_account: id,
    answered_at: Number.isNaN(answered_at) ? null : answered_at,
    api_version: (await importStripe()).Stripe.API_VERSION,
  };
}

/** The SDK's types say that headers are a record; of its fetch client they are fetch's own. */
function headerOf(headers: unknown, name: string): string | null {
  if (headers instanceof Headers) return headers.get(name);
  const value: unknown = typeof headers === 'object' && headers !== null ? Reflect.get(headers, name) : null;
  return typeof value === 'string' ? value : null;
}

async function readEndpoints(stripe: Stripe): Promise<InspectedEndpoint[]> {
  const endpoints = await stripe.webhookEndpoints.list({ limit: MAX_LISTED });
  const destinations = await stripe.v2.core.eventDestinations.list({ limit: MAX_LISTED });
  return [
    ...endpoints.data.map(({ id, status, enabled_events }) => ({
      endpoint: id,
      payload: 'snapshot' as const,
      enabled: status === 'enabled',
      enabled_events,
    })),
    ...destinations.data.map(({ id, status, enabled_events, event_payload }) => ({
      endpoint: id,
      payload: event_payload,
      enabled: status === 'enabled',
      enabled_events,
    })),
  ];
}

async function readPortals(stripe: Stripe): Promise<InspectedPortal[]> {
  const { data } = await stripe.billingPortal.configurations.list({ active: true, limit: MAX_LISTED });
  return data.map(({ id, is_default, features: { subscription_update, subscription_cancel } }) => ({
    configuration: id,
    is_default,
    switches_prices:
      subscription_update.enabled && subscription_update.default_allowed_updates.includes('price'),
    cancels_immediately: subscription_cancel.enabled && subscription_cancel.mode === 'immediately',
  }));
}

async function readDrafts(stripe: Stripe): Promise<number[]> {
  const { data } = await stripe.invoices.list({ limit: MAX_LISTED });
  return data.flatMap(({ billing_reason, created, status_transitions, automatically_finalizes_at }) => {
    const final = status_transitions.finalized_at ?? automatically_finalizes_at;
    return billing_reason === 'subscription_cycle' && final ? [(final - created) * SECOND_MS] : [];
  });
}

async function readSubscriptions(
  stripe: Stripe,
  meters: StripeMeters,
  customer: string,
): Promise<InspectedSubscription[]> {
  const { data } = await stripe.subscriptions.list({ customer, status: 'all', limit: MAX_SUBSCRIPTIONS });
  const subscriptions: InspectedSubscription[] = [];
  for (const { id, status, billing_mode, items } of data) {
    if (OVER.has(status)) continue;
    const metered_items: { stripe_subscription_item: string; event_name: string }[] = [];
    for (const { id: stripe_subscription_item, price } of items.data) {
      const meter = price.recurring?.meter;
      const event_name = meter ? await meters.eventNameOf(meter) : null;
      if (event_name !== null) metered_items.push({ stripe_subscription_item, event_name });
    }
    subscriptions.push({ stripe_subscription: id, billing_mode: billing_mode.type, metered_items });
  }
  return subscriptions;
}
