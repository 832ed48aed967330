import { describe, expect, test } from 'vitest';
import { billingPeriodAt, type SubscriptionItem } from './billing-period.ts';
import { accountAfter } from './expected-change.ts';
import type { Plan, PlanPrice, PriceInterval } from './plan.ts';
import type { Price } from './price.ts';
import { timelineOf } from './store.ts';
import type { SubscriptionChange } from './subscription-change.ts';

const START = Date.UTC(2026, 0, 10, 12);
const END = Date.UTC(2026, 1, 10, 12);
const REQUESTED = Date.UTC(2026, 0, 20, 8);
const TWO_CENTS: Price = { currency: 'usd', unit_amount_decimal: '2' };
const FIVE_CENTS: Price = { currency: 'usd', unit_amount_decimal: '5' };

const item = (fields: Partial<SubscriptionItem> = {}): SubscriptionItem => ({
  stripe_subscription: 'sub_1',
  stripe_subscription_item: 'si_1',
  meter: 'credits',
  stripe_price: 'price_1',
  price: TWO_CENTS,
  anchor: START,
  interval: 'month',
  interval_count: 1,
  started_at: START,
  billed_from: START,
  trial_end: null,
  ended_at: null,
  current_period_start: START,
  current_period_end: END,
  ...fields,
});

const priced = (meter: string, price: Price, interval: PriceInterval = 'month'): PlanPrice => ({
  ...price,
  meter,
  interval,
  stripe_price: null,
  lookup_key: `${meter} ${interval}`,
});

const plan = (...prices: PlanPrice[]): Plan => ({
  name: 'Plan',
  prices,
  licensed: [],
  limits: {},
});

const change = (fields: Partial<SubscriptionChange> = {}): SubscriptionChange => ({
  account_id: 'acct_1',
  change_id: 7,
  kind: 'plan',
  status: 'flushing',
  stripe_subscription: 'sub_1',
  plan: 'next',
  interval: 'month',
  seats: null,
  requested_at: REQUESTED,
  changed_at: null,
  attempts: 0,
  kept_failures: 0,
  proration_date: null,
  due_at: REQUESTED,
  error_code: null,
  last_error: null,
  ...fields,
});

const account = {
  account_id: 'acct_1',
  plan: 'present',
  stripe_customer: 'cus_1',
  created_at: START,
  synced_at: null,
  sync_due_at: null,
  change_requested_at: REQUESTED,
};

/** What becomes of items under a change to a plan with these prices. */
const expected = (
  items: readonly SubscriptionItem[],
  prices: PlanPrice[],
  fields: Partial<SubscriptionChange> = {},
) => accountAfter({ account, items }, change(fields), { next: plan(...prices) });

