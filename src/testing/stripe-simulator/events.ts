import type { Json, JsonObject } from './json.ts';
import type { EventRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

const DAY_MS = 86_400_000;
/** How long Stripe keeps events (docs.stripe.com/api/events). */
const KEPT_MS = 30 * DAY_MS;
const HOUR_MS = 3_600_000;

/**
 * Writes down that something happened, with the object as it is now, and sends it to the endpoint. Where no endpoint is
 * set up nothing is written: events are as large as the objects in them.
 */
export function emitSnapshot(
  simulation: Simulation,
  type: string,
  object: () => JsonObject,
  previous_attributes: JsonObject | null = null,
): void {
  if (!simulation.settings.events.snapshot) return;
  emit(simulation, type, { style: 'snapshot', object: object(), previous_attributes });
}

/** An event `….updated`, unless nothing changed. @param before the object as it was, as the API shows it. */
export function emitChange(
  simulation: Simulation,
  type: string,
  before: () => JsonObject,
  after: () => JsonObject,
): void {
  if (!simulation.settings.events.snapshot) return;
  const object = after();
  const previous = differences(before(), object);
  if (Object.keys(previous).length > 0) emitSnapshot(simulation, type, () => object, previous);
}

/** An event of which the endpoint learns only that it happened; the rest is fetched. */
export function emitThin(
  simulation: Simulation,
  type: string,
  related_object: JsonObject | null,
  data: JsonObject,
): void {
  if (simulation.settings.events.thin) emit(simulation, type, { style: 'thin', related_object, data });
}

function emit(simulation: Simulation, type: string, content: EventRecord['content']): void {
  forgetOldEvents(simulation);
  const { id } = simulation.state.events.put({
    id: simulation.newId('evt'),
    at_ms: simulation.now_ms,
    type,
    content,
  });
  const random = () => simulation.random('webhook');
  const faults = simulation.webhookFaults.take(type, random);
  const copies = faults.some(({ kind }) => kind === 'drop')
    ? 0
    : 1 + faults.filter(({ kind }) => kind === 'duplicate').length;
  for (let copy = 0; copy < copies; copy += 1) {
    const delay_ms = faults.reduce((sum, { kind, within_ms = HOUR_MS }) => {
      if (kind === 'delay') return sum + within_ms;
      return kind === 'reorder' ? sum + Math.floor(random() * within_ms) : sum;
    }, 0);
    simulation.expectDelivery({
      id: simulation.newId('whd'),
      event: id,
      due_at_ms: simulation.now_ms + delay_ms,
      attempts: 0,
      first_at_ms: null,
    });
  }
}

function forgetOldEvents({ state, now_ms }: Simulation): void {
  for (const { id, at_ms } of state.events.values()) {
    if (now_ms - at_ms < KEPT_MS) return;
    state.events.delete(id);
  }
}

/** The attributes of the object before that are no longer the same. */
function differences(before: JsonObject, after: JsonObject): JsonObject {
  const changed = Object.entries(before).filter(
    ([key, value]: [string, Json]) => JSON.stringify(value) !== JSON.stringify(after[key]),
  );
  return Object.fromEntries(changed);
}
