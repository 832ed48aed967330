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
import type { Route, RouteRequest } from './route.ts';
import type { WebhookEndpointRecord } from './setting-records.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/webhook_endpoints';
/** More than Stripe has types of events. */
const MAX_EVENTS = 1_000;

export const WEBHOOK_ENDPOINT_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const read = readParams(params, {
    url: text(),
    enabled_events: listParam(text(), 1, MAX_EVENTS),
    description: optional(emptyable(text())),
    metadata: optional(metadata()),
  });
  refuseBadUrl(read.url);
  const id = simulation.newId('we');
  const endpoint = simulation.state.webhookEndpoints.put({
    id,
    created: simulation.now_s,
    url: read.url,
    description: read.description ?? null,
    enabled_events: read.enabled_events,
    status: 'enabled',
    metadata: changedMetadata({}, read.metadata),
  });
  // Told at the creation only.
  return { ...endpointView(endpoint), secret: `whsec_${id}` };
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const page = readParams(params, LIST_PARAMS);
  return pageOf(simulation.state.webhookEndpoints.newestFirst(), page, PATH, endpointView);
}

function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const read = readParams(params, {
    disabled: optional(boolean()),
    enabled_events: optional(listParam(text(), 1, MAX_EVENTS)),
    url: optional(text()),
  });
  const before = simulation.state.webhookEndpoints.get(id);
  if (!before) throw noSuch('webhook endpoint', id);
  if (read.url !== undefined) refuseBadUrl(read.url);
  const disabled = read.disabled ?? before.status === 'disabled';
  return endpointView(
    simulation.state.webhookEndpoints.put({
      ...before,
      url: read.url ?? before.url,
      enabled_events: read.enabled_events ?? before.enabled_events,
      status: disabled ? 'disabled' : 'enabled',
    }),
  );
}

function refuseBadUrl(url: string): void {
  if (/^https?:\/\/\S+$/.test(url)) return;
  throw new StripeError('Invalid URL: An explicit scheme (such as https) must be provided.', {
    code: 'url_invalid',
    param: 'url',
  });
}

function endpointView(endpoint: WebhookEndpointRecord): JsonObject {
  return {
    id: endpoint.id,
    object: 'webhook_endpoint',
    api_version: null,
    application: null,
    created: endpoint.created,
    description: endpoint.description,
    enabled_events: endpoint.enabled_events,
    livemode: false,
    metadata: endpoint.metadata,
    status: endpoint.status,
    url: endpoint.url,
  };
}