describe('an account after a change', () => {
  test('has the new price since the request, in a period that ends where it did', () => {
    const price = priced('credits', { currency: 'usd', unit_amount_decimal: '1' });
    const found = expected([item()], [price]);
    expect(found.account).toEqual({ ...account, plan: 'next' });
    const timeline = timelineOf(found, 'credits');
    expect(billingPeriodAt(timeline, REQUESTED - 1)).toMatchObject({
      start: START,
      end: REQUESTED,
      items: [{ price: TWO_CENTS }],
    });
    expect(billingPeriodAt(timeline, REQUESTED)).toMatchObject({
      start: REQUESTED,
      end: END,
      billed_by: 'paid',
      items: [{ stripe_subscription_item: 'change 7', price, ended_at: null }],
    });
  });

  test('that was cancelled is billed by nothing, and on no plan where there is no free one', () => {
    const found = expected([item()], [priced('credits', TWO_CENTS)], {
      kind: 'cancel',
      plan: null,
      interval: null,
    });
    expect(found.account.plan).toBeNull();
    expect(found.items).toEqual([item({ ended_at: REQUESTED })]);
  });

  test('of seats, or to a plan that is not configured any more, bills as before, or nothing', () => {
    const before = { account, items: [item()] };
    expect(accountAfter(before, change({ kind: 'seats' }), {})).toEqual(before);
    expect(accountAfter(before, change(), {}).items).toEqual([item({ ended_at: REQUESTED })]);
    expect(expected([], [priced('credits', TWO_CENTS)]).items).toEqual([]);
  });

  test('keeps what both plans bill alike, however the amounts are spelled', () => {
    const tiers = (unit: string, flat?: string): Price => ({
      currency: 'usd',
      tiers_mode: 'volume',
      tiers: [
        {
          up_to: 'inf',
          unit_amount_decimal: unit,
          ...(flat === undefined ? {} : { flat_amount_decimal: flat }),
        },
      ],
    });
    const transform = { divide_by: 10, round: 'up' } as const;
    const alike: [Price, Price][] = [
      [TWO_CENTS, { ...TWO_CENTS, billing_scheme: 'per_unit', unit_amount_decimal: '2.0' }],
      [tiers('1.50'), { ...tiers('1.5', '0'), billing_scheme: 'tiered' }],
      [
        { ...TWO_CENTS, transform_quantity: transform },
        { ...TWO_CENTS, transform_quantity: transform },
      ],
      [TWO_CENTS, { ...TWO_CENTS, transform_quantity: { divide_by: 1, round: 'down' } }],
    ];
    for (const [present, next] of alike) {
      const items = [item({ price: present })];
      expect(expected(items, [priced('credits', next)]).items).toEqual(items);
    }
  });

  test.each<[string, Price, Price]>([
    ['another currency', TWO_CENTS, { ...TWO_CENTS, currency: 'eur' }],
    ['a tier that ends elsewhere', tiersTo(10), tiersTo(20)],
    ['another tiers_mode', tiersTo(10), { ...tiersTo(10), tiers_mode: 'graduated' }],
    ['a fee', tiersTo(10), tiersTo(10, '5')],
    ['packages', TWO_CENTS, { ...TWO_CENTS, transform_quantity: { divide_by: 10, round: 'up' } }],
    [
      'packages that are rounded otherwise',
      { ...TWO_CENTS, transform_quantity: { divide_by: 10, round: 'up' } },
      { ...TWO_CENTS, transform_quantity: { divide_by: 10, round: 'down' } },
    ],
    ['nothing', TWO_CENTS, { currency: 'usd', unit_amount_decimal: '0' }],
  ])('begins anew with %s', (_, present, next) => {
    const { items } = expected([item({ price: present })], [priced('credits', next)]);
    expect(items.map(({ ended_at, started_at }) => [started_at, ended_at])).toEqual([
      [START, REQUESTED],
      [REQUESTED, null],
    ]);
  });

  test('has a period of the new interval, counted from the anchor, which stays', () => {
    const present = [item({ interval_count: 3, current_period_end: Date.UTC(2026, 3, 10, 12) })];
    const yearly = priced('credits', TWO_CENTS, 'year');
    for (const items of [[item()], present]) {
      expect(expected(items, [yearly], { interval: 'year' }).items[1]).toMatchObject({
        anchor: START,
        interval: 'year',
        interval_count: 1,
        current_period_start: START,
        current_period_end: Date.UTC(2027, 0, 10, 12),
      });
    }
    // Every three months is not every month.
    expect(expected(present, [priced('credits', TWO_CENTS)]).items[1]).toMatchObject({
      interval_count: 1,
      current_period_end: END,
    });
    expect(expected([item()], [yearly], { interval: 'month' }).items).toEqual([
      item({ ended_at: REQUESTED }),
    ]);
  });

  test('bills a meter that only the new plan has, and leaves alone what is not of the subscription', () => {
    const others = [
      item({ stripe_subscription: 'sub_2', stripe_subscription_item: 'si_2', price: FIVE_CENTS }),
      item({ stripe_subscription_item: 'si_3', price: FIVE_CENTS, ended_at: REQUESTED - 1 }),
    ];
    const { items } = expected(
      [...others, item()],
      [priced('credits', TWO_CENTS), priced('tokens', FIVE_CENTS)],
    );
    expect(items).toEqual([
      ...others,
      item(),
      expect.objectContaining({
        meter: 'tokens',
        started_at: REQUESTED,
        billed_from: REQUESTED,
        current_period_end: END,
      }),
    ]);
  });

  test('is told by meters: the same amount for another one is another price', () => {
    const found = expected([item()], [priced('tokens', TWO_CENTS)]);
    expect(found.items.map(({ meter, ended_at }) => [meter, ended_at])).toEqual([
      ['credits', REQUESTED],
      ['tokens', null],
    ]);
    expect(timelineOf(found, 'tokens').items.map(({ meter }) => meter)).toEqual(['tokens']);
  });

  test('has the period that the meter’s own item had, as Stripe lists it', () => {
    const listed = END - 1_000;
    const tokens = item({ stripe_subscription_item: 'si_2', meter: 'tokens', current_period_end: listed });
    const { items } = expected(
      [item(), tokens],
      [priced('credits', TWO_CENTS), priced('tokens', FIVE_CENTS)],
    );
    expect(items.at(-1)).toMatchObject({
      meter: 'tokens',
      started_at: REQUESTED,
      current_period_end: listed,
    });
  });

  test('takes over from an item that Stripe has ended since the request', () => {
    const ended = item({ ended_at: REQUESTED + 1_000 });
    const { items } = expected([ended], [priced('credits', { currency: 'usd', unit_amount_decimal: '1' })]);
    expect(items.map(({ ended_at }) => ended_at)).toEqual([REQUESTED, null]);
  });
});

function tiersTo(up_to: number, flat?: string): Price {
  const fee = flat === undefined ? {} : { flat_amount_decimal: flat };
  return {
    currency: 'usd',
    tiers_mode: 'volume',
    tiers: [
      { up_to, unit_amount_decimal: '2', ...fee },
      { up_to: 'inf', unit_amount_decimal: '1' },
    ],
  };
}
