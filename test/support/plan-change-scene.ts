import type Stripe from 'stripe';
import { type CreditsScene, createCreditsScene, FEBRUARY_28 } from './credits-scene.ts';
import type { SimulatedStripeOptions } from './simulated-stripe.ts';

/** A customer whose credits can be billed by two prices: by tiers, or ten cents each. */
export interface PlanChangeScene extends CreditsScene {
  readonly dearer: Stripe.Price;
  subscribe(params?: Partial<Stripe.SubscriptionCreateParams>): Promise<Stripe.Subscription>;
  /** Creates a licensed price of an amount per unit and month, or as told. */
  licensed(unit_amount: number, params?: Partial<Stripe.PriceCreateParams>): Promise<Stripe.Price>;
  /** Status and total of the customer's invoices, oldest first. */
  bills(): (readonly [unknown, unknown])[];
  /** Lets the first period, and the hour of its draft, pass. */
  endPeriod(): void;
}

/** What is counted is counted at once, unless the options say otherwise. */
export async function createPlanChangeScene(options: SimulatedStripeOptions = {}): Promise<PlanChangeScene> {
  const scene = await createCreditsScene({ lag_minutes: [0, 0], ...options });
  const { clock, simulator, stripe, customer, meter, price } = scene;
  const dearer = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Credits, dearer' },
    unit_amount: 10,
    recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
  });
  return {
    ...scene,
    dearer,
    subscribe: (params) =>
      stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], ...params }),
    licensed: (unit_amount, params) =>
      stripe.prices.create({
        currency: 'usd',
        product_data: { name: 'Seat' },
        unit_amount,
        recurring: { interval: 'month' },
        ...params,
      }),
    bills: () => simulator.invoices(customer.id).map(({ status, total }) => [status, total] as const),
    endPeriod: () => {
      clock.time = FEBRUARY_28 + 3_600_000;
      simulator.settle();
    },
  };
}
