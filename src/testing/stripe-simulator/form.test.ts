import { expect, test } from 'vitest';
import { parseForm } from './form.ts';

test("Stripe's bracket notation becomes objects and lists", () => {
  const form = parseForm(
    'currency=usd&tiers[0][up_to]=1000&tiers[0][unit_amount]=2&tiers[1][up_to]=inf&expand[]=a&expand[]=b&recurring%5Binterval%5D=month',
  );
  expect(form).toEqual({
    currency: 'usd',
    tiers: [{ up_to: '1000', unit_amount: '2' }, { up_to: 'inf' }],
    expand: ['a', 'b'],
    recurring: { interval: 'month' },
  });
});

test("a caller's own keys stay keys, also when they are numbers", () => {
  expect(parseForm('metadata[0]=zero&payload[1]=one')).toEqual({
    metadata: { 0: 'zero' },
    payload: { 1: 'one' },
  });
});

test('a list with gaps is not filled up', () => {
  expect(parseForm('tiers[4000000000][up_to]=1')).toEqual({ tiers: { 4000000000: { up_to: '1' } } });
});

test('a parameter named __proto__ changes nothing but itself', () => {
  const form = parseForm('__proto__[polluted]=yes&metadata[__proto__]=x');
  expect(Object.keys(form)).toEqual(['__proto__', 'metadata']);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test.each(['a[b=1', 'a]b=1', '[a]=1', 'a=1&a[b]=2', `a${'[b]'.repeat(9)}=1`])(
  'the malformed name in %s is refused',
  (text) => {
    expect(() => parseForm(text)).toThrow(/Invalid parameter name/);
  },
);
