import type { JsonObject } from './json.ts';
import { fields, integer, list as listParam, oneOf, optional, readParams, text } from './params.ts';
import type { Route, RouteRequest } from './route.ts';
import type { EventDestinationRecord } from './setting-records.ts';
import type { Simulation } from './simulation.ts';
import { noSuch } from './stripe-error.ts';

const PATH = '/v2/core/event_destinations';
const MAX_EVENTS = 1_000;
const DEFAULT_LIMIT = 20;

export const EVENT_DESTINATION_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'POST', path: `${PATH}/:id/disable`, handle: (...call) => setStatus('disabled', ...call) },
  { method: 'POST', path: `${PATH}/:id/enable`, handle: (...call) => setStatus('enabled', ...call) },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const read = readParams(params, {
    name: text(),
    description: optional(text()),
    type: oneOf('webhook_endpoint'),
    event_payload: oneOf('snapshot', 'thin'),
    enabled_events: listParam(text(), 1, MAX_EVENTS),
    webhook_endpoint: fields({ url: text() }),
  });
  return destinationView(
    simulation.state.eventDestinations.put({
      id: simulation.newId('ed'),
      created: simulation.now_s,
      updated: simulation.now_s,
      name: read.name,
      description: read.description ?? '',
      event_payload: read.event_payload,
      enabled_events: read.enabled_events,
      status: 'enabled',
      url: read.webhook_endpoint.url,
    }),
  );
}

/** All in one page, as far as `limit` reaches. */
function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { limit = DEFAULT_LIMIT } = readParams(params, { limit: optional(integer(1, 100)) });
  const destinations = simulation.state.eventDestinations.newestFirst().slice(0, limit);
  return { data: destinations.map(destinationView), next_page_url: null, previous_page_url: null };
}

function setStatus(
  status: EventDestinationRecord['status'],
  simulation: Simulation,
  { id, params }: RouteRequest,
): JsonObject {
  readParams(params, {});
  const before = simulation.state.eventDestinations.get(id);
  if (!before) throw noSuch('event destination', id);
  return destinationView(
    simulation.state.eventDestinations.put({ ...before, status, updated: simulation.now_s }),
  );
}

/** The address of the endpoint is only shown when asked for, which is not simulated. */
function destinationView(destination: EventDestinationRecord): JsonObject {
  return {
    id: destination.id,
    object: 'v2.core.event_destination',
    created: isoSecond(destination.created),
    description: destination.description,
    enabled_events: destination.enabled_events,
    event_payload: destination.event_payload,
    livemode: false,
    name: destination.name,
    status: destination.status,
    type: 'webhook_endpoint',
    updated: isoSecond(destination.updated),
  };
}

function isoSecond(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
