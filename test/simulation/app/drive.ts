import { InvariantBroken } from '../invariants/broken.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { Turns } from './turns.ts';

/** A call that neither ends nor sleeps after so many turns of the event loop hangs. */
const MAX_IDLE_TURNS = 1_000;

interface DriveOptions {
  readonly turns: Turns;
  readonly clock: SimulatedClock;
}

/** Waits for a promise, and lets time pass where everyone sleeps. */
export async function drive<Result>(
  promise: Promise<Result>,
  { turns, clock }: DriveOptions,
): Promise<Result> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  for (let idle = 0; ; idle += 1) {
    await turns.quiet();
    if (isSettled) return await promise;
    if (clock.wakeNext()) idle = 0;
    if (idle > MAX_IDLE_TURNS)
      throw new InvariantBroken('I15', 'A call neither ends nor waits for anything.');
  }
}
