import { emitSnapshot } from './events.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { fields, oneOf, optional, readParams, text } from './params.ts';
import type { MeterRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/billing/meters';
const MAX_DISPLAY_NAME_LENGTH = 250;
const MAX_EVENT_NAME_LENGTH = 100;

export const METER_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id`, handle: update },
  { method: 'POST', path: `${PATH}/:id/deactivate`, handle: deactivate },
  { method: 'POST', path: `${PATH}/:id/reactivate`, handle: reactivate },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const read = readParams(params, {
    display_name: text(MAX_DISPLAY_NAME_LENGTH),
    event_name: text(MAX_EVENT_NAME_LENGTH),
    default_aggregation: fields({ formula: oneOf('sum', 'count', 'last') }),
    customer_mapping: optional(fields({ type: oneOf('by_id'), event_payload_key: text(100) })),
    value_settings: optional(fields({ event_payload_key: text(100) })),
  });
  if (activeMeter(simulation, read.event_name)) throw takenEventName(read.event_name);
  const meter = simulation.state.meters.put({
    id: simulation.newId('mtr'),
    created: simulation.now_s,
    updated: simulation.now_s,
    display_name: read.display_name,
    event_name: read.event_name,
    formula: read.default_aggregation.formula,
    customer_key: read.customer_mapping?.event_payload_key ?? 'stripe_customer_id',
    value_key: read.value_settings?.event_payload_key ?? 'value',
    deactivated_at: null,
  });
  return meterView(meter);
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { status, ...page } = readParams(params, {
    ...LIST_PARAMS,
    status: optional(oneOf('active', 'inactive')),
  });
  const meters = simulation.state.meters
    .newestFirst()
    .filter((meter) => status === undefined || status === statusOf(meter));
  return pageOf(meters, page, PATH, meterView);
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return meterView(existingMeter(simulation, id));
}

function update(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { display_name } = readParams(params, { display_name: optional(text(MAX_DISPLAY_NAME_LENGTH)) });
  const before = existingMeter(simulation, id);
  return meterView(changed(simulation, { ...before, display_name: display_name ?? before.display_name }));
}

function deactivate(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  const meter = existingMeter(simulation, id);
  if (meter.deactivated_at !== null) throw new StripeError('This meter is already inactive.');
  const inactive = changed(simulation, { ...meter, deactivated_at: simulation.now_s });
  emitSnapshot(simulation, 'billing.meter.deactivated', () => meterView(inactive));
  return meterView(inactive);
}

function reactivate(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  const meter = existingMeter(simulation, id);
  if (meter.deactivated_at === null) throw new StripeError('This meter is already active.');
  if (activeMeter(simulation, meter.event_name)) throw takenEventName(meter.event_name);
  const active = changed(simulation, { ...meter, deactivated_at: null });
  emitSnapshot(simulation, 'billing.meter.reactivated', () => meterView(active));
  return meterView(active);
}

/** @throws StripeError when there is no such meter. */
export function existingMeter(simulation: Simulation, id: string, param = 'id'): MeterRecord {
  const meter = simulation.state.meters.get(id);
  if (!meter) throw noSuch('billing meter', id, param);
  return meter;
}

/** The meter that counts events of this name now. */
export function activeMeter(simulation: Simulation, event_name: string): MeterRecord | undefined {
  return metersNamed(simulation, event_name).find(({ deactivated_at }) => deactivated_at === null);
}

/** All meters that ever counted events of this name. */
export function metersNamed(simulation: Simulation, event_name: string): MeterRecord[] {
  return [...simulation.state.meters.values()].filter((meter) => meter.event_name === event_name);
}

function changed(simulation: Simulation, meter: MeterRecord): MeterRecord {
  return simulation.state.meters.put({ ...meter, updated: simulation.now_s });
}

function takenEventName(event_name: string): StripeError {
  return new StripeError(`There is already an active meter with the event name '${event_name}'.`, {
    code: 'resource_already_exists',
    param: 'event_name',
  });
}

function statusOf({ deactivated_at }: MeterRecord): 'active' | 'inactive' {
  return deactivated_at === null ? 'active' : 'inactive';
}

export function meterView(meter: MeterRecord): JsonObject {
  return {
    id: meter.id,
    object: 'billing.meter',
    created: meter.created,
    customer_mapping: { event_payload_key: meter.customer_key, type: 'by_id' },
    default_aggregation: { formula: meter.formula },
    display_name: meter.display_name,
    event_name: meter.event_name,
    event_time_window: null,
    livemode: false,
    status: statusOf(meter),
    status_transitions: { deactivated_at: meter.deactivated_at },
    updated: meter.updated,
    value_settings: { event_payload_key: meter.value_key },
  };
}
