import { parseDecimal } from '../../core/decimal.ts';
import { reportLater } from './error-reports.ts';
import type { JsonObject } from './json.ts';
import { activeMeter, metersNamed } from './meters.ts';
import { integer, optional, readParams, text, textMap } from './params.ts';
import type { MeterEventRecord, MeterRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';

const MAX_IDENTIFIER_LENGTH = 100;
const MAX_VALUE_DIGITS = 15;
const DAY_S = 86_400;
/** Stripe promises uniqueness for at least 24 hours; the simulator grants not a millisecond more. */
const IDENTIFIER_MEMORY_MS = DAY_S * 1000;
const MAX_AGE_S = 35 * DAY_S;
const MAX_AHEAD_S = 5 * 60;

export const METER_EVENT_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/v1/billing/meter_events', handle: create },
];

/**
 * Accepts an event, which is counted after a lag. Name, identifier, timestamp and value are checked at once;
 * whether the customer exists turns out only when the event is counted.
 */
function create(simulation: Simulation, request: RouteRequest): JsonObject {
  const read = readParams(request.params, {
    event_name: text(100),
    payload: textMap(),
    identifier: optional(text(MAX_IDENTIFIER_LENGTH)),
    timestamp: optional(integer()),
  });
  const meter = countingMeter(simulation, read.event_name);
  const timestamp = read.timestamp ?? simulation.now_s;
  refuseTimestamp(simulation, timestamp);
  const customer = payloadEntry(read.payload, meter.customer_key, 'meter_event_no_customer_defined');
  const value = eventValue(meter, read.payload);
  refuseDuplicate(simulation, read.identifier);

  const id = simulation.newId('mtrevent');
  const event = simulation.state.meterEvents.put({
    id,
    identifier: read.identifier ?? id,
    event_name: read.event_name,
    meter: meter.id,
    customer,
    payload: read.payload,
    value,
    timestamp,
    received_at_ms: simulation.now_ms,
    due_at_ms: simulation.now_ms + simulation.randomLag(),
    status: 'pending',
    forced_rejection: request.forced_rejection,
    idempotency_key: request.idempotency_key,
  });
  simulation.log.add(event);
  simulation.agenda.push({ at: event.due_at_ms, kind: 'count', id });
  return meterEventView(event);
}

/** Counts an event whose time has come, or rejects it asynchronously. */
export function countMeterEvent(simulation: Simulation, event: MeterEventRecord): void {
  const code = rejectionOf(simulation, event);
  simulation.state.meterEvents.put({ ...event, status: code === null ? 'counted' : 'rejected' });
  if (code === null) return;
  const error = simulation.state.asyncErrors.put({
    id: simulation.newId('mtrerror'),
    code,
    meter: event.meter,
    event_name: event.event_name,
    identifier: event.identifier,
    idempotency_key: event.idempotency_key,
    at_ms: simulation.now_ms,
  });
  reportLater(simulation, error);
}

function rejectionOf({ state }: Simulation, event: MeterEventRecord): string | null {
  if (event.forced_rejection !== null) return event.forced_rejection;
  if (state.meters.get(event.meter)?.deactivated_at !== null) return 'archived_meter';
  const customer = state.customers.get(event.customer);
  return customer && !customer.deleted ? null : 'meter_event_customer_not_found';
}

function countingMeter(simulation: Simulation, event_name: string): MeterRecord {
  const meter = activeMeter(simulation, event_name);
  if (meter) return meter;
  const isArchived = metersNamed(simulation, event_name).length > 0;
  throw new StripeError(`No active meter found for the event name '${event_name}'.`, {
    code: isArchived ? 'archived_meter' : 'no_meter',
    param: 'event_name',
  });
}

function refuseTimestamp(simulation: Simulation, timestamp: number): void {
  if (timestamp < simulation.now_s - MAX_AGE_S) {
    throw new StripeError('The timestamp must be within the past 35 calendar days.', {
      code: 'timestamp_too_far_in_past',
      param: 'timestamp',
    });
  }
  if (timestamp > simulation.now_s + MAX_AHEAD_S) {
    throw new StripeError('The timestamp must be at most 5 minutes in the future.', {
      code: 'timestamp_in_future',
      param: 'timestamp',
    });
  }
}

/** The digits of the value; a meter that only counts events needs none. */
function eventValue(meter: MeterRecord, payload: Readonly<Record<string, string>>): string {
  if (meter.formula === 'count') return '1';
  const value = payloadEntry(payload, meter.value_key, 'meter_event_value_not_found');
  const param = `payload[${meter.value_key}]`;
  if (parseDecimal(value) === null) {
    throw new StripeError(`The value '${value}' is not numeric.`, {
      code: 'meter_event_invalid_value',
      param,
    });
  }
  if (value.replace(/\D/g, '').replace(/^0+/, '').length > MAX_VALUE_DIGITS) {
    throw new StripeError(`The value has more than ${MAX_VALUE_DIGITS} digits.`, {
      code: 'meter_event_value_too_many_digits',
      param,
    });
  }
  return value;
}

function payloadEntry(payload: Readonly<Record<string, string>>, key: string, code: string): string {
  const entry = payload[key];
  if (entry === undefined || entry === '') {
    throw new StripeError(`The payload has no '${key}'.`, { code, param: `payload[${key}]` });
  }
  return entry;
}

function refuseDuplicate(simulation: Simulation, identifier: string | undefined): void {
  if (identifier === undefined) return;
  const earlier = simulation.log.newestWith(identifier);
  if (earlier && simulation.now_ms - earlier.received_at_ms < IDENTIFIER_MEMORY_MS) {
    throw new StripeError(`An event already exists with identifier ${identifier}.`, {
      headers: { 'Stripe-Should-Retry': 'false' },
    });
  }
}

function meterEventView(event: MeterEventRecord): JsonObject {
  return {
    object: 'billing.meter_event',
    created: Math.floor(event.received_at_ms / 1000),
    event_name: event.event_name,
    identifier: event.identifier,
    livemode: false,
    payload: event.payload,
    timestamp: event.timestamp,
  };
}
