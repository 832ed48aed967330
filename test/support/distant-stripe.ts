import type { Clock } from '../../src/index.ts';

export interface DistantStripeOptions {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** Numbers from [0, 1). */
  readonly random: () => number;
}

/** A simulated Stripe as far away as the real one, and what its owner wants to know of the traffic. */
export interface DistantStripe {
  readonly fetch: typeof fetch;
  /** Answers, by endpoint. */
  readonly answered: ReadonlyMap<string, number>;
  /** Of them those of status 429. */
  limited(): number;
  /** The most meter events of one customer that were under way at once. */
  mostAtOnce(): number;
}

/** Milliseconds: the way there, what Stripe takes for a request, and the way back. */
const WAY_MS = [20, 40] as const;
const WORK_MS = [60, 350] as const;

export function createDistantStripe({ fetch: near, clock, random }: DistantStripeOptions): DistantStripe {
  const answered = new Map<string, number>();
  const underWay = new Map<string, number>();
  let limited = 0;
  let mostAtOnce = 0;
  const between = ([least, most]: readonly [number, number]) => least + random() * (most - least);

  async function send(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const body = request.method === 'POST' ? await request.text() : '';
    // The simulator is an account in test mode, whatever the key of the product says.
    request.headers.set('Authorization', 'Bearer sk_test_simulated');
    const customer = /meter_events$/.test(request.url) ? (/cus_\w+/.exec(body)?.[0] ?? '') : '';
    const atOnce = (underWay.get(customer) ?? 0) + 1;
    if (customer !== '') mostAtOnce = Math.max(mostAtOnce, atOnce);
    underWay.set(customer, atOnce);
    await clock.sleep(between(WAY_MS));
    const { method, headers, url } = request;
    const response = await near(url, { method, headers, ...(body === '' ? {} : { body }) });
    await clock.sleep(between(WORK_MS) + between(WAY_MS));
    underWay.set(customer, (underWay.get(customer) ?? 1) - 1);
    const endpoint = `${method} ${new URL(url).pathname.replace(/\/\w+_\d+/g, '/:id')}`;
    answered.set(endpoint, (answered.get(endpoint) ?? 0) + 1);
    if (response.status === 429) limited += 1;
    return response;
  }
  return { fetch: send, answered, limited: () => limited, mostAtOnce: () => mostAtOnce };
}
