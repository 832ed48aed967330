import type { BillingPeriod } from '../core/billing-period.ts';
import { accountAfter } from '../core/expected-change.ts';
import type { AccountWithItems } from '../core/store.ts';
import type { SubscriptionChange } from '../core/subscription-change.ts';
import { type AccountContext, findAccount, periodAt } from './billed-account.ts';

/** An account as its customer sees it: after a change that is under way, since whose request there are reports of their own. */
export interface PresentAccount {
  readonly account: AccountWithItems;
  /** The change under way that the account is seen after; null = none. */
  readonly change: SubscriptionChange | null;
}

/**
 * One read, and a second only while a change is under way.
 *
 * @throws UsageError `account_not_found`.
 */
export async function findPresentAccount(
  context: AccountContext,
  account_id: string,
): Promise<PresentAccount> {
  const account = await findAccount(context, account_id);
  const change = await changeUnderWay(context, account);
  return { account: change ? accountAfter(account, change, context.plans) : account, change };
}

/** The current billing period of an account's meter. */
export function presentPeriod(
  { clock }: AccountContext,
  { account, change }: PresentAccount,
  meter: string,
): BillingPeriod {
  return periodAt(account, meter, Math.max(clock.now(), change?.requested_at ?? 0));
}

async function changeUnderWay(
  { store }: AccountContext,
  { account: { account_id, change_requested_at } }: AccountWithItems,
): Promise<SubscriptionChange | null> {
  if (change_requested_at === null) return null;
  const change = await store.getLastChange({ account_id });
  return change?.requested_at === change_requested_at && change.due_at !== null ? change : null;
}
