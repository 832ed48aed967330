import type { BillingSubscription } from '../core/stripe-subscription.ts';
import { prepared } from './prepared.ts';
import type { Db } from './report-rows.ts';

const COLUMNS = [
  'stripe_subscription',
  'status',
  'billing_mode',
  'currency',
  'plan',
  'interval',
  'seats',
  'created_at',
  'trial_end',
  'cancel_at_period_end',
  'cancel_at',
  'ended_at',
  'current_period_start',
  'current_period_end',
  'action',
  'hosted_invoice_url',
] as const;

export async function listSubscriptions(db: Db, account_id: string): Promise<BillingSubscription[]> {
  const rows = await db
    .selectFrom('stripe_subscription')
    .select(COLUMNS)
    .where('account_id', '=', account_id)
    .orderBy('stripe_subscription')
    .execute();
  return rows.map((row) => ({ ...row, cancel_at_period_end: Boolean(row.cancel_at_period_end) }));
}

/** Stripe lists all that there ever were, so that what it says replaces what was known. */
export async function replaceSubscriptions(
  db: Db,
  account_id: string,
  subscriptions: readonly BillingSubscription[],
): Promise<void> {
  await deleteSubscriptions(db, { account_id });
  if (subscriptions.length === 0) return;
  await db
    .insertInto('stripe_subscription')
    .values(subscriptions.map((subscription) => ({ ...subscription, account_id })))
    .execute();
}

const deleteSubscriptions = prepared((db, { account_id }: { account_id: string }) =>
  db.deleteFrom('stripe_subscription').where('account_id', '=', account_id),
);
