import type { Stripe } from 'stripe';
import type { CataloguePrice } from '../core/billing-provider.ts';
import type { PriceInterval, PriceReference } from '../core/plan.ts';
import type { Price, Tier } from '../core/price.ts';
import type { Connect } from './stripe-connection.ts';
import type { StripeMeters } from './stripe-meters.ts';

const MAX_CACHED_PRICES = 10_000;
/** Stripe takes so many lookup keys in one list (docs.stripe.com/api/prices/list). */
const MAX_LOOKUP_KEYS = 10;

/** Prices at Stripe, by their ids and by their lookup keys. */
export class StripePrices {
  readonly #connect: Connect;
  readonly #meters: StripeMeters;
  /** A price cannot change its amounts, so each is read once, also by accounts that ask for it at the same time. */
  readonly #prices = new Map<string, Promise<Price>>();

  constructor(connect: Connect, meters: StripeMeters) {
    this.#connect = connect;
    this.#meters = meters;
  }

  /** What a price says of amounts. Tiers come only when asked for, and a list of subscriptions is too deep to ask there. */
  async amountsOf(stripe_price: string): Promise<Price> {
    const known = this.#prices.get(stripe_price);
    if (known) return await known;
    const reading = this.#read(stripe_price).then(toPrice);
    if (this.#prices.size < MAX_CACHED_PRICES) {
      this.#prices.set(stripe_price, reading);
      reading.catch(() => this.#prices.delete(stripe_price));
    }
    return await reading;
  }

  /** One for each reference, in their order; null = there is no active one. Always read anew: keys move to other prices. */
  async find(references: readonly PriceReference[]): Promise<(CataloguePrice | null)[]> {
    const byKey = await this.#findByKeys(
      references.filter(({ stripe_price }) => stripe_price === null).map(({ lookup_key }) => lookup_key),
    );
    const found: (CataloguePrice | null)[] = [];
    for (const { stripe_price, lookup_key } of references) {
      const price =
        stripe_price === null
          ? byKey.get(lookup_key)
          : await this.#catalogued(await this.#read(stripe_price));
      found.push(price?.active ? price : null);
    }
    return found;
  }

  async #findByKeys(lookup_keys: readonly string[]): Promise<Map<string, CataloguePrice>> {
    const found = new Map<string, CataloguePrice>();
    const stripe = await this.#connect();
    for (let from = 0; from < lookup_keys.length; from += MAX_LOOKUP_KEYS) {
      const page = await stripe.prices.list({
        lookup_keys: lookup_keys.slice(from, from + MAX_LOOKUP_KEYS),
        active: true,
        limit: 100,
        expand: ['data.tiers'],
      });
      for (const price of page.data) {
        if (price.lookup_key !== null) found.set(price.lookup_key, await this.#catalogued(price));
      }
    }
    return found;
  }

  async #read(stripe_price: string): Promise<Stripe.Price> {
    const stripe = await this.#connect();
    return await stripe.prices.retrieve(stripe_price, { expand: ['tiers'] });
  }

  async #catalogued(price: Stripe.Price): Promise<CataloguePrice> {
    const { id, lookup_key, active, recurring } = price;
    if (!recurring) throw new Error(`The price ${id} is charged once: a plan needs recurring prices.`);
    return {
      ...toPrice(price),
      stripe_price: id,
      lookup_key,
      active,
      interval: intervalOf(recurring.interval),
      interval_count: recurring.interval_count,
      event_name: recurring.meter === null ? null : await this.#meters.eventNameOf(recurring.meter),
    };
  }
}

export function intervalOf(interval: string): PriceInterval {
  if (interval === 'day' || interval === 'week' || interval === 'month' || interval === 'year')
    return interval;
  throw new Error(`Stripe names an interval that is not known here: ${interval}.`);
}

export function toPrice(price: Stripe.Price): Price {
  const { currency, transform_quantity } = price;
  if (price.billing_scheme === 'tiered') {
    const tiers_mode = price.tiers_mode === 'graduated' ? 'graduated' : 'volume';
    return { currency, billing_scheme: 'tiered', tiers_mode, tiers: (price.tiers ?? []).map(toTier) };
  }
  return {
    currency,
    billing_scheme: 'per_unit',
    unit_amount_decimal: price.unit_amount_decimal?.toString() ?? '0',
    ...(transform_quantity
      ? {
          transform_quantity: {
            divide_by: transform_quantity.divide_by,
            round: transform_quantity.round === 'up' ? 'up' : 'down',
          },
        }
      : {}),
  };
}

function toTier({ up_to, unit_amount_decimal, flat_amount_decimal }: Stripe.Price.Tier): Tier {
  return {
    up_to: up_to ?? 'inf',
    ...(unit_amount_decimal === null ? {} : { unit_amount_decimal: unit_amount_decimal.toString() }),
    ...(flat_amount_decimal === null ? {} : { flat_amount_decimal: flat_amount_decimal.toString() }),
  };
}
