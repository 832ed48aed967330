import { describe, expect, test } from 'vitest';
import { isReadableId, parseStripeCustomer } from './account.ts';

describe('an id', () => {
  test.each([1, 254, 255])('of %i characters is one, of whatever script', (length) => {
    for (const character of ['a', 'é', '字']) expect(isReadableId(character.repeat(length))).toBe(true);
  });

  test.each([0, 256, 10_000])('of %i characters is none', (length) => {
    for (const character of ['a', 'é', '字']) expect(isReadableId(character.repeat(length))).toBe(false);
  });

  test('is taken as it is: common signs, blanks inside, nothing around it', () => {
    for (const id of ['org_1/user-2@example.com:x.y', 'a b', '10', '+', '"'])
      expect(isReadableId(id)).toBe(true);
    for (const id of ['a\n', '\ta', ' a', 'a ', 'a\u2029b', 'a\u2066b', 'a\u007fb']) {
      expect(isReadableId(id)).toBe(false);
    }
  });
});

describe('a Stripe customer', () => {
  test.each(['cus_1', 'cus_NffrFeUfNV2Hib', `cus_${'x'.repeat(250)}`])('%s is one', (id) => {
    expect(parseStripeCustomer(id)).toBe(id);
  });

  const refused = [
    'cus_',
    `cus_${'x'.repeat(251)}`,
    'acct_1',
    'xcus_1',
    'cus_1 ',
    ' cus_1',
    'cus_ä',
    ['cus_1'],
    null,
  ];
  test.each(refused.map((value) => [value]))('%j is none', (value) => {
    expect(() => parseStripeCustomer(value)).toThrow(
      expect.objectContaining({ code: 'invalid_stripe_customer', field: 'stripe_customer' }),
    );
  });
});
