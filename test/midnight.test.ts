import { expect, test } from 'vitest';
import { temporaryDirectory } from './support/folders.ts';
import { spendMidnight } from './support/midnight.ts';
import { createSimulatedStripe } from './support/simulated-stripe.ts';

/** What Stripe allows of the scarcest call of a night, and the least that we make of it. */
const ALLOWED_PER_SECOND = 25;
const LEAST_SHARE = 0.7;

test.each(['live', 'sandbox'] as const)(
  'at midnight every account is sent once, near the %s limits and never beyond, and nobody who asks waits for the job',
  async (limits) => {
    const accounts = 300;
    const night = await spendMidnight({
      accounts,
      limits,
      seed: 7,
      directory: temporaryDirectory(),
      createSimulator: (options) => createSimulatedStripe(options).simulator,
    });
    expect(night.errors).toEqual([]);
    expect(night.exact_accounts).toBe(accounts);
    expect(night.refused_429).toBe(0);
    expect(night.most_at_once).toBe(1);
    // A sandbox counts everything together, a live account each endpoint by itself.
    const perEndpoint = [...night.requests.values()];
    const scarcest = limits === 'live' ? Math.max(...perEndpoint) : perEndpoint.reduce((a, b) => a + b, 0);
    expect(scarcest / night.seconds).toBeGreaterThan(ALLOWED_PER_SECOND * LEAST_SHARE);
    expect(night.interactive_ms.length).toBeGreaterThan(3);
    expect(night.interactive_ms.at(-1)).toBeLessThan(3_000);
    expect(night.progress.at(-1)).toMatchObject({ of: accounts });
    const left = night.progress.map(({ seconds_left }) => seconds_left ?? 0);
    expect(left).toEqual(left.toSorted((a, b) => b - a));
  },
  120_000,
);
