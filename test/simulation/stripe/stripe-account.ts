import Stripe from 'stripe';
import type { Exchange } from '../../../src/testing/stripe-simulator/exchange.ts';
import {
  createStripeSimulator,
  type StripeSimulator,
} from '../../../src/testing/stripe-simulator/stripe-simulator.ts';
import type { WebhookFault } from '../../../src/testing/stripe-simulator/webhook-faults.ts';
import type { SimulatedClock } from '../app/simulated-clock.ts';
import type { Schedule } from '../schedule/action.ts';
import { DAY, HOUR } from '../time.ts';
import { DirectClient } from './direct-client.ts';

/** Up to 1,000 credits for 2 cents each, more of them for 1.5 cents. */
const TIERS = [
  { up_to: 1_000, unit_amount: 2 },
  { up_to: 'inf' as const, unit_amount_decimal: Stripe.Decimal.from('1.5') },
];
const METER = {
  display_name: 'Credits',
  event_name: 'credits',
  default_aggregation: { formula: 'sum' as const },
};

/** What its events are signed with: snapshots, and thin events. */
export const WEBHOOK_SECRETS = { secret: 'whsec_simulated', thin_secret: 'whsec_simulated_thin' } as const;

/** An event can meet several of them. */
const EVENT_FAULTS: readonly WebhookFault[] = [
  { kind: 'drop', times: Number.POSITIVE_INFINITY, probability: 0.3 },
  { kind: 'duplicate', times: Number.POSITIVE_INFINITY, probability: 0.2 },
  { kind: 'reorder', times: Number.POSITIVE_INFINITY, probability: 0.4, within_ms: 3 * HOUR },
  { kind: 'delay', times: Number.POSITIVE_INFINITY, probability: 0.1, within_ms: 2 * DAY },
];

/** The app's account at the simulated Stripe: a meter, a price, and the customers. */
export interface StripeAccount {
  readonly simulator: StripeSimulator;
  /** As a person has it in the Dashboard; no fault hits it unless it is told to. */
  readonly stripe: Stripe;
  readonly client: DirectClient;
  readonly price: string;
  readonly customers: readonly [string, string];
}

export interface StripeAccountOptions {
  readonly clock: SimulatedClock;
  readonly onExchange: (exchange: Exchange) => void;
  /** The app's endpoint for events. */
  readonly deliver: (request: Request) => Promise<Response>;
}

export async function createStripeAccount(
  { seed, lag_minutes, events }: Schedule,
  { clock, onExchange, deliver }: StripeAccountOptions,
): Promise<StripeAccount> {
  const simulator = createStripeSimulator({
    clock,
    seed,
    lag_minutes: [0, lag_minutes],
    onExchange,
    ...(events === 'none' ? {} : { webhooks: { deliver, ...WEBHOOK_SECRETS } }),
  });
  if (events === 'unreliable') for (const fault of EVENT_FAULTS) simulator.webhookFaults.add(fault);
  const client = new DirectClient(() => simulator);
  const stripe = new Stripe('sk_test_simulated', {
    httpClient: client,
    maxNetworkRetries: 0,
    telemetry: false,
  });
  const meter = await stripe.billing.meters.create(METER);
  const price = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Credits' },
    billing_scheme: 'tiered',
    tiers_mode: 'volume',
    recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    tiers: TIERS,
  });
  const ada = await stripe.customers.create({ name: 'Ada' });
  const bob = await stripe.customers.create({ name: 'Bob' });
  return { simulator, stripe, client, price: price.id, customers: [ada.id, bob.id] };
}
