import type { Stripe } from 'stripe';
import { UsageError } from '../../core/errors.ts';
import type { Usage } from '../../usage-interface.ts';

export const METERS = { credits: {}, tokens: {} } as const;
export const DEFAULT_METER = 'credits';

/** All are volume prices: the tier that the whole month reaches prices all of it. */
export const PLANS = {
  free: { name: 'Free', prices: [] },
  pro: {
    name: 'Pro',
    prices: [
      {
        lookup_key: 'tallybook_dev_credits',
        currency: 'usd',
        interval: 'month',
        meter: 'credits',
        tiers_mode: 'volume',
        tiers: [
          { up_to: 1_000, unit_amount_decimal: '2' },
          { up_to: 'inf', unit_amount_decimal: '1.5' },
        ],
      },
      {
        lookup_key: 'tallybook_dev_tokens',
        currency: 'usd',
        interval: 'month',
        meter: 'tokens',
        tiers_mode: 'volume',
        tiers: [
          { up_to: 1_000_000, unit_amount_decimal: '0.002' },
          { up_to: 'inf', unit_amount_decimal: '0.0015' },
        ],
      },
    ],
  },
  scale: {
    name: 'Scale',
    prices: [
      {
        lookup_key: 'tallybook_dev_scale_base_fee',
        currency: 'usd',
        interval: 'month',
        usage_type: 'licensed',
        unit_amount_decimal: '4900',
      },
      {
        lookup_key: 'tallybook_dev_scale_credits',
        currency: 'usd',
        interval: 'month',
        meter: 'credits',
        tiers_mode: 'volume',
        tiers: [
          { up_to: 10_000, unit_amount_decimal: '1' },
          { up_to: 'inf', unit_amount_decimal: '0.75' },
        ],
      },
      {
        lookup_key: 'tallybook_dev_scale_tokens',
        currency: 'usd',
        interval: 'month',
        meter: 'tokens',
        tiers_mode: 'volume',
        tiers: [
          { up_to: 10_000_000, unit_amount_decimal: '0.001' },
          { up_to: 'inf', unit_amount_decimal: '0.0008' },
        ],
      },
    ],
  },
} as const;

export type DemoMeter = keyof typeof METERS;
export type DemoUsage = Usage<DemoMeter, keyof typeof PLANS>;

/** The accounts of the demonstration; usage that names no account is spread over them. */
export const DEMO_ACCOUNTS = [
  { account: 'acme', plan: 'pro' },
  { account: 'globex', plan: 'pro' },
  { account: 'hobby', plan: 'free' },
] as const;

type Decimals = Pick<typeof Stripe, 'Decimal'>;

/** Sets up what is missing, at Stripe first; interrupted anywhere, the next start completes it. */
export async function setUpDemo(usage: DemoUsage, stripe: Stripe, { Decimal }: Decimals): Promise<void> {
  const known = await Promise.all(DEMO_ACCOUNTS.map(({ account }) => exists(usage, account)));
  const missing = DEMO_ACCOUNTS.filter((_, index) => !known[index]);
  const prices: string[] = [];
  for (const price of PLANS.pro.prices) prices.push(await priceAtStripe(stripe, price, Decimal));
  for (const price of PLANS.scale.prices) await priceAtStripe(stripe, price, Decimal);
  for (const { account, plan } of missing) {
    const stripe_customer = plan === 'free' ? null : await subscriber(stripe, account, prices);
    await usage.accounts.set({ account, plan, stripe_customer });
  }
}

async function exists(usage: DemoUsage, account: string): Promise<boolean> {
  try {
    await usage.accounts.get({ account });
    return true;
  } catch (error) {
    if (error instanceof UsageError && error.code === 'account_not_found') return false;
    throw error;
  }
}

type DemoPrice = (typeof PLANS)['pro' | 'scale']['prices'][number];

async function priceAtStripe(
  stripe: Stripe,
  price: DemoPrice,
  Decimal: Decimals['Decimal'],
): Promise<string> {
  const { lookup_key, currency, interval } = price;
  const [known] = (await stripe.prices.list({ lookup_keys: [lookup_key] })).data;
  if (known) return known.id;
  if (!('meter' in price)) {
    const unit_amount_decimal = Decimal.from(price.unit_amount_decimal);
    const recurring = { interval, usage_type: 'licensed' } as const;
    const product_data = { name: 'Scale' };
    return (
      await stripe.prices.create({ lookup_key, currency, product_data, recurring, unit_amount_decimal })
    ).id;
  }
  const name = price.meter === 'credits' ? 'Credits' : 'Tokens';
  const meter = await meterAtStripe(stripe, price.meter, name);
  const { id } = await stripe.prices.create({
    lookup_key,
    currency,
    product_data: { name },
    billing_scheme: 'tiered',
    tiers_mode: price.tiers_mode,
    recurring: { interval, usage_type: 'metered', meter },
    tiers: price.tiers.map(({ up_to, unit_amount_decimal }) => ({
      up_to,
      unit_amount_decimal: Decimal.from(unit_amount_decimal),
    })),
  });
  return id;
}

async function meterAtStripe(stripe: Stripe, event_name: string, display_name: string): Promise<string> {
  const { data } = await stripe.billing.meters.list({ status: 'active', limit: 100 });
  const known = data.find((meter) => meter.event_name === event_name);
  if (known) return known.id;
  const formula = 'sum';
  return (await stripe.billing.meters.create({ display_name, event_name, default_aggregation: { formula } }))
    .id;
}

/** The Stripe customer whose subscription names the account; without one, a new customer and subscription. */
async function subscriber(stripe: Stripe, account: string, prices: readonly string[]): Promise<string> {
  const { data } = await stripe.subscriptions.list({ status: 'all', limit: 100 });
  const known = data.find(({ metadata }) => metadata['account'] === account);
  if (known) return typeof known.customer === 'string' ? known.customer : known.customer.id;
  const customer = await stripe.customers.create({ name: account, metadata: { account } });
  await stripe.subscriptions.create({
    customer: customer.id,
    items: prices.map((price) => ({ price })),
    billing_mode: { type: 'flexible' },
    metadata: { account },
  });
  return customer.id;
}
