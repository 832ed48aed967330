import { deleteCustomer } from './customers.ts';
import type { JsonObject } from './json.ts';
import { LIST_PARAMS, pageOf } from './lists.ts';
import { integer, optional, readParams, text } from './params.ts';
import type { TestClockRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';

const PATH = '/v1/test_helpers/test_clocks';
const DAY_S = 86_400;
/** When Stripe deletes a test clock by itself; the simulator keeps it. */
const KEPT_S = 30 * DAY_S;

/**
 * The simulator has one clock for everything, and a test clock is a name for it: whoever advances one moves the time of
 * all customers, of the app too if it shares the clock. That takes a clock which can be moved.
 */
export const TEST_CLOCK_ROUTES: readonly Route[] = [
  { method: 'POST', path: PATH, handle: create },
  { method: 'GET', path: PATH, handle: list },
  { method: 'GET', path: `${PATH}/:id`, handle: retrieve },
  { method: 'POST', path: `${PATH}/:id/advance`, handle: advance },
  { method: 'DELETE', path: `${PATH}/:id`, handle: remove },
];

function create(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { frozen_time, name } = readParams(params, { frozen_time: integer(), name: optional(text(300)) });
  if (frozen_time < simulation.now_s) throw behind(simulation, frozen_time);
  const isAhead = frozen_time > simulation.now_s;
  if (isAhead) moveTo(simulation, frozen_time);
  const clock = simulation.state.testClocks.put({
    id: simulation.newId('clock'),
    created: simulation.now_s,
    name: name ?? null,
  });
  return clockView(simulation, clock, isAhead ? frozen_time : null);
}

function list(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const page = readParams(params, LIST_PARAMS);
  const clocks = simulation.state.testClocks.newestFirst();
  return pageOf(clocks, page, PATH, (clock) => clockView(simulation, clock, null));
}

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  return clockView(simulation, existingClock(simulation, id), null);
}

/** The clock is there at once, and what is due by then happens before the next request. */
function advance(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { frozen_time } = readParams(params, { frozen_time: integer() });
  const clock = existingClock(simulation, id);
  if (frozen_time <= simulation.now_s) throw behind(simulation, frozen_time);
  moveTo(simulation, frozen_time);
  return clockView(simulation, clock, frozen_time);
}

/** As in Stripe, the customers that were made with a test clock go with it. */
function remove(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  existingClock(simulation, id);
  for (const customer of simulation.state.customers.values()) {
    if (customer.test_clock === id && !customer.deleted) deleteCustomer(simulation, customer);
  }
  simulation.state.testClocks.delete(id);
  return { id, object: 'test_helpers.test_clock', deleted: true };
}

function moveTo({ settings }: Simulation, frozen_time: number): void {
  if (!settings.moveClock) {
    throw new StripeError(
      'The clock of this simulator cannot be moved by requests. Create it with a clock that has `moveTo`, such as that of `createMovableClock`.',
    );
  }
  settings.moveClock(frozen_time * 1_000);
}

function behind({ now_s }: Simulation, frozen_time: number): StripeError {
  return new StripeError(
    `The simulator has one clock, which only moves forward: it is at ${now_s}, and frozen_time is ${frozen_time}.`,
    { param: 'frozen_time' },
  );
}

/** @throws StripeError when there is no such test clock. */
function existingClock({ state }: Simulation, id: string): TestClockRecord {
  const clock = state.testClocks.get(id);
  if (!clock) throw noSuch('test_clock', id);
  return clock;
}

/** @param target where it is being moved to, in seconds; null: nowhere. */
function clockView(
  { now_s }: Simulation,
  { id, created, name }: TestClockRecord,
  target: number | null,
): JsonObject {
  return {
    id,
    object: 'test_helpers.test_clock',
    created,
    deletes_after: created + KEPT_S,
    frozen_time: now_s,
    livemode: false,
    name,
    status: target === null ? 'ready' : 'advancing',
    status_details: target === null ? {} : { advancing: { target_frozen_time: target } },
  };
}
