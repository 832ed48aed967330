import type { Stripe } from 'stripe';
import type { CallPriority, RateLimiter } from './rate-limiter.ts';
import { retryAfterOf } from './retry-after.ts';
import type { StripeClock } from './stripe-clock.ts';

export type HttpClient = NonNullable<Stripe.StripeConfig['httpClient']>;

const REASON = 'stripe-rate-limited-reason';

/**
 * The SDK's HTTP client with every request of it, each page of a list included, in its turn. Here the wait for the turn
 * is not part of the SDK's time-out. What each answer tells of Stripe's clock is noted.
 */
export function limitHttpClient(
  client: HttpClient,
  limiter: RateLimiter,
  priority: CallPriority,
  stripeClock: StripeClock,
): HttpClient {
  return {
    getClientName: () => client.getClientName(),
    makeRequest: async (host, port, path, method, ...rest) => {
      const call = { priority, method, path };
      const response = await limiter.call(call, () => client.makeRequest(host, port, path, method, ...rest));
      const headers = new Map(
        Object.entries(response.getHeaders()).map(([name, value]) => [name.toLowerCase(), String(value)]),
      );
      stripeClock.answered(headers.get('date'));
      if (response.getStatusCode() === 429) {
        limiter.slowDown(call, {
          retry_after_ms: retryAfterOf(headers.get('retry-after')),
          reason: headers.get(REASON) ?? null,
        });
      }
      return response;
    },
  };
}
