import { SECOND_MS } from '../../core/instant.ts';
import type { StripeSimulator } from '../../testing/stripe-simulator/stripe-simulator.ts';
import type { DevClock } from './dev-clock.ts';

export interface WebhookDeliveryOptions {
  readonly simulator: Pick<StripeSimulator, 'deliverWebhooks'>;
  readonly clock: Pick<DevClock, 'sleep'>;
  readonly onError: (error: unknown) => void;
}

/** An event waits no longer than this; Stripe itself takes a moment as well. */
const DELIVER_EVERY_MS = SECOND_MS;

/**
 * Delivers the simulated Stripe's events while the clock ticks by itself; a move of the clock delivers them on its way.
 *
 * @returns what stops it, when the delivery under way has ended.
 */
export function startWebhookDelivery({ simulator, clock, onError }: WebhookDeliveryOptions) {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await simulator.deliverWebhooks().catch(onError);
      await clock.sleep(DELIVER_EVERY_MS, signal).catch(() => {});
    }
  }

  const ended = run();
  return async (): Promise<void> => {
    stopping.abort();
    await ended;
  };
}
