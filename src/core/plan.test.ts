import { describe, expect, test } from 'vitest';
import { freeReason, type Plans, parsePlan } from './plan.ts';

const price = (meter: string) =>
  ({ currency: 'usd', interval: 'month', meter, unit_amount_decimal: '1' }) as const;
const PLANS: Plans = {
  free: { prices: [] },
  pro: { prices: [price('credits'), price('tokens')] },
};

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
  expect(freeReason({ prices: [] }, 'credits')).toBe('free');
  expect(freeReason({ prices: [price('credits'), price('tokens')] }, 'tokens')).toBeNull();
  expect(freeReason({ prices: [price('tokens')] }, 'credits')).toBe('no_price');
});
