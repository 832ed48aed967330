import type { Stripe } from 'stripe';
import { UsageError } from '../core/errors.ts';
import { type HttpClient, limitHttpClient } from './limited-http-client.ts';
import type { CallPriority, RateLimiter } from './rate-limiter.ts';
import type { StripeClock } from './stripe-clock.ts';

/** How long Stripe may take to answer before the outcome counts as unknown. */
const TIMEOUT_MS = 20_000;

export interface StripeConnectionOptions {
  readonly secret_key: string;
  /** Passed on to the SDK: a subset of its `StripeConfig`, checked by the caller. */
  readonly config?: object;
}

/** Opens the official SDK. */
export type Connect = () => Promise<Stripe>;

/** Opens the official SDK on first use: apps that do not bill yet need not install it. */
export function connectStripe(
  { secret_key, config }: StripeConnectionOptions,
  limiter: RateLimiter,
  priority: CallPriority,
  stripeClock: StripeClock,
): Connect {
  let connecting: Promise<Stripe> | null = null;
  return () => {
    connecting ??= importStripe().then(({ Stripe }) => {
      const { httpClient = Stripe.createFetchHttpClient(), ...rest }: { readonly httpClient?: HttpClient } =
        config ?? {};
      return new Stripe(secret_key, {
        timeout: TIMEOUT_MS,
        telemetry: false,
        ...rest,
        // The default is fetch because the SDK's other client repeats a request by itself when a connection was
        // closed, also with retries off.
        httpClient: limitHttpClient(httpClient, limiter, priority, stripeClock),
        // The report job retries by its own rules, so the SDK must not.
        maxNetworkRetries: 0,
      });
    });
    return connecting;
  };
}

/** @throws UsageError `invalid_configuration` where the package is not installed. */
export async function importStripe(): Promise<typeof import('stripe')> {
  try {
    return await import('stripe');
  } catch (cause) {
    throw new UsageError('invalid_configuration', {
      field: 'stripe',
      reason: 'The package `stripe` is not installed: usage is counted, and nothing is sent.',
      remedy: 'Install it (`npm install stripe`), and start again.',
      cause,
    });
  }
}
