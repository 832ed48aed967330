import { describe, expect, test } from 'vitest';
import type { Plan, Plans } from './plan.ts';
import {
  type BillingSubscription,
  billingSubscriptions,
  currentSubscription,
  isLive,
  planBySubscriptions,
  type StripeSubscription,
  type StripeSubscriptionItem,
  SUBSCRIPTION_STATUSES,
} from './stripe-subscription.ts';

const FLAT = { currency: 'usd', interval: 'month', unit_amount_decimal: '1' } as const;

const plan = (
  keys: readonly string[],
  seats: readonly string[] = [],
  stripe_price: string | null = null,
): Plan => ({
  name: 'Plan',
  prices: keys.map((lookup_key) => ({ ...FLAT, meter: 'credits', lookup_key, stripe_price })),
  licensed: [
    { ...FLAT, quantity: 'one', lookup_key: 'fee', stripe_price: null },
    ...seats.map((lookup_key) => ({ ...FLAT, quantity: 'seats' as const, lookup_key, stripe_price: null })),
  ],
  limits: {},
});

const PLANS: Plans = {
  free: { name: 'Free', prices: [], licensed: [], limits: {} },
  pro: plan(['pro']),
  team: plan(['team'], ['seats']),
  named: plan(['unused'], [], 'price_named'),
};

const item = (fields: Partial<StripeSubscriptionItem> = {}): StripeSubscriptionItem => ({
  stripe_price: 'price_1',
  lookup_key: null,
  named_plan: null,
  interval: 'month',
  quantity: null,
  meter: null,
  current_period_start: 1,
  current_period_end: 10,
  ...fields,
});

const subscription = (fields: Partial<StripeSubscription> = {}): StripeSubscription => ({
  stripe_subscription: 'sub_1',
  status: 'active',
  billing_mode: 'flexible',
  currency: 'usd',
  created_at: 0,
  trial_end: null,
  cancel_at_period_end: false,
  cancel_at: null,
  ended_at: null,
  action: null,
  hosted_invoice_url: null,
  account_id: null,
  named_plan: null,
  request: 'r',
  items: [],
  ...fields,
});

const kept = (fields: Partial<StripeSubscription>) => billingSubscriptions([subscription(fields)], PLANS)[0];

test('a subscription bills, or will, unless it is over or waits for its first payment', () => {
  const live = SUBSCRIPTION_STATUSES.filter((status) => isLive({ status }));
  expect(live).toEqual(['trialing', 'active', 'past_due', 'unpaid', 'paused']);
});

describe('a subscription is about the account', () => {
  test.each<[string, Partial<StripeSubscription>]>([
    ['that has prices of a plan', { items: [item({ lookup_key: 'pro' })] }],
    ['that names an account', { account_id: 'acct_1' }],
    ['that bills a configured meter', { items: [item(), item({ meter: 'credits' })] }],
    ['that names a plan', { named_plan: 'pro' }],
  ])('%s', (_, fields) => {
    expect(kept(fields)).toMatchObject({ stripe_subscription: 'sub_1' });
  });

  test('and no other is', () => {
    expect(kept({ items: [item({ lookup_key: 'shoes', named_plan: 'gold' })] })).toBeUndefined();
  });
});

test('what is kept of a subscription is what it bills in the period that ends first', () => {
  const items = [
    item({
      lookup_key: 'seats',
      quantity: 4,
      interval: 'year',
      current_period_start: 3,
      current_period_end: 20,
    }),
    item({ lookup_key: 'team', interval: 'week', current_period_start: 5, current_period_end: 7 }),
    item({ lookup_key: 'fee', quantity: 1, current_period_start: 3, current_period_end: 20 }),
  ];
  const { items: _items, account_id: _id, named_plan: _plan, request: _request, ...facts } = subscription();
  expect(kept({ items })).toEqual({
    ...facts,
    plan: 'team',
    interval: 'week',
    current_period_start: 5,
    current_period_end: 7,
    seats: 4,
  });
  expect(kept({ account_id: 'acct_1' })).toEqual({
    ...facts,
    plan: null,
    interval: null,
    current_period_start: null,
    current_period_end: null,
    seats: null,
  });
});

test('seats are those of the plan', () => {
  expect(
    kept({ items: [item({ lookup_key: 'pro' }), item({ lookup_key: 'seats', quantity: 4 })] })?.plan,
  ).toBe('pro');
  expect(kept({ named_plan: 'pro', items: [item({ lookup_key: 'fee', quantity: 3 })] })?.seats).toBeNull();
  expect(kept({ items: [item({ meter: 'credits', lookup_key: 'seats' })] })?.seats).toBeNull();
});

