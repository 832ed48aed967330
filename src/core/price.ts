import { add, type Decimal, formatDecimal, multiply, parseDecimal, roundHalfUp, ZERO } from './decimal.ts';
import { UsageError } from './errors.ts';
import { MAX_QUANTITY } from './quantity.ts';

/** One step of a tiered price. Amounts are decimal strings of minor units with at most 12 places. */
export interface Tier {
  /** The last unit of the tier, inclusive; `'inf'` in the last tier only. */
  readonly up_to: number | 'inf';
  /** Price of one unit. Absent: 0. */
  readonly unit_amount_decimal?: string;
  /** Price of the tier as a whole, charged once when the quantity reaches it. Absent: 0. */
  readonly flat_amount_decimal?: string;
}

/**
 * A price in Stripe's field names (docs.stripe.com/api/prices/object), as far as usage is rated by it.
 * Either `unit_amount_decimal` (per unit, with `transform_quantity` also per package) or `tiers`.
 */
export interface Price {
  /** Three-letter ISO 4217 code in lower case: `'usd'`. */
  readonly currency: string;
  /** Absent: `'tiered'` if there are `tiers`, otherwise `'per_unit'`. */
  readonly billing_scheme?: 'per_unit' | 'tiered';
  /** Minor units for one unit, or for one package where there is `transform_quantity`: `'1.5'` is 1.5 cents. */
  readonly unit_amount_decimal?: string;
  /** `volume`: the tier that the whole quantity reaches prices all of it. `graduated`: each tier prices its own units. */
  readonly tiers_mode?: 'volume' | 'graduated';
  /** Ascending; the last one ends at `'inf'`. */
  readonly tiers?: readonly Tier[];
  /** Bills packages of `divide_by` units; Stripe allows it without tiers only. */
  readonly transform_quantity?: { readonly divide_by: number; readonly round: 'up' | 'down' };
}

/** One line as it stands on an invoice: rounded by itself. */
export interface RatedLine {
  /** Position of the tier, from 1; null for a price without tiers. */
  readonly tier: number | null;
  /** The last unit of the tier, `'inf'` for the last tier, null for a price without tiers. */
  readonly up_to: number | 'inf' | null;
  /** Units, or packages, that the line bills; 0 for a flat fee. */
  readonly quantity: number;
  /** What one of them costs, in minor units; null for a flat fee. */
  readonly unit_amount_decimal: string | null;
  /** The tier's flat fee in minor units; null for units. */
  readonly flat_amount_decimal: string | null;
  /** Minor units, rounded half up. */
  readonly amount: number;
  /** Minor units before rounding. */
  readonly amount_decimal: string;
}

/** What a quantity costs. */
export interface RatedAmount {
  readonly currency: string;
  /** Minor units (cents, yen, fils): the sum of the lines as they are rounded on the invoice. */
  readonly amount: number;
  /** Minor units before rounding, exact. */
  readonly amount_decimal: string;
  /** How the amount comes about, in the order of the tiers. */
  readonly lines: readonly RatedLine[];
}

/**
 * What `quantity` units cost at `price`, exactly as Stripe bills it: decimal arithmetic, each invoice line
 * rounded half up once (docs.stripe.com/billing/subscriptions/decimal-amounts). Zero usage costs the first
 * tier's flat fee, if it has one. The amounts are minor units of the currency, whatever its digits.
 *
 * @param price in Stripe's field names.
 * @param quantity a whole number of units from 0.
 * @throws UsageError `invalid_price`, `invalid_quantity`, `amount_overflow`.
 */
export function rate(price: Price, quantity: number): RatedAmount {
  if (!Number.isInteger(quantity) || quantity < 0 || quantity > Number.MAX_SAFE_INTEGER) {
    throw new UsageError('invalid_quantity', {
      field: 'quantity',
      value: quantity,
      reason: 'The quantity to rate is not a whole number from 0.',
    });
  }
  const parsed = parsePrice(price);
  const lines = linesOf(parsed, quantity);
  const exact = lines.reduce((sum, line) => add(sum, line.exact), ZERO);
  const rated = lines.map(({ exact: lineExact, ...line }) => ({
    ...line,
    amount: roundHalfUp(lineExact),
    amount_decimal: formatDecimal(lineExact),
  }));
  const amount = rated.reduce((sum, line) => sum + line.amount, 0);
  if (!Number.isSafeInteger(amount))
    throw new UsageError('amount_overflow', { field: 'amount', value: amount });
  return { currency: price.currency, amount, amount_decimal: formatDecimal(exact), lines: rated };
}

type Line = Omit<RatedLine, 'amount' | 'amount_decimal'> & { readonly exact: Decimal };

interface ParsedTier {
  readonly tier: number;
  readonly upTo: number | 'inf';
  readonly unit: Decimal;
  readonly flat: Decimal;
}

type ParsedPrice =
  | { readonly kind: 'per_unit'; readonly unit: Decimal; readonly transform: Price['transform_quantity'] }
  | { readonly kind: 'volume' | 'graduated'; readonly tiers: readonly ParsedTier[] };

function linesOf(price: ParsedPrice, quantity: number): Line[] {
  if (price.kind === 'per_unit') {
    const billed = price.transform ? packages(quantity, price.transform) : quantity;
    return billed === 0 ? [] : [unitLine(null, null, billed, price.unit)];
  }
  return price.kind === 'volume' ? volumeLines(price.tiers, quantity) : graduatedLines(price.tiers, quantity);
}

function packages(quantity: number, { divide_by, round }: NonNullable<Price['transform_quantity']>): number {
  const whole = Number(BigInt(quantity) / BigInt(divide_by));
  return round === 'up' && quantity % divide_by !== 0 ? whole + 1 : whole;
}

