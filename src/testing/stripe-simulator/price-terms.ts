import type { FormObject } from './form.ts';
import { existingMeter } from './meters.ts';
import {
  boolean,
  decimal,
  either,
  fields,
  integer,
  list,
  metadata,
  oneOf,
  optional,
  readParams,
  text,
} from './params.ts';
import { PRODUCT_PARAMS } from './products.ts';
import type { PriceRecord, RecurringRecord, TierRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';

const AMOUNTS = { unit_amount: optional(integer()), unit_amount_decimal: optional(decimal()) };
const TIER = {
  ...AMOUNTS,
  flat_amount: optional(integer()),
  flat_amount_decimal: optional(decimal()),
  up_to: either(oneOf('inf'), integer(1)),
};
const RECURRING = {
  interval: oneOf('day', 'week', 'month', 'year'),
  interval_count: optional(integer(1, 1_095)),
  usage_type: optional(oneOf('metered', 'licensed')),
  meter: optional(text()),
};
const PRICE = {
  ...AMOUNTS,
  currency: text(3),
  product: optional(text()),
  product_data: optional(fields(PRODUCT_PARAMS)),
  active: optional(boolean()),
  nickname: optional(text()),
  lookup_key: optional(text(200)),
  transfer_lookup_key: optional(boolean()),
  metadata: optional(metadata()),
  tax_behavior: optional(oneOf('exclusive', 'inclusive', 'unspecified')),
  recurring: optional(fields(RECURRING)),
  billing_scheme: optional(oneOf('per_unit', 'tiered')),
  tiers_mode: optional(oneOf('graduated', 'volume')),
  tiers: optional(list(fields(TIER), 1, 100)),
  transform_quantity: optional(fields({ divide_by: integer(1), round: oneOf('up', 'down') })),
};

type PriceParams = ReturnType<typeof read>;
type TierParams = NonNullable<PriceParams['tiers']>[number];

/** What a price charges, apart from whose it is. */
export type PriceTerms = Pick<
  PriceRecord,
  'recurring' | 'unit_amount_decimal' | 'transform_quantity' | 'tiered'
>;

/**
 * Reads and checks the parameters of a new price.
 *
 * @throws StripeError for a price that Stripe would refuse (docs.stripe.com/api/prices/create).
 */
export function readPriceTerms(
  simulation: Simulation,
  params: FormObject,
): { readonly read: PriceParams; readonly terms: PriceTerms } {
  const priceParams = read(params);
  if (!/^[a-z]{3}$/.test(priceParams.currency)) {
    throw new StripeError(`Invalid currency: ${priceParams.currency}`, { param: 'currency' });
  }
  const recurring = recurringTerms(simulation, priceParams);
  const amounts =
    priceParams.billing_scheme === 'tiered' ? tieredTerms(priceParams) : perUnitTerms(priceParams);
  return { read: priceParams, terms: { recurring, ...amounts } };
}

function read(params: FormObject) {
  return readParams(params, PRICE);
}

function recurringTerms(simulation: Simulation, { recurring }: PriceParams): RecurringRecord | null {
  if (recurring === undefined) return null;
  const { interval, interval_count = 1, usage_type = 'licensed', meter } = recurring;
  if (usage_type === 'metered' && meter === undefined) {
    throw new StripeError(
      'Starting with Stripe version 2025-03-31.basil, all metered prices must be backed by meters.',
      { param: 'recurring[meter]' },
    );
  }
  if (usage_type === 'licensed' && meter !== undefined) {
    throw new StripeError('You may only set a meter on a price with usage_type=metered.', {
      param: 'recurring[meter]',
    });
  }
  if (meter !== undefined && existingMeter(simulation, meter, 'recurring[meter]').deactivated_at !== null) {
    throw new StripeError('A deactivated meter cannot be attached to a price.', {
      param: 'recurring[meter]',
    });
  }
  return { interval, interval_count, usage_type, meter: meter ?? null };
}

function perUnitTerms(params: PriceParams): Omit<PriceTerms, 'recurring'> {
  for (const param of ['tiers', 'tiers_mode'] as const) {
    if (params[param] !== undefined) {
      throw new StripeError(`You can only set \`${param}\` if \`billing_scheme=tiered\`.`, { param });
    }
  }
  const unit_amount_decimal = amountOf(params.unit_amount, params.unit_amount_decimal, 'unit_amount');
  if (unit_amount_decimal === null) {
    throw new StripeError('Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.', {
      code: 'parameter_missing',
      param: 'unit_amount',
    });
  }
  return { unit_amount_decimal, transform_quantity: params.transform_quantity ?? null, tiered: null };
}

function tieredTerms(params: PriceParams): Omit<PriceTerms, 'recurring'> {
  for (const param of ['unit_amount', 'unit_amount_decimal', 'transform_quantity'] as const) {
    if (params[param] !== undefined) {
      throw new StripeError(`You cannot set \`${param}\` if \`billing_scheme=tiered\`.`, { param });
    }
  }
  for (const param of ['tiers', 'tiers_mode'] as const) {
    if (params[param] === undefined) {
      throw new StripeError(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
    }
  }
  const tiers = (params.tiers ?? []).map(tierTerms);
  refuseDisorder(tiers);
  const tiered = { tiers_mode: params.tiers_mode ?? 'graduated', tiers };
  return { unit_amount_decimal: null, transform_quantity: null, tiered };
}

function tierTerms(tier: TierParams, index: number): TierRecord {
  const name = `tiers[${index}]`;
  const unit_amount_decimal = amountOf(tier.unit_amount, tier.unit_amount_decimal, `${name}[unit_amount]`);
  const flat_amount_decimal = amountOf(tier.flat_amount, tier.flat_amount_decimal, `${name}[flat_amount]`);
  if (unit_amount_decimal === null && flat_amount_decimal === null) {
    throw new StripeError('Each tier must have at least one of `unit_amount` and `flat_amount`.', {
      param: name,
    });
  }
  return { up_to: tier.up_to === 'inf' ? null : tier.up_to, unit_amount_decimal, flat_amount_decimal };
}

function refuseDisorder(tiers: readonly TierRecord[]): void {
  let below = 0;
  for (const [index, { up_to }] of tiers.entries()) {
    if ((up_to === null) !== (index === tiers.length - 1)) {
      throw new StripeError('The last tier, and only the last, must have `up_to` set to `inf`.', {
        param: 'tiers',
      });
    }
    if (up_to === null) continue;
    if (up_to <= below) {
      throw new StripeError('Each tier must have an `up_to` above that of the tier before.', {
        param: 'tiers',
      });
    }
    below = up_to;
  }
}

function amountOf(
  amount: number | undefined,
  amount_decimal: string | undefined,
  param: string,
): string | null {
  if (amount !== undefined && amount_decimal !== undefined) {
    throw new StripeError(
      `You may only specify one of these parameters: ${param}, ${param.replace(/\]?$/, '_decimal$&')}.`,
      {
        code: 'parameters_exclusive',
        param,
      },
    );
  }
  return amount_decimal ?? (amount === undefined ? null : String(amount));
}
