import type { Price, RatedAmount } from '../core/price.ts';
import { type AccountContext, periodAt, priceOf } from './billed-account.ts';
import { findPresentAccount } from './present-account.ts';
import { queryCurrentPeriod } from './usage-query.ts';
import type { UsageResult } from './usage-result.ts';

/** What `usage.cost` answers. Instants are ISO 8601 in UTC. */
export interface CostResult {
  readonly account: string;
  readonly meter: string;
  /** Name of the account's plan in the configuration, during a change the new one; null = none is set. */
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
  /** As in `usage.get`: the change of the plan that is under way, after which all of this is told; null = none is. */
  readonly change: UsageResult['change'];
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
  const present = await findPresentAccount(context, account_id);
  const usage = await queryCurrentPeriod(context, present, meter);
  const { period_start, period_end, quantity, limit, cost, change } = usage;
  const { account } = present;
  const price = priceOf(context, account, meter, periodAt(account, meter, Date.parse(period_start)));
  return {
    account: account_id,
    meter,
    plan: account.account.plan,
    period_start,
    period_end,
    quantity,
    limit,
    cost,
    price: price && priceFields(price),
    change,
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