function volumeLines(tiers: readonly ParsedTier[], quantity: number): Line[] {
  const reached = tiers.find(({ upTo }) => upTo === 'inf' || quantity <= upTo);
  return reached ? tierLines(reached, quantity) : [];
}

function graduatedLines(tiers: readonly ParsedTier[], quantity: number): Line[] {
  const lines: Line[] = [];
  let below = 0;
  for (const tier of tiers) {
    const end = tier.upTo === 'inf' ? quantity : Math.min(quantity, tier.upTo);
    lines.push(...tierLines(tier, end - below));
    below = end;
    if (quantity <= below) break;
  }
  return lines;
}

function tierLines({ tier, upTo, unit, flat }: ParsedTier, quantity: number): Line[] {
  const lines: Line[] = [];
  if (quantity > 0) lines.push(unitLine(tier, upTo, quantity, unit));
  if (flat !== ZERO) {
    lines.push({
      tier,
      up_to: upTo,
      quantity: 0,
      unit_amount_decimal: null,
      flat_amount_decimal: formatDecimal(flat),
      exact: flat,
    });
  }
  return lines;
}

function unitLine(tier: number | null, upTo: number | 'inf' | null, quantity: number, unit: Decimal): Line {
  return {
    tier,
    up_to: upTo,
    quantity,
    unit_amount_decimal: formatDecimal(unit),
    flat_amount_decimal: null,
    exact: multiply(unit, quantity),
  };
}

/**
 * Checks that a price can be rated, without rating it.
 *
 * @param field how the caller names the price, for the error.
 * @throws UsageError `invalid_price`.
 */
export function assertPrice(price: Price, field = 'price'): void {
  parsePrice(price, field);
}

function parsePrice(price: Price, field = 'price'): ParsedPrice {
  if (!/^[a-z]{3}$/.test(price.currency)) {
    throw invalidPrice(
      `${field}.currency`,
      price.currency,
      'The currency is not an ISO 4217 code in lower case.',
    );
  }
  const scheme = price.billing_scheme ?? (price.tiers ? 'tiered' : 'per_unit');
  if (scheme === 'per_unit') return parsePerUnit(price, field);
  if (scheme === 'tiered') return parseTiered(price, field);
  throw invalidPrice(`${field}.billing_scheme`, scheme, 'The billing scheme is neither per_unit nor tiered.');
}

function parsePerUnit(price: Price, field: string): ParsedPrice {
  if (price.tiers !== undefined || price.tiers_mode !== undefined) {
    throw invalidPrice(`${field}.tiers`, price.tiers, 'A per-unit price has no tiers.');
  }
  if (price.unit_amount_decimal === undefined) {
    throw invalidPrice(`${field}.unit_amount_decimal`, undefined, 'A per-unit price needs its unit amount.');
  }
  const transform = price.transform_quantity;
  if (transform) {
    if (!isQuantity(transform.divide_by)) {
      throw invalidPrice(
        `${field}.transform_quantity.divide_by`,
        transform.divide_by,
        'It is not a whole number from 1.',
      );
    }
    if (transform.round !== 'up' && transform.round !== 'down') {
      throw invalidPrice(`${field}.transform_quantity.round`, transform.round, 'It is neither up nor down.');
    }
  }
  const unit = parseAmount(price.unit_amount_decimal, `${field}.unit_amount_decimal`);
  return { kind: 'per_unit', unit, transform };
}

function parseTiered(price: Price, field: string): ParsedPrice {
  const { tiers, tiers_mode } = price;
  if (tiers_mode !== 'volume' && tiers_mode !== 'graduated') {
    throw invalidPrice(`${field}.tiers_mode`, tiers_mode, 'It is neither volume nor graduated.');
  }
  if (!tiers || tiers.length === 0)
    throw invalidPrice(`${field}.tiers`, tiers, 'A tiered price needs tiers.');
  if (price.unit_amount_decimal !== undefined || price.transform_quantity !== undefined) {
    throw invalidPrice(
      field,
      price,
      'A tiered price has neither unit_amount_decimal nor transform_quantity.',
    );
  }
  let below = 0;
  const parsed = tiers.map((tier, index): ParsedTier => {
    const name = `${field}.tiers[${index}]`;
    const isLast = index === tiers.length - 1;
    if (isLast !== (tier.up_to === 'inf')) {
      throw invalidPrice(`${name}.up_to`, tier.up_to, "The last tier, and only the last, ends at 'inf'.");
    }
    if (tier.up_to !== 'inf') {
      if (!isQuantity(tier.up_to) || tier.up_to <= below) {
        throw invalidPrice(`${name}.up_to`, tier.up_to, 'Tiers end at ascending whole numbers from 1.');
      }
      below = tier.up_to;
    }
    return {
      tier: index + 1,
      upTo: tier.up_to,
      unit: parseAmount(tier.unit_amount_decimal ?? '0', `${name}.unit_amount_decimal`),
      flat: parseAmount(tier.flat_amount_decimal ?? '0', `${name}.flat_amount_decimal`),
    };
  });
  return { kind: tiers_mode, tiers: parsed };
}

function isQuantity(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_QUANTITY;
}

function parseAmount(text: string, field: string): Decimal {
  const amount = typeof text === 'string' ? parseDecimal(text) : null;
  if (amount === null || amount < 0n) {
    throw invalidPrice(
      field,
      text,
      'It is not a decimal string of minor units, from 0, with at most 12 places.',
    );
  }
  return amount;
}

function invalidPrice(field: string, value: unknown, reason: string): UsageError {
  return new UsageError('invalid_price', { field, value, reason });
}
