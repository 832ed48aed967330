import { describe, expect, test } from 'vitest';
import {
  freePlanOf,
  freeReason,
  intervalsOf,
  isFree,
  type LicensedPrice,
  lookupKeyOf,
  type Plan,
  type PlanPrice,
  type Plans,
  parsePlan,
} from './plan.ts';

const price = (meter: string): PlanPrice => ({
  currency: 'usd',
  interval: 'month',
  meter,
  unit_amount_decimal: '1',
  stripe_price: null,
  lookup_key: lookupKeyOf('pro', 'month', { meter }),
});
const SEATS: LicensedPrice = {
  currency: 'usd',
  interval: 'year',
  quantity: 'seats',
  unit_amount_decimal: '900',
  stripe_price: null,
  lookup_key: lookupKeyOf('pro', 'year', { quantity: 'seats' }),
};
const plan = (prices: readonly PlanPrice[], licensed: readonly LicensedPrice[] = []): Plan => ({
  name: 'Pro',
  prices,
  licensed,
  limits: {},
});
const PLANS: Plans = { free: plan([]), pro: plan([price('credits'), price('tokens')]) };

test('the plan of whoever pays nothing is the only free one, and none where there are several', () => {
  expect(freePlanOf(PLANS)).toBe('free');
  expect(freePlanOf({ ...PLANS, trial: plan([]) })).toBeNull();
  expect(freePlanOf({ pro: plan([price('credits')]) })).toBeNull();
});

describe('a plan', () => {
  test('is named as it is configured', () => {
    expect(parsePlan('pro', PLANS)).toBe('pro');
  });

  const refused = ['Pro', '', 'toString', '__proto__', ['pro'], null, undefined, 1];
  test.each(refused.map((value) => [value]))('%j is none, and those that are are named', (value) => {
    const reason = /^plan .*: The plans are free, pro\. Pass one/;
    expect(() => parsePlan(value, PLANS)).toThrow(
      expect.objectContaining({
        code: 'invalid_plan',
        field: 'plan',
        message: expect.stringMatching(reason),
      }),
    );
  });

  test('is none where none is configured', () => {
    expect(() => parsePlan('pro', {})).toThrow('plan "pro": No plans are configured.');
  });
});

test('usage is free on a plan without prices, and of a meter that the plan has no price for', () => {
  expect(freeReason(plan([]), 'credits')).toBe('free');
  expect(freeReason(plan([price('credits'), price('tokens')]), 'tokens')).toBeNull();
  expect(freeReason(plan([price('tokens')]), 'credits')).toBe('no_price');
  expect(freeReason(plan([], [SEATS]), 'credits')).toBe('no_price');
});

test('a plan is free when it has neither metered prices nor any that are paid in advance', () => {
  expect(isFree(plan([]))).toBe(true);
  expect(isFree(plan([price('credits')]))).toBe(false);
  expect(isFree(plan([], [SEATS]))).toBe(false);
});

test('a plan is subscribed to by the intervals of its prices, each named once', () => {
  expect(intervalsOf(plan([]))).toEqual([]);
  expect(intervalsOf(plan([price('credits'), price('tokens')], [SEATS]))).toEqual(['month', 'year']);
});

test('a lookup key names plan, interval and what is billed, and no meter can be taken for seats or a base fee', () => {
  expect(lookupKeyOf('pro', 'month', { meter: 'seats' })).toBe('tallybook:pro:month:seats');
  expect(lookupKeyOf('pro', 'month', { quantity: 'seats' })).toBe('tallybook:pro:month:@seats');
  expect(lookupKeyOf('pro', 'year', { quantity: 'one' })).toBe('tallybook:pro:year:@base_fee');
});
