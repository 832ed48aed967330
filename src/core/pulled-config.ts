import type { Catalogue, ListedMeter, ListedPrice, ListedProduct } from './catalogue.ts';
import { termsText } from './catalogue-text.ts';
import { type LicensedPrice, lookupKeyOf } from './plan.ts';
import type { Tier } from './price.ts';
import { bareKey, commentText, literal } from './source-text.ts';

/** A configuration that was written from what Stripe has. */
export interface PulledConfig {
  /** The text of a module that exports `usage`. */
  readonly config: string;
  /** What it cannot express, a sentence each; the same are comments in it. */
  readonly omitted: readonly string[];
}

/** The same rules as for names in `createUsage`. */
const NAME = /^[A-Za-z][\w.-]{0,99}$/;
const MAX_NAME_LENGTH = 100;
const DEFAULT_METER = 'credits';

/**
 * Writes a configuration from what Stripe sells: meters that sum up, and a plan for each product with recurring prices.
 *
 * @param truncated there are more prices than were read.
 */
export function pulledConfig(catalogue: Catalogue, truncated: boolean): PulledConfig {
  const omitted: string[] = [];
  if (truncated) omitted.push(`Only the newest ${catalogue.prices.length} prices were read.`);
  const meters = meterNames(catalogue, omitted);
  const plans = planLines(catalogue, meters, omitted);
  const config = [
    '// Written by `tallybook pull` from what Stripe has. Check it, then run `tallybook push`: nothing should change.',
    ...omitted.map((text) => `// Left out: ${text}`),
    "import { createUsage } from 'tallybook';",
    '',
    'export const usage = createUsage({',
    "  database: process.env['DATABASE_URL'] ?? 'usage.db',",
    "  stripe: { secret_key: process.env['STRIPE_SECRET_KEY'] },",
    '  meters: {',
    ...meterLines(meters),
    '  },',
    '  plans: {',
    ...plans,
    '  },',
    '});',
    '',
  ];
  return { config: config.join('\n'), omitted };
}

/** `event_name` → our name. */
function meterNames({ meters, prices }: Catalogue, omitted: string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  // Stripe lists the newest first; people read the oldest first.
  for (const meter of [...meters].reverse()) {
    const { stripe_meter, event_name, active, formula, event_time_window } = meter;
    if (!active) continue;
    const fault = formula === 'sum' ? event_time_window : formula;
    if (fault === null) names.set(event_name, freeName(meterNameOf(meter, prices), taken));
    else {
      const text = `The meter ${event_name} (${stripe_meter}) does not sum up single uses: ${fault}.`;
      omitted.push(commentText(text));
    }
  }
  return names;
}

/** As it was called in the configuration that push read, which its prices' lookup keys tell. */
function meterNameOf({ event_name, display_name }: ListedMeter, prices: readonly ListedPrice[]): string {
  const isOurs = prices.some(
    ({ event_name: billed, lookup_key, interval, plan }) =>
      billed === event_name &&
      interval !== null &&
      plan !== null &&
      lookup_key === lookupKeyOf(plan, interval, { meter: display_name }),
  );
  if (isOurs && NAME.test(display_name)) return display_name;
  return NAME.test(event_name) ? event_name : slugOf(event_name, 'meter');
}

function meterLines(meters: ReadonlyMap<string, string>): string[] {
  if (meters.size === 0)
    return [`    // Stripe has no meter yet: push makes it.`, `    ${DEFAULT_METER}: {},`];
  return [...meters].map(([event_name, name]) => {
    const options = name === event_name ? '{}' : `{ stripe_event_name: ${literal(event_name)} }`;
    return `    ${bareKey(name)}: ${options},`;
  });
}

function planLines(
  { products, prices }: Catalogue,
  meters: ReadonlyMap<string, string>,
  omitted: string[],
): string[] {
  const taken = new Set<string>();
  const lines: string[] = [];
  for (const product of [...products].reverse()) {
    const own = prices.filter(({ stripe_product }) => stripe_product === product.stripe_product);
    if (own.length === 0) continue;
    if (!product.active) {
      omitted.push(commentText(`The product ${product.name} (${product.stripe_product}) is archived.`));
      continue;
    }
    const plan = freeName(planNameOf(product), taken);
    const chosen = chosenPrices(plan, product, own, meters, omitted);
    if (chosen.length === 0) continue;
    const name = product.name === plan.charAt(0).toUpperCase() + plan.slice(1) ? [] : [nameLine(product)];
    lines.push(
      `    ${bareKey(plan)}: {`,
      ...name,
      '      prices: [',
      ...chosen.flatMap((price) => priceLines(plan, price, meters)),
      '      ],',
      '    },',
    );
  }
  return lines;
}

