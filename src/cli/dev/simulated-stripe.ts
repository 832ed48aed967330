import type { Clock } from '../../core/environment.ts';
import { createStripeSimulator } from '../../testing/stripe-simulator/stripe-simulator.ts';
import { CommandError } from '../command-error.ts';

/** Any test key is taken; this one says what it is. */
export const SECRET_KEY = 'sk_test_simulated';

/** What its events are signed with: snapshots, and thin events, which have an endpoint of their own. */
export const WEBHOOK_SECRET = 'whsec_simulated';
export const THIN_WEBHOOK_SECRET = 'whsec_simulated_thin';

/** None: a change of the plan waits until what was used before it is counted, and somebody watches. */
const LAG_MINUTES = [0, 0] as const;

/**
 * A simulated Stripe whose state is kept in a file.
 *
 * @param deliver the app's endpoint for its events.
 * @throws CommandError when another process has the file, or it is damaged.
 */
export function openSimulatedStripe(
  clock: Pick<Clock, 'now'>,
  state_file: string,
  deliver: (request: Request) => Promise<Response>,
) {
  const webhooks = { deliver, secret: WEBHOOK_SECRET, thin_secret: THIN_WEBHOOK_SECRET };
  try {
    return createStripeSimulator({ clock, state_file, webhooks, lag_minutes: LAG_MINUTES });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : '';
    if (message.includes('locked')) {
      throw new CommandError(
        'Another `tallybook dev` uses this directory.',
        'Use its page, stop it, or pass another --directory.',
        { cause },
      );
    }
    throw new CommandError(
      `The state of the simulated Stripe cannot be opened: ${message}.`,
      'Pass another --directory, or delete this one to begin anew.',
      { cause },
    );
  }
}

/** The official SDK, if the app has it: Tallybook brings none of its own. */
export async function importStripe(): Promise<typeof import('stripe')> {
  try {
    return await import('stripe');
  } catch (cause) {
    throw new CommandError('The package "stripe" is not installed.', 'Run `npm install stripe`.', { cause });
  }
}
