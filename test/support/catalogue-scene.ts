import { join } from 'node:path';
import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import type { DatabaseOptions, PlanOptions, StripeOptions, Usage } from '../../src/index.ts';
import { composeUsage } from '../../src/usage.ts';
import { temporaryDirectory } from './folders.ts';
import { createSimulatedStripe, type SimulatedStripe } from './simulated-stripe.ts';

/** What push is tried with: tiers, packages, a base fee, seats, two intervals, and a plan that is free. */
export const CATALOGUE = {
  meters: { credits: {}, tokens: { stripe_event_name: 'ai_tokens' } },
  plans: {
    free: { prices: [] },
    pro: {
      prices: [
        {
          currency: 'usd',
          interval: 'month',
          meter: 'credits',
          tiers_mode: 'volume',
          tiers: [
            { up_to: 1_000, unit_amount_decimal: '2' },
            { up_to: 'inf', unit_amount_decimal: '1.5', flat_amount_decimal: '500' },
          ],
        },
        {
          currency: 'usd',
          interval: 'month',
          meter: 'tokens',
          unit_amount_decimal: '100',
          transform_quantity: { divide_by: 1_000, round: 'up' },
        },
        { currency: 'usd', interval: 'month', usage_type: 'licensed', unit_amount_decimal: '900' },
        { currency: 'usd', interval: 'year', usage_type: 'licensed', unit_amount_decimal: '9000' },
      ],
    },
    'team.v2': {
      name: 'Team',
      prices: [
        {
          currency: 'eur',
          interval: 'month',
          usage_type: 'licensed',
          quantity: 'seats',
          lookup_key: 'team_seats',
          tiers_mode: 'graduated',
          tiers: [
            { up_to: 5, unit_amount_decimal: '1000' },
            { up_to: 'inf', unit_amount_decimal: '800' },
          ],
        },
        {
          currency: 'eur',
          interval: 'month',
          usage_type: 'licensed',
          lookup_key: 'team_base',
          unit_amount_decimal: '0.5',
        },
      ],
    },
  },
} as const;

export interface Declared {
  readonly meters: Readonly<Record<string, { readonly stripe_event_name?: string }>>;
  readonly plans: Readonly<Record<string, PlanOptions>>;
}

export interface AppOptions {
  /** Added to what reaches the simulator; null = Stripe is not configured. */
  readonly stripe?: Partial<StripeOptions> | null;
  /** Default: a new SQLite file. */
  readonly database?: DatabaseOptions;
  /** Milliseconds since 1970, standing still. Default: the machine's. */
  readonly now?: number;
}

/** A Stripe account and apps that configure what it sells. */
export interface CatalogueScene extends SimulatedStripe {
  /** An app with this configuration. */
  app(declared: Declared, options?: AppOptions): Usage;
  /** Pushes all that there is to push. */
  push(declared: Declared): ReturnType<Usage['catalogue']['push']>;
  /** POST requests since the last call, without their parameters. */
  writes(): string[];
}

export function createCatalogueScene(simulated: SimulatedStripe = createSimulatedStripe()): CatalogueScene {
  const { simulator } = simulated;
  const app = (
    { meters, plans }: Declared,
    {
      stripe = {},
      database = { path: join(temporaryDirectory(), 'usage.db'), thread: 'in_thread' },
      now,
    }: AppOptions = {},
  ): Usage => {
    const connection = {
      secret_key: 'sk_test_simulated',
      max_requests_per_second: 1_000_000,
      config: { httpClient: Stripe.createFetchHttpClient(simulator.fetch) },
    };
    const usage = composeUsage(
      {
        database,
        meters,
        plans,
        onError: () => {},
        logger: { debug() {}, info() {}, warn() {}, error() {} },
        ...(stripe === null ? {} : { stripe: { ...connection, ...stripe } }),
        ...(now === undefined ? {} : { environment: { clock: { now: () => now, sleep: async () => {} } } }),
      },
      { store: (store) => store, provider: (provider) => provider },
    );
    onTestFinished(() => usage.close());
    return usage;
  };
  let seen = 0;
  return {
    ...simulated,
    app,
    async push(declared) {
      const { catalogue } = app(declared);
      const { changes } = await catalogue.compare();
      return await catalogue.push({ changes });
    },
    writes() {
      const requests = simulator.requests().slice(seen);
      seen = simulator.requests().length;
      return requests.flatMap(({ method, path }) => (method === 'POST' ? [path] : []));
    },
  };
}