function nameLine({ name }: ListedProduct): string {
  return `      name: ${literal(name.slice(0, MAX_NAME_LENGTH))},`;
}

function planNameOf({ plan, name }: ListedProduct): string {
  return plan !== null && NAME.test(plan) ? plan : slugOf(name, 'plan');
}

/** What a plan can hold: those with lookup keys first, one of a kind, in one currency. */
function chosenPrices(
  plan: string,
  product: ListedProduct,
  prices: readonly ListedPrice[],
  meters: ReadonlyMap<string, string>,
  omitted: string[],
): readonly ListedPrice[] {
  const kinds = new Set<string>();
  const chosen: ListedPrice[] = [];
  for (const price of [...prices]
    .reverse()
    .sort((a, b) => Number(b.lookup_key !== null) - Number(a.lookup_key !== null))) {
    const kind = `${price.interval} ${price.event_name ?? `@${quantityOf(price)}`}`;
    const fault =
      faultOf(price, meters) ??
      (kinds.has(kind) ? `${plan} has another price of this kind` : null) ??
      (chosen[0] && chosen[0].currency !== price.currency ? `${plan} is in ${chosen[0].currency}` : null);
    if (fault === null) {
      kinds.add(kind);
      chosen.push(price);
    } else {
      const text = `The price ${price.stripe_price} of ${product.name}, ${termsText(price)}: ${fault}.`;
      omitted.push(commentText(text));
    }
  }
  return chosen;
}

/** Why no plan can hold the price; null = one can. */
function faultOf(price: ListedPrice, meters: ReadonlyMap<string, string>): string | null {
  if (price.beyond !== null) return price.beyond;
  if (price.interval_count !== 1) return 'plans are billed every day, week, month or year';
  if (price.event_name !== null && !meters.has(price.event_name))
    return `its meter ${price.event_name} is left out`;
  return null;
}

function quantityOf({ quantity, lookup_key }: ListedPrice): LicensedPrice['quantity'] {
  return quantity ?? (lookup_key?.endsWith(':@seats') ? 'seats' : 'one');
}

function priceLines(plan: string, price: ListedPrice, meters: ReadonlyMap<string, string>): string[] {
  const { currency, interval, event_name, tiers, tiers_mode, unit_amount_decimal, transform_quantity } =
    price;
  const quantity = quantityOf(price);
  const meter = event_name === null ? null : (meters.get(event_name) ?? event_name);
  const isSeats = quantity === 'seats' ? ["quantity: 'seats'"] : [];
  const billed =
    meter === null
      ? ["usage_type: 'licensed'", ...isSeats]
      : meters.size > 1
        ? [`meter: ${literal(meter)}`]
        : [];
  const amounts = tiers
    ? [`tiers_mode: ${literal(tiers_mode ?? 'volume')}`, tiersText(tiers)]
    : [
        `unit_amount_decimal: ${literal(unit_amount_decimal ?? '0')}`,
        ...(transform_quantity ? [`transform_quantity: ${literal(transform_quantity)}`] : []),
      ];
  const fields = [
    `currency: ${literal(currency)}`,
    `interval: ${literal(interval)}`,
    ...billed,
    ...amounts,
    ...referenceOf(plan, price, meter === null ? { quantity } : { meter }),
  ];
  return ['        {', ...fields.map((field) => `          ${field},`), '        },'];
}

function tiersText(tiers: readonly Tier[]): string {
  return ['tiers: [', ...tiers.map((tier) => `            ${literal(tier)},`), '          ]'].join('\n');
}

/** Nothing for the key that the price would have anyway. */
function referenceOf(
  plan: string,
  { stripe_price, lookup_key, interval }: ListedPrice,
  billed: Parameters<typeof lookupKeyOf>[2],
): string[] {
  if (lookup_key === null) return [`stripe_price: ${literal(stripe_price)}`];
  const usual = interval === null ? null : lookupKeyOf(plan, interval, billed);
  return lookup_key === usual ? [] : [`lookup_key: ${literal(lookup_key)}`];
}

/** A name made of a text that people wrote. */
function slugOf(text: string, fallback: string): string {
  const slug = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '')
    .slice(0, MAX_NAME_LENGTH - 10);
  return /^[a-z]/.test(slug) ? slug : `${fallback}${slug === '' ? '' : `_${slug}`}`;
}

/** The name, or with the first free number behind it. */
function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number += 1)
    free = `${name.slice(0, MAX_NAME_LENGTH - 10)}_${number}`;
  taken.add(free);
  return free;
}
