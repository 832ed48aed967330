import { describe, expect, test } from 'vitest';
import type { LicensedPrice, Plan, PlanPrice, Plans } from './plan.ts';
import type { Price } from './price.ts';
import {
  type BilledItem,
  type BilledSubscription,
  changeKeyOf,
  isOfPlans,
  itemChanges,
  mismatchedTiersMode,
  offerOf,
  seatsItemOf,
  seatsOf,
} from './subscription-change.ts';

const FLAT: Price = { currency: 'usd', unit_amount_decimal: '1' };
const TIERS = [{ up_to: 'inf', unit_amount_decimal: '1' }] as const;

const metered = (lookup_key: string, fields: Partial<PlanPrice> = {}): PlanPrice => ({
  ...FLAT,
  interval: 'month',
  meter: 'credits',
  stripe_price: null,
  lookup_key,
  ...fields,
});

const licensed = (
  quantity: LicensedPrice['quantity'],
  lookup_key: string,
  fields: Partial<LicensedPrice> = {},
): LicensedPrice => ({ ...FLAT, interval: 'month', quantity, stripe_price: null, lookup_key, ...fields });

const plan = (prices: readonly PlanPrice[], extra: readonly LicensedPrice[] = []): Plan => ({
  name: 'Plan',
  prices,
  licensed: extra,
  limits: {},
});

const PLANS: Plans = {
  pro: plan([metered('pro:credits')]),
  team: plan(
    [metered('team:credits'), metered('team:year', { interval: 'year' })],
    [
      licensed('one', 'team:fee'),
      licensed('seats', 'team:seats'),
      licensed('seats', 'team:seats:year', { interval: 'year' }),
    ],
  ),
  named: plan([], [licensed('seats', 'unused', { stripe_price: 'price_named' })]),
};

/** An item that no plan knows, unless told. */
const item = (fields: Partial<BilledItem> = {}): BilledItem => ({
  stripe_subscription_item: 'si_1',
  stripe_price: 'price_1',
  lookup_key: null,
  plan: null,
  meter: null,
  is_metered: false,
  interval: 'month',
  quantity: 1,
  price: FLAT,
  created_at: 0,
  current_period_start: 0,
  ...fields,
});

const subscription = (...items: BilledItem[]): BilledSubscription => ({
  stripe_subscription: 'sub_1',
  status: 'active',
  billing_mode: 'flexible',
  currency: 'usd',
  cancel_at_period_end: false,
  cancel_at: null,
  is_collection_paused: false,
  ended_at: null,
  change_key: null,
  items,
});

describe('an item is of the plans', () => {
  test.each<[string, Partial<BilledItem>, boolean]>([
    ['that bills a configured meter', { meter: 'credits' }, true],
    ['whose price says that it was made for a configured plan', { plan: 'pro' }, true],
    ['whose price has the lookup key of a metered price', { lookup_key: 'pro:credits' }, true],
    ['whose price has the lookup key of a licensed one', { lookup_key: 'team:seats' }, true],
    ['whose price a plan names', { stripe_price: 'price_named' }, true],
    ['but not one whose price was made for another plan', { plan: 'gold' }, false],
    ['but not one whose plan is called as something that every object has', { plan: 'toString' }, false],
    ['but not one of another lookup key', { lookup_key: 'shoes' }, false],
    ['but not one with the key of a price that is named by its id', { lookup_key: 'unused' }, false],
    ['but not one of which nothing is known', {}, false],
  ])('%s', (_, fields, expected) => {
    expect(isOfPlans(item(fields), PLANS)).toBe(expected);
  });
});

describe('seats', () => {
  const found = (fields: Partial<BilledItem>) => seatsItemOf([item(fields)], PLANS) !== null;

  test('are the quantity of the item that a plan sells by the seat, and 1 without any', () => {
    const others = [item({ quantity: 3 }), item({ lookup_key: 'team:fee', quantity: 4 })];
    const seats = item({ lookup_key: 'team:seats', quantity: 5 });
    expect(seatsOf(subscription(...others, seats), PLANS)).toBe(5);
    expect(seatsItemOf([...others, seats], PLANS)).toBe(seats);
    expect(seatsOf(subscription(...others), PLANS)).toBe(1);
  });

  test.each<[string, Partial<BilledItem>, boolean]>([
    ['by its price, where the plan names one', { stripe_price: 'price_named' }, true],
    ['but not by the key of a price that is named', { lookup_key: 'unused', plan: 'named' }, false],
    ['by the plan and interval, where its key went to the next price', { plan: 'team' }, true],
    ['but not of another interval', { plan: 'team', interval: 'week' }, false],
    ['but not of another plan', { plan: 'pro' }, false],
    ['but not where it has a key of its own', { plan: 'team', lookup_key: 'shoes' }, false],
    ['but not where it is metered', { lookup_key: 'team:seats', is_metered: true }, false],
    ['but not as the base fee', { lookup_key: 'team:fee', plan: 'pro' }, false],
  ])('are found %s', (_, fields, expected) => {
    expect(found(fields)).toBe(expected);
  });
});

