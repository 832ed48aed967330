import type { Price, RatedAmount } from '../core/price.ts';
import { type AccountContext, findAccount, periodAt, planOf, priceOf } from './billed-account.ts';
import { queryUsage } from './usage-query.ts';

/** What `usage.cost` answers. Instants are ISO 8601 in UTC. */
export interface CostResult {
  readonly account: string;
  readonly meter: string;
  /** Name of the account's plan in the configuration; null = none is set. */
  readonly plan: string | null;
  /** Of the current billing period. */
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
  readonly quantity: number;
  /** Units that the plan includes at most in a billing period; null = it sets no limit. */
  readonly limit: number | null;
  /** Before taxes and discounts; null = nothing of it will be billed. */
  readonly cost: RatedAmount | null;
  /** What the usage is billed by, with all its tiers; null = by nothing, or by several prices. */
  readonly price: Price | null;
}

/**
 * What the current billing period costs so far, and what makes it so.
 *
 * @throws UsageError `account_not_found`, `quantity_overflow`, `amount_overflow`.
 */
export async function queryCost(
  context: AccountContext,
  { account_id, meter }: { readonly account_id: string; readonly meter: string },
): Promise<CostResult> {
  const found = await findAccount(context, account_id);
  const [usage] = await queryUsage(context, { account_id, meters: [meter], range: null });
  if (!usage) throw new Error('One meter was asked for, and none was answered.');
  const { period_start, period_end, quantity, cost } = usage;
  const price = priceOf(context, found, meter, periodAt(found, meter, Date.parse(period_start)));
  return {
    account: account_id,
    meter,
    plan: found.account.plan,
    period_start,
    period_end,
    quantity,
    limit: planOf(context, found)?.limits[meter] ?? null,
    cost,
    price: price && priceFields(price),
  };
}

/** A price without where it is found at Stripe. */
export function priceFields(price: Price): Price {
  const { currency, billing_scheme, unit_amount_decimal, tiers_mode, tiers, transform_quantity } = price;
  return {
    currency,
    ...(billing_scheme === undefined ? {} : { billing_scheme }),
    ...(unit_amount_decimal === undefined ? {} : { unit_amount_decimal }),
    ...(tiers_mode === undefined ? {} : { tiers_mode }),
    ...(tiers === undefined ? {} : { tiers }),
    ...(transform_quantity === undefined ? {} : { transform_quantity }),
  };
}
