import { describe, expect, test } from 'vitest';
import { accountSync, type ReadSubscriptions } from './account-sync.ts';
import type { SubscriptionItem } from './billing-period.ts';
import { DAY_MS, HOUR_MS } from './instant.ts';
import type { Plans } from './plan.ts';
import type { StripeSubscription } from './stripe-subscription.ts';

const NOW = Date.UTC(2026, 0, 10, 12);
const PLANS: Plans = { free: { name: 'Free', prices: [], licensed: [], limits: {} } };

const ITEM: SubscriptionItem = {
  stripe_subscription: 'sub_1',
  stripe_subscription_item: 'si_1',
  meter: 'credits',
  stripe_price: 'price_1',
  price: { currency: 'usd', unit_amount_decimal: '1' },
  anchor: NOW,
  interval: 'month',
  interval_count: 1,
  started_at: NOW,
  billed_from: NOW,
  trial_end: null,
  ended_at: null,
  current_period_start: NOW,
  current_period_end: NOW + 31 * DAY_MS,
};

const subscription = (fields: Partial<StripeSubscription> = {}): StripeSubscription => ({
  stripe_subscription: 'sub_1',
  status: 'active',
  billing_mode: 'flexible',
  currency: 'usd',
  created_at: NOW,
  trial_end: null,
  cancel_at_period_end: false,
  cancel_at: null,
  ended_at: null,
  action: null,
  hosted_invoice_url: null,
  account_id: 'acct_1',
  named_plan: null,
  request: null,
  items: [],
  ...fields,
});

function sync(read: Omit<ReadSubscriptions, 'outcome'>) {
  const at = { account_id: 'acct_1', stripe_customer: 'cus_1', plans: PLANS, now: NOW };
  return accountSync({ ...at, read: { outcome: 'read', ...read } });
}

test('what Stripe said is kept as it is, with whom it was said of and when', () => {
  expect(sync({ items: [ITEM], subscriptions: [subscription()] })).toMatchObject({
    account_id: 'acct_1',
    stripe_customer: 'cus_1',
    items: [ITEM],
    subscriptions: [{ stripe_subscription: 'sub_1', status: 'active' }],
    plan: undefined,
    now: NOW,
  });
});

test('an account whose last subscription has ended is on the free plan', () => {
  const ended = subscription({ status: 'canceled', ended_at: NOW });
  expect(sync({ items: [], subscriptions: [ended] }).plan).toBe('free');
});

describe('subscriptions are read again', () => {
  const dueAt = (items: readonly SubscriptionItem[], ...subscriptions: StripeSubscription[]) =>
    sync({ items, subscriptions }).sync_due_at;

  test('when there is something to send, where one simply bills', () => {
    expect(dueAt([ITEM], subscription())).toBeNull();
  });

  test('in a day, where none bills', () => {
    expect(dueAt([])).toBe(NOW + DAY_MS);
    expect(dueAt([{ ...ITEM, ended_at: NOW }], subscription())).toBe(NOW + DAY_MS);
  });

  test('in a day, where the customer has something to do, or it is paused', () => {
    expect(dueAt([ITEM], subscription({ status: 'past_due', action: 'pay' }))).toBe(NOW + DAY_MS);
    expect(dueAt([ITEM], subscription({ status: 'paused' }))).toBe(NOW + DAY_MS);
    expect(dueAt([ITEM], subscription(), subscription({ status: 'paused' }))).toBe(NOW + DAY_MS);
  });

  test('when one ends, the first of them; in an hour where it should have ended already', () => {
    const ends = (cancel_at: number) => subscription({ cancel_at });
    expect(dueAt([ITEM], ends(NOW + 9 * DAY_MS), ends(NOW + 8 * DAY_MS))).toBe(NOW + 8 * DAY_MS);
    expect(dueAt([ITEM], ends(NOW + 1))).toBe(NOW + 1);
    expect(dueAt([ITEM], ends(NOW))).toBe(NOW + HOUR_MS);
    expect(dueAt([], ends(NOW + 9 * DAY_MS))).toBe(NOW + DAY_MS);
  });

  test('not for the end of one that has ended', () => {
    const ended = subscription({ cancel_at: NOW + DAY_MS, status: 'canceled', ended_at: NOW });
    expect(dueAt([ITEM], ended)).toBeNull();
  });
});