describe('the changes that lead to a plan', () => {
  const offered = [
    { stripe_price: 'price_usage', quantity: null },
    { stripe_price: 'price_fee', quantity: 'one' },
    { stripe_price: 'price_seats', quantity: 'seats' },
  ] as const;

  test('add what is missing, each in its quantity, and remove what other plans brought', () => {
    const old = item({ stripe_subscription_item: 'si_old', meter: 'credits', stripe_price: 'price_old' });
    expect(itemChanges(subscription(old), offered, PLANS, 7)).toEqual([
      { remove: 'si_old' },
      { add: 'price_usage', quantity: null },
      { add: 'price_fee', quantity: 1 },
      { add: 'price_seats', quantity: 7 },
    ]);
  });

  test('leave alone what is the same, and what no plan knows', () => {
    const same = subscription(
      item({ stripe_price: 'price_usage', meter: 'credits', quantity: null }),
      item({ stripe_price: 'price_fee', quantity: 1 }),
      item({ stripe_price: 'price_seats', quantity: 7 }),
      item({ stripe_price: 'price_shoes' }),
    );
    expect(itemChanges(same, offered, PLANS, 7)).toEqual([]);
  });

  test('set another number of seats, and no other quantity', () => {
    const before = subscription(
      item({ stripe_subscription_item: 'si_fee', stripe_price: 'price_fee', quantity: 2 }),
      item({ stripe_subscription_item: 'si_usage', stripe_price: 'price_usage', quantity: null }),
      item({ stripe_subscription_item: 'si_seats', stripe_price: 'price_seats', quantity: 3 }),
    );
    expect(itemChanges(before, offered, PLANS, 7)).toEqual([{ set: 'si_seats', quantity: 7 }]);
  });
});

test('a plan offers its prices of one interval', () => {
  const { team } = PLANS;
  if (!team) throw new Error('There is such a plan.');
  const keys = ({ metered: a, licensed: b }: ReturnType<typeof offerOf>) =>
    [a, b].map((prices) => prices.map(({ lookup_key }) => lookup_key));
  expect(keys(offerOf(team, 'month'))).toEqual([['team:credits'], ['team:fee', 'team:seats']]);
  expect(keys(offerOf(team, 'year'))).toEqual([['team:year'], ['team:seats:year']]);
});

describe('two plans price a meter in different ways', () => {
  const pricedBy = (price: Price) =>
    subscription(item({ meter: 'other' }), item({ meter: 'credits', price }));
  const volume = { currency: 'usd', tiers: TIERS } as const;
  const graduated = { ...volume, tiers_mode: 'graduated' } as const;

  test.each<[string, Price, Partial<PlanPrice>, string | null]>([
    ['one by volume, the other by graduated tiers', volume, { ...graduated }, 'credits'],
    ['one by volume, the other by the unit', { ...volume, tiers_mode: 'volume' }, {}, 'credits'],
    ['one by graduated tiers, the other by volume', graduated, { ...volume }, 'credits'],
    ['not if both are by volume', volume, { tiers: TIERS, tiers_mode: 'volume' }, null],
    ['not if neither is', graduated, {}, null],
    ['not if the meter is new', volume, { ...graduated, meter: 'tokens' }, null],
  ])('%s', (_, present, next, expected) => {
    expect(mismatchedTiersMode(pricedBy(present), [metered('next', next)])).toBe(expected);
  });

  test('whichever of several meters it is', () => {
    const next = [metered('same', { meter: 'tokens', tiers: TIERS }), metered('other', { ...graduated })];
    expect(mismatchedTiersMode(pricedBy(volume), next)).toBe('credits');
  });
});

test('a change is known at Stripe by its account and number, and by nothing else', () => {
  const keyOf = (account_id: string, change_id: number) =>
    changeKeyOf({ account_id, change_id }, (text) => `<${text}>`);
  expect(keyOf('acct_1', 2)).toBe('tbc_<["acct_1",2]>');
  expect(keyOf('acct_1', 12)).not.toBe(keyOf('acct_11', 2));
});