describe('the plan of a subscription', () => {
  const planOf = (fields: Partial<StripeSubscription>) => kept({ account_id: 'acct_1', ...fields })?.plan;

  test('is the one that most of its prices belong to', () => {
    const items = [item({ lookup_key: 'fee' }), item({ lookup_key: 'team' }), item({ lookup_key: 'seats' })];
    expect(planOf({ items })).toBe('team');
  });

  test('is the one that names its price', () => {
    expect(planOf({ items: [item({ stripe_price: 'price_named' })] })).toBe('named');
    expect(planOf({ items: [item({ lookup_key: 'unused' })] })).toBeNull();
  });

  test('is the one that its price was made for, and only then the one that it names itself', () => {
    const items = [item({ named_plan: 'gold' }), item({ named_plan: 'team' })];
    expect(planOf({ items, named_plan: 'pro' })).toBe('team');
    expect(planOf({ items: [item()], named_plan: 'pro' })).toBe('pro');
    expect(planOf({ items: [item()], named_plan: 'toString' })).toBeNull();
  });
});

describe('of several subscriptions', () => {
  const named = (stripe_subscription: string, fields: Partial<BillingSubscription> = {}) => {
    const { items: _items, account_id: _id, named_plan: _plan, request: _request, ...facts } = subscription();
    return {
      ...facts,
      plan: null,
      interval: null,
      current_period_start: null,
      current_period_end: null,
      seats: null,
      stripe_subscription,
      ...fields,
    } satisfies BillingSubscription;
  };
  const current = (...all: BillingSubscription[]) => [
    currentSubscription(all)?.stripe_subscription,
    currentSubscription(all.toReversed())?.stripe_subscription,
  ];

  test('none is the one of nobody', () => {
    expect(currentSubscription([])).toBeNull();
  });

  test('one that bills goes before one that waits for its payment, and that before one that is over', () => {
    const ended = named('ended', { status: 'canceled', created_at: 9 });
    const waiting = named('waiting', { status: 'incomplete', created_at: 5 });
    const unpaid = named('unpaid', { status: 'unpaid', created_at: 1 });
    expect(current(ended, waiting, unpaid)).toEqual(['unpaid', 'unpaid']);
    expect(current(ended, waiting)).toEqual(['waiting', 'waiting']);
    // However old it is.
    const recent = named('recent', { status: 'incomplete_expired', created_at: 9 });
    expect(current({ ...waiting, created_at: 0 }, recent)).toEqual(['waiting', 'waiting']);
    expect(current(ended, { ...unpaid, created_at: 20 })).toEqual(['unpaid', 'unpaid']);
  });

  test('of those that bill, the one in the better state is current, then the older, then the first by name', () => {
    const late = named('late', { status: 'past_due', created_at: 1 });
    const right = named('right', { created_at: 2 });
    expect(current(late, right)).toEqual(['right', 'right']);
    expect(current(named('new', { created_at: 3 }), right)).toEqual(['right', 'right']);
    expect(current(named('a'), named('b'))).toEqual(['a', 'a']);
  });

  test('of those that are over, the last is, whatever became of it', () => {
    const expired = named('expired', { status: 'incomplete_expired', created_at: 3 });
    const canceled = named('canceled', { status: 'canceled', created_at: 2 });
    expect(current(expired, canceled)).toEqual(['expired', 'expired']);
    expect(current(canceled, named('latest', { status: 'canceled', created_at: 4 }))).toEqual([
      'latest',
      'latest',
    ]);
  });

  test('the plan is that of a live one that has one; the free plan, when the last has ended', () => {
    const plans = (...all: BillingSubscription[]) => planBySubscriptions(all, PLANS);
    expect(plans(named('a'), named('b', { plan: 'pro', created_at: 1 }))).toBe('pro');
    expect(plans(named('a'))).toBeUndefined();
    expect(plans(named('a', { status: 'canceled', plan: 'pro' }))).toBe('free');
    expect(plans(named('a', { status: 'canceled' }), named('b', { plan: 'team' }))).toBe('team');
    expect(plans(named('a', { status: 'incomplete', plan: 'pro' }))).toBeUndefined();
    expect(plans(named('a', { status: 'incomplete' }), named('b', { status: 'canceled' }))).toBe('free');
  });
});
