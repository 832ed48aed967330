import Stripe from 'stripe';

/** A step of a tiered price; amounts are cents. */
interface TierData {
  readonly up_to: number | 'inf';
  readonly unit_amount_decimal: string;
  readonly flat_amount_decimal?: string;
}

/** A price as plain data, which the product's configuration, Stripe's catalogue and the oracle are each given. */
export interface PriceData {
  readonly bills: 'usage' | 'base_fee' | 'seats';
  readonly tiers_mode: 'volume' | 'graduated';
  readonly tiers: readonly TierData[];
}

export type PlanName = 'free' | 'pro' | 'business' | 'team' | 'scale';
export type PaidPlan = Exclude<PlanName, 'free'>;

/**
 * Amounts with fractions of a cent, so that rounding matters, and flat fees on upper tiers only: whether the first tier's
 * is charged for nothing is not documented.
 */
export const PRICES: Readonly<Record<PlanName, readonly PriceData[]>> = {
  free: [],
  pro: [
    {
      bills: 'usage',
      tiers_mode: 'volume',
      tiers: [
        { up_to: 1_000, unit_amount_decimal: '2' },
        { up_to: 'inf', unit_amount_decimal: '1.5' },
      ],
    },
  ],
  business: [
    { bills: 'base_fee', tiers_mode: 'volume', tiers: [{ up_to: 'inf', unit_amount_decimal: '4900' }] },
    {
      bills: 'usage',
      tiers_mode: 'volume',
      tiers: [
        { up_to: 500, unit_amount_decimal: '1.25' },
        { up_to: 'inf', unit_amount_decimal: '0.875', flat_amount_decimal: '100' },
      ],
    },
  ],
  team: [
    {
      bills: 'seats',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 3, unit_amount_decimal: '1500' },
        { up_to: 'inf', unit_amount_decimal: '1233.3' },
      ],
    },
    {
      bills: 'usage',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 100, unit_amount_decimal: '3.333' },
        { up_to: 'inf', unit_amount_decimal: '1.111' },
      ],
    },
  ],
  scale: [
    { bills: 'base_fee', tiers_mode: 'volume', tiers: [{ up_to: 'inf', unit_amount_decimal: '999' }] },
    { bills: 'seats', tiers_mode: 'volume', tiers: [{ up_to: 'inf', unit_amount_decimal: '701' }] },
    { bills: 'usage', tiers_mode: 'volume', tiers: [{ up_to: 'inf', unit_amount_decimal: '0.05' }] },
  ],
};

const PLAN_NAMES: readonly PlanName[] = ['free', 'pro', 'business', 'team', 'scale'];
const MONTHLY = { currency: 'usd', interval: 'month' } as const;

/** The plans as an app configures them. */
export const PLANS = Object.fromEntries(
  PLAN_NAMES.map((plan) => [plan, { prices: PRICES[plan].map(toOptions) }]),
);

function toOptions({ bills, ...tiers }: PriceData) {
  if (bills === 'usage') return { ...MONTHLY, ...tiers };
  const quantity = bills === 'seats' ? 'seats' : 'one';
  return { ...MONTHLY, ...tiers, usage_type: 'licensed', quantity } as const;
}

/** Whether a plan has a price for each seat. */
export function hasSeats(plan: PlanName): boolean {
  return PRICES[plan].some(({ bills }) => bills === 'seats');
}

/** Names a price in results: `pro usage`. */
export function priceName(plan: PlanName, { bills }: PriceData): string {
  return `${plan} ${bills}`;
}

/** What Stripe knows of the plans: its id of each price by name. */
export async function createCatalogue(stripe: Stripe): Promise<ReadonlyMap<string, string>> {
  const meter = await stripe.billing.meters.create({
    display_name: 'Credits',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  const ids = new Map<string, string>();
  for (const plan of PLAN_NAMES) {
    for (const price of PRICES[plan]) {
      const { bills, tiers_mode, tiers } = price;
      const what = { usage: 'credits', base_fee: '@base_fee', seats: '@seats' }[bills];
      const { id } = await stripe.prices.create({
        currency: 'usd',
        lookup_key: `tallybook:${plan}:month:${what}`,
        metadata: { tallybook_plan: plan },
        product_data: { name: priceName(plan, price) },
        billing_scheme: 'tiered',
        tiers_mode,
        recurring: {
          interval: 'month',
          ...(bills === 'usage' ? { usage_type: 'metered', meter: meter.id } : { usage_type: 'licensed' }),
        },
        tiers: tiers.map(toTier),
      });
      ids.set(priceName(plan, price), id);
    }
  }
  return ids;
}

function toTier({
  up_to,
  unit_amount_decimal,
  flat_amount_decimal,
}: TierData): Stripe.PriceCreateParams.Tier {
  return {
    up_to,
    unit_amount_decimal: Stripe.Decimal.from(unit_amount_decimal),
    ...(flat_amount_decimal === undefined
      ? {}
      : { flat_amount_decimal: Stripe.Decimal.from(flat_amount_decimal) }),
  };
}
