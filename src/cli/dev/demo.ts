import type { Stripe } from 'stripe';
import { UsageError } from '../../core/errors.ts';
import type { Usage } from '../../usage-interface.ts';

export const METERS = { credits: {}, tokens: {} } as const;
export const DEFAULT_METER = 'credits';

/** Both prices are volume prices: the tier that the whole month reaches prices all of it. */
export const PLANS = {
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
          { up_to: 'inf', unit_amount_decimal: '1.5' },
        ],
      },
      {
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
  if (missing.length === 0) return;
  const prices: string[] = [];
  for (const price of PLANS.pro.prices) prices.push(await priceAtStripe(stripe, price, Decimal));
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

type ProPrice = (typeof PLANS.pro.prices)[number];

async function priceAtStripe(
  stripe: Stripe,
  { meter, currency, interval, tiers_mode, tiers }: ProPrice,
  Decimal: Decimals['Decimal'],
): Promise<string> {
  const lookup_key = `tallybook_dev_${meter}`;
  const [known] = (await stripe.prices.list({ lookup_keys: [lookup_key] })).data;
  if (known) return known.id;
  const name = meter === 'credits' ? 'Credits' : 'Tokens';
  const price = await stripe.prices.create({
    lookup_key,
    currency,
    product_data: { name },
    billing_scheme: 'tiered',
    tiers_mode,
    recurring: { interval, usage_type: 'metered', meter: await meterAtStripe(stripe, meter, name) },
    tiers: tiers.map(({ up_to, unit_amount_decimal }) => ({
      up_to,
      unit_amount_decimal: Decimal.from(unit_amount_decimal),
    })),
  });
  return price.id;
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
