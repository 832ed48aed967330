import { type BillingPeriod, billingPeriodAt } from '../core/billing-period.ts';
import type { Clock } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { Plan, Plans } from '../core/plan.ts';
import type { Price } from '../core/price.ts';
import { type AccountWithItems, type Store, timelineOf } from '../core/store.ts';
import type { ReportKey } from '../core/usage-report.ts';

export interface AccountContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly plans: Plans;
}

const ROLL_UP_LIMIT = 1_000;

/**
 * An account and what bills it. One that is known only from transactions of the app is created by the roll-up of its
 * usage.
 *
 * @throws UsageError `account_not_found`.
 */
export async function findAccount(
  { store, clock }: AccountContext,
  account_id: string,
): Promise<AccountWithItems> {
  const known = await store.getAccount({ account_id });
  if (known) return known;
  await store.rollUp({ now: clock.now(), account_id, limit: ROLL_UP_LIMIT });
  const rolledUp = await store.getAccount({ account_id });
  if (rolledUp) return rolledUp;
  throw new UsageError('account_not_found', { field: 'account', value: account_id });
}

/** Why an account has no report of a number: there is none, or nobody knows the account. */
export async function missingReport(store: Store, { account_id, report_id }: ReportKey): Promise<UsageError> {
  return (await store.getAccount({ account_id }))
    ? new UsageError('report_not_found', { field: 'report', value: report_id })
    : new UsageError('account_not_found', { field: 'account', value: account_id });
}

/** The billing period of an account's meter at an instant. */
export function periodAt(account: AccountWithItems, meter: string, instant: number): BillingPeriod {
  return billingPeriodAt(timelineOf(account, meter), instant);
}

export function planOf({ plans }: AccountContext, { account }: AccountWithItems): Plan | null {
  return account.plan === null ? null : (plans[account.plan] ?? null);
}

/** What Stripe bills a period by; before a subscription is known, what the plan says it will be. */
export function priceOf(
  context: AccountContext,
  account: AccountWithItems,
  meter: string,
  period: BillingPeriod,
): Price | null {
  if (period.billed_by === 'trial' || period.items.length > 1) return null;
  const [item] = period.items;
  if (item) return item.price;
  if (account.items.some((other) => other.meter === meter)) return null;
  return planOf(context, account)?.prices.find((price) => price.meter === meter) ?? null;
}
