import type { Stripe } from 'stripe';
import type { CatalogueChange, NewPrice } from '../core/catalogue.ts';
import type { ApplyChangeParams } from '../core/catalogue-provider.ts';
import type { Tier } from '../core/price.ts';
import { PLAN_KEY } from './metadata-keys.ts';
import { QUANTITY_METADATA } from './stripe-catalogue.ts';
import { importStripe } from './stripe-connection.ts';

const MAX_ACTIVE_METERS = 1_000;

/** Does one change at Stripe. @throws what the SDK throws. */
export async function applyChange(
  stripe: Stripe,
  { change, idempotency_key }: ApplyChangeParams,
): Promise<void> {
  // What only sets a state is the same twice; an answer from memory could be older than the state.
  const options = { idempotencyKey: idempotency_key };
  switch (change.change) {
    case 'create_meter':
      await stripe.billing.meters.create(meterParams(change), options);
      return;
    case 'reactivate_meter':
      await stripe.billing.meters.reactivate(change.stripe_meter);
      return;
    case 'create_product': {
      const { stripe_product: id, name, plan } = change;
      await stripe.products.create({ id, name, metadata: { [PLAN_KEY]: plan } }, options);
      return;
    }
    case 'rename_product':
      await stripe.products.update(change.stripe_product, { name: change.name });
      return;
    case 'activate_product':
      await stripe.products.update(change.stripe_product, { active: true });
      return;
    case 'create_price':
      await stripe.prices.create(await priceParams(stripe, change), options);
      return;
    case 'activate_price':
      await stripe.prices.update(change.stripe_price, { active: true });
      return;
    case 'deactivate_price':
      await passOnDefault(stripe, change.stripe_price);
      await stripe.prices.update(change.stripe_price, { active: false });
  }
}

/** Stripe does not take a product's default price off sale: its successor, or else another one of the product, becomes it. */
async function passOnDefault(stripe: Stripe, stripe_price: string): Promise<void> {
  const price = await stripe.prices.retrieve(stripe_price, { expand: ['product'] });
  const { product } = price;
  if (typeof product === 'string' || product.deleted || product.default_price !== stripe_price) return;
  const { data } = await stripe.prices.list({ product: product.id, active: true, limit: 100 });
  const others = data.filter(({ id }) => id !== stripe_price);
  const successor = others.find((other) => kindOf(other) === kindOf(price)) ?? others[0];
  if (successor) await stripe.products.update(product.id, { default_price: successor.id });
}

function kindOf({ recurring, metadata }: Stripe.Price): string {
  return JSON.stringify([recurring?.interval, recurring?.meter, metadata[QUANTITY_METADATA]]);
}

function meterParams({
  meter,
  event_name,
}: Extract<CatalogueChange, { change: 'create_meter' }>): Stripe.Billing.MeterCreateParams {
  return {
    display_name: meter,
    event_name,
    default_aggregation: { formula: 'sum' },
    customer_mapping: { type: 'by_id', event_payload_key: 'stripe_customer_id' },
    value_settings: { event_payload_key: 'value' },
  };
}

/** What people set on the price that it replaces, in the Dashboard say, goes on. */
async function priceParams(
  stripe: Stripe,
  { plan, stripe_product, price, replaces }: Extract<CatalogueChange, { change: 'create_price' }>,
): Promise<Stripe.PriceCreateParams> {
  const before = replaces && (await stripe.prices.retrieve(replaces.stripe_price));
  return {
    currency: price.currency,
    product: stripe_product,
    lookup_key: price.lookup_key,
    // Without a price that is replaced, the key must be free: whoever has taken it meanwhile was quicker.
    transfer_lookup_key: before !== null,
    metadata: {
      ...before?.metadata,
      [PLAN_KEY]: plan,
      ...(price.quantity === null ? {} : { [QUANTITY_METADATA]: price.quantity }),
    },
    recurring: await recurringParams(stripe, price),
    ...(before?.nickname ? { nickname: before.nickname } : {}),
    ...(before?.tax_behavior ? { tax_behavior: before.tax_behavior } : {}),
    ...(await amountParams(price)),
  };
}

async function recurringParams(
  stripe: Stripe,
  { interval, event_name }: NewPrice,
): Promise<Stripe.PriceCreateParams.Recurring> {
  if (interval === null) throw new Error('A plan has recurring prices only.');
  if (event_name === null) return { interval, usage_type: 'licensed' };
  const meters = await stripe.billing.meters
    .list({ status: 'active', limit: 100 })
    .autoPagingToArray({ limit: MAX_ACTIVE_METERS });
  const meter = meters.find((each) => each.event_name === event_name);
  if (!meter)
    throw new Error(`Stripe has no active meter with the event name ${JSON.stringify(event_name)}.`);
  return { interval, usage_type: 'metered', meter: meter.id };
}

async function amountParams(price: NewPrice): Promise<Partial<Stripe.PriceCreateParams>> {
  const { Decimal } = (await importStripe()).Stripe;
  const { tiers, tiers_mode, unit_amount_decimal = '0', transform_quantity } = price;
  if (!tiers || !tiers_mode) {
    return {
      billing_scheme: 'per_unit',
      unit_amount_decimal: Decimal.from(unit_amount_decimal),
      ...(transform_quantity ? { transform_quantity } : {}),
    };
  }
  const tierParams = ({ up_to, unit_amount_decimal: unit = '0', flat_amount_decimal: flat }: Tier) => ({
    up_to,
    unit_amount_decimal: Decimal.from(unit),
    ...(flat === undefined ? {} : { flat_amount_decimal: Decimal.from(flat) }),
  });
  return { billing_scheme: 'tiered', tiers_mode, tiers: tiers.map(tierParams) };
}
