import Stripe from 'stripe';
import type { StripeSimulator } from '../../src/testing/stripe-simulator/stripe-simulator.ts';
import { createSimulatedStripe, type SimulatedStripeOptions } from './simulated-stripe.ts';

/** A clock that a test sets. */
export interface SetClock {
  time: number;
  now(): number;
}

/** One customer who pays for credits: the smallest world in which usage is billed. */
export interface CreditsScene {
  readonly clock: SetClock;
  readonly simulator: StripeSimulator;
  readonly stripe: Stripe;
  readonly meter: Stripe.Billing.Meter;
  readonly price: Stripe.Price;
  readonly customer: Stripe.Customer;
  /** Sends a meter event of the customer; `timestamp` in milliseconds, by default now. */
  report(
    value: number | string,
    details?: { identifier?: string; timestamp?: number; key?: string },
  ): Promise<void>;
}

export const JANUARY_31 = Date.UTC(2026, 0, 31, 12);
/** Where the first month of what begins on 31 January ends. */
export const FEBRUARY_28 = Date.UTC(2026, 1, 28, 12);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Up to 1,000 credits for 2 cents each, more of them for 1.5 cents. */
export const CREDIT_TIERS = [
  { up_to: 1_000, unit_amount: 2 },
  { up_to: 'inf' as const, unit_amount_decimal: Stripe.Decimal.from('1.5') },
];

export async function createCreditsScene({
  tiers_mode = 'volume',
  ...options
}: SimulatedStripeOptions & { tiers_mode?: 'volume' | 'graduated' } = {}): Promise<CreditsScene> {
  const clock = { time: JANUARY_31, now: () => clock.time };
  const { simulator, stripe } = createSimulatedStripe({ clock, ...options });
  const meter = await stripe.billing.meters.create({
    display_name: 'Credits',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  const price = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Credits' },
    billing_scheme: 'tiered',
    tiers_mode,
    recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    tiers: CREDIT_TIERS,
  });
  const customer = await stripe.customers.create({ name: 'Ada', email: 'ada@example.com' });
  return {
    clock,
    simulator,
    stripe,
    meter,
    price,
    customer,
    report: async (value, { identifier, timestamp = clock.time, key } = {}) => {
      await stripe.billing.meterEvents.create(
        {
          event_name: meter.event_name,
          payload: { stripe_customer_id: customer.id, value: String(value) },
          timestamp: Math.floor(timestamp / 1000),
          ...(identifier === undefined ? {} : { identifier }),
        },
        key === undefined ? {} : { idempotencyKey: key },
      );
    },
  };
}

/** Stripe's words of refusal; an error if there was none. */
export async function refusal(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('Stripe did not refuse.');
}
