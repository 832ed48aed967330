import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { list, optional, readParams, text } from './params.ts';
import type { EventRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch } from './stripe-error.ts';

const PATH = '/v1/events';
const MAX_TYPES = 20;

export const EVENT_ROUTES: readonly Route[] = [
  { method: 'GET', path: PATH, handle: listEvents },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'GET', path: '/v2/core/events/:id', handle: retrieveThin },
];

function listEvents(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { type, types, ...page } = readParams(params, {
    ...LIST_PARAMS,
    type: optional(text()),
    types: optional(list(text(), 1, MAX_TYPES)),
  });
  const events = simulation.state.events
    .newestFirst()
    .filter(
      (event) =>
        event.content.style === 'snapshot' &&
        (type === undefined || type === event.type) &&
        (types === undefined || types.includes(event.type)),
    );
  return pageOf(events, page, PATH, (event) => eventView(simulation, event));
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return eventView(simulation, existing(simulation, id, 'snapshot'));
}

function retrieveThin(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return eventView(simulation, existing(simulation, id, 'thin'));
}

function existing({ state }: Simulation, id: string, style: EventRecord['content']['style']): EventRecord {
  const event = state.events.get(id);
  if (event?.content.style !== style) throw noSuch('event', id);
  return event;
}

/** An event as the API shows it. */
function eventView(simulation: Simulation, event: EventRecord): JsonObject {
  const { content } = event;
  if (content.style === 'thin') return { ...notificationView(event), data: content.data };
  const { object, previous_attributes } = content;
  const deliveries = [...simulation.state.deliveries.values()];
  return {
    id: event.id,
    object: 'event',
    api_version: null,
    created: Math.floor(event.at_ms / 1000),
    data: { object, ...(previous_attributes ? { previous_attributes } : {}) },
    livemode: false,
    pending_webhooks: deliveries.filter((delivery) => delivery.event === event.id).length,
    request: null,
    type: event.type,
  };
}

/** What the endpoint gets of an event: a thin one without its data. */
export function deliveredView(simulation: Simulation, event: EventRecord): JsonObject {
  return event.content.style === 'thin' ? notificationView(event) : eventView(simulation, event);
}

function notificationView({ id, type, at_ms, content }: EventRecord): JsonObject {
  const related = content.style === 'thin' ? content.related_object : null;
  return {
    id,
    object: 'v2.core.event',
    created: new Date(at_ms).toISOString(),
    livemode: false,
    type,
    ...(related ? { related_object: related } : {}),
  };
}
