import type { Instant } from '../core/environment.ts';
import type { MovableClock } from './movable-clock.ts';
import type { StripeSimulator } from './stripe-simulator/stripe-simulator.ts';

export interface PassTimeParams {
  readonly clock: MovableClock;
  readonly simulator: Pick<StripeSimulator, 'settle' | 'nextEventAt' | 'deliverWebhooks'>;
  /** The worker of `createUsage`, on the same clock. */
  readonly worker: { tick(): Promise<void>; nextDueAt(): Promise<Instant> };
  /** Where to, in milliseconds since 1970. */
  readonly to: Instant;
}

/** What is overdue is tried again after so long. */
const OVERDUE_STEP_MS = 1_000;
/** More steps than this in one call is a loop that makes no progress. */
const MAX_STEPS = 100_000;

/**
 * Lets time pass as it does in life, only faster: stops wherever Stripe or the report job has something to do, in
 * the order of time. Moving the clock in one leap would skip the hour in which a draft invoice waits for usage.
 */
export async function passTime({ clock, simulator, worker, to }: PassTimeParams): Promise<void> {
  for (let steps = 0; ; steps += 1) {
    if (steps === MAX_STEPS)
      throw new Error(`After ${MAX_STEPS} steps there is still something due before ${to}.`);
    simulator.settle();
    await simulator.deliverWebhooks();
    await worker.tick();
    if (clock.now() >= to) return;
    const due = Math.max(await worker.nextDueAt(), clock.now() + OVERDUE_STEP_MS);
    const event = simulator.nextEventAt();
    clock.moveTo(Math.min(to, due, event !== null && event > clock.now() ? event : due));
  }
}
