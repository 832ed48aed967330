import { z } from 'zod';
import { UsageError } from '../core/errors.ts';
import type { Meters } from '../core/meter.ts';
import {
  type LicensedPrice,
  lookupKeyOf,
  type Plan,
  type PlanPrice,
  type Plans,
  type PriceInterval,
} from '../core/plan.ts';
import { assertPrice, type Price } from '../core/price.ts';

export interface PlanOptions<Meter extends string = string> {
  /** What customers call it. Default: the plan's key, with a capital letter. */
  readonly name?: string;
  /** Whether the HTTP API shows it to everybody who has a key or a token, or to its own accounts only. Default: true. */
  readonly listed?: boolean;
  /**
   * At most one metered price per meter and interval, one base fee and one price of seats per interval, all in one
   * currency.
   */
  readonly prices: readonly (MeteredPriceOptions<Meter> | LicensedPriceOptions)[];
  /** Units a billing period includes, by meter. */
  readonly limits?: Readonly<Partial<Record<Meter, number>>>;
}

interface CatalogueOptions {
  readonly interval: PriceInterval;
  /** `price_…` at Stripe, for prices that were made elsewhere. Default: the active one with the `lookup_key`. */
  readonly stripe_price?: string;
  /** At Stripe; at most 200 characters. Default: `tallybook:<plan>:<interval>:<meter>`, which `tallybook push` sets. */
  readonly lookup_key?: string;
}

/** A price for what was used, billed after each billing period. */
export type MeteredPriceOptions<Meter extends string = string> = Price &
  CatalogueOptions & {
    readonly usage_type?: 'metered';
    /** Default: the only meter, or `default_meter`. */
    readonly meter?: Meter;
  };

/** A price that is billed in advance, whatever is used. */
export type LicensedPriceOptions = Price &
  CatalogueOptions & {
    readonly usage_type: 'licensed';
    /** `one`: a base fee. `seats`: as many as `usage.seats` says. Default: `one`. */
    readonly quantity?: 'one' | 'seats';
  };

/** Stripe's own limit (docs.stripe.com/api/prices/object). */
const MAX_LOOKUP_KEY = 200;
/** Of a meter or a plan. */
export const optionName = z
  .string()
  .regex(/^[A-Za-z][\w.-]{0,99}$/, 'It is not a name: a letter, then at most 99 letters, digits, _, . or -');

const decimal = z.string("It is not a decimal text of minor units, such as '1.5'");
const tier = z.strictObject({
  up_to: z.union([z.number(), z.literal('inf')], "It is neither a number nor 'inf'"),
  unit_amount_decimal: decimal.optional(),
  flat_amount_decimal: decimal.optional(),
});
const price = z.strictObject({
  currency: z.string(),
  interval: z.enum(['day', 'week', 'month', 'year']),
  usage_type: z.enum(['metered', 'licensed']).optional(),
  quantity: z.enum(['one', 'seats']).optional(),
  meter: z.string().optional(),
  stripe_price: z
    .string()
    .regex(/^price_\w+$/, 'It is not the id of a Stripe price (price_…)')
    .optional(),
  lookup_key: z.string().min(1).max(MAX_LOOKUP_KEY).optional(),
  billing_scheme: z.enum(['per_unit', 'tiered']).optional(),
  unit_amount_decimal: decimal.optional(),
  tiers_mode: z.enum(['volume', 'graduated']).optional(),
  tiers: z.array(tier).min(1).optional(),
  transform_quantity: z.strictObject({ divide_by: z.number(), round: z.enum(['up', 'down']) }).optional(),
});
export const plansSchema = z.record(
  optionName,
  z.strictObject({
    name: z.string().min(1).max(100).optional(),
    listed: z.boolean().optional(),
    prices: z.array(price),
    limits: z.record(z.string(), z.int().min(0)).optional(),
  }),
);

/**
 * Checks the plans of the configuration, whose shape {@link plansSchema} has checked.
 *
 * @throws UsageError `invalid_configuration`, `invalid_price`.
 */
export function parsePlans(plans: Readonly<Record<string, PlanOptions>>, meters: Meters): Plans {
  return Object.fromEntries(Object.entries(plans).map(([key, plan]) => [key, parsePlan(key, plan, meters)]));
}

function parsePlan(key: string, plan: PlanOptions, meters: Meters): Plan {
  const prices: PlanPrice[] = [];
  const licensed: LicensedPrice[] = [];
  const taken = new Set<string>();
  for (const [index, options] of plan.prices.entries()) {
    const field = `plans.${key}.prices[${index}]`;
    const parsed = parsePlanPrice(key, options, meters, field);
    const what = 'meter' in parsed ? parsed.meter : `@${parsed.quantity}`;
    if (taken.size === taken.add(`${parsed.interval} ${what}`).size) {
      throw invalid(field, 'A plan has at most one price per meter, base fee or seats, and interval.');
    }
    if ('meter' in parsed) prices.push(parsed);
    else licensed.push(parsed);
  }
  if (new Set([...prices, ...licensed].map(({ currency }) => currency)).size > 1) {
    throw invalid(`plans.${key}.prices`, 'All prices of a plan are in one currency: they share an invoice.');
  }
  const limits: Record<string, number> = {};
  for (const [meter, limit] of Object.entries(plan.limits ?? {})) {
    if (!meters.names.has(meter)) throw invalid(`plans.${key}.limits.${meter}`, 'There is no such meter.');
    if (limit !== undefined) limits[meter] = limit;
  }
  const name = plan.name ?? key.charAt(0).toUpperCase() + key.slice(1);
  const { listed = true } = plan;
  return { name, prices, licensed, limits, ...(listed ? {} : { listed }) };
}

function parsePlanPrice(
  plan: string,
  options: MeteredPriceOptions | LicensedPriceOptions,
  meters: Meters,
  field: string,
): PlanPrice | LicensedPrice {
  if (options.usage_type === 'licensed') {
    if ('meter' in options) throw invalid(`${field}.meter`, 'A licensed price counts no meter.');
    const { usage_type: _, quantity = 'one', interval, stripe_price = null, lookup_key, ...price } = options;
    const key = lookup_key ?? lookupKeyOf(plan, interval, { quantity });
    return { ...checked(price, field), interval, quantity, stripe_price, lookup_key: fitting(key, field) };
  }
  if ('quantity' in options) throw invalid(`${field}.quantity`, 'Only a licensed price has a quantity.');
  const { usage_type: _, meter: named, interval, stripe_price = null, lookup_key, ...price } = options;
  const meter = named ?? meters.default_meter;
  if (meter === null || !meters.names.has(meter)) {
    throw invalid(`${field}.meter`, `It must be one of the meters: ${[...meters.names].join(', ')}.`);
  }
  const key = lookup_key ?? lookupKeyOf(plan, interval, { meter });
  return { ...checked(price, field), interval, meter, stripe_price, lookup_key: fitting(key, field) };
}

function checked(price: Price, field: string): Price {
  assertPrice(price, field);
  return price;
}

function fitting(lookup_key: string, field: string): string {
  if (lookup_key.length <= MAX_LOOKUP_KEY) return lookup_key;
  throw invalid(`${field}.lookup_key`, `Its default is longer than ${MAX_LOOKUP_KEY} characters: set one.`);
}

function invalid(field: string, reason: string): UsageError {
  return new UsageError('invalid_configuration', { field, reason });
}
