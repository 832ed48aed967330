import Stripe from 'stripe';
import { lookupKeyOf } from '../../src/core/plan.ts';
import type { Tier, UsageOptions } from '../../src/index.ts';

type TestPlans = NonNullable<UsageOptions<'credits', string>['plans']>;

/** Creates the prices of plans at Stripe under their default lookup keys, those that are there excepted. */
export async function pushPlans(stripe: Stripe, meter: string, plans: TestPlans): Promise<void> {
  for (const [plan, { prices }] of Object.entries(plans)) {
    for (const price of prices) {
      const isLicensed = price.usage_type === 'licensed';
      const { interval, currency, tiers_mode } = price;
      const billed = isLicensed ? { quantity: price.quantity ?? 'one' } : { meter: price.meter ?? 'credits' };
      const lookup_key = lookupKeyOf(plan, interval, billed);
      const { data } = await stripe.prices.list({ lookup_keys: [lookup_key] });
      if (data.length > 0) continue;
      await stripe.prices.create({
        currency,
        lookup_key,
        product_data: { name: lookup_key },
        metadata: { tallybook_plan: plan },
        recurring: isLicensed ? { interval } : { interval, usage_type: 'metered', meter },
        ...(price.tiers && tiers_mode
          ? { billing_scheme: 'tiered', tiers_mode, tiers: price.tiers.map(toTier) }
          : { unit_amount_decimal: Stripe.Decimal.from(price.unit_amount_decimal ?? '0') }),
      });
    }
  }
}

function toTier({ up_to, unit_amount_decimal, flat_amount_decimal }: Tier): Stripe.PriceCreateParams.Tier {
  return {
    up_to,
    ...(unit_amount_decimal === undefined
      ? {}
      : { unit_amount_decimal: Stripe.Decimal.from(unit_amount_decimal) }),
    ...(flat_amount_decimal === undefined
      ? {}
      : { flat_amount_decimal: Stripe.Decimal.from(flat_amount_decimal) }),
  };
}
