import { expectTypeOf, test } from 'vitest';
import { createUsage, type UsageByMeterResult, type UsageResult } from '../src/index.ts';

const one = () =>
  createUsage({
    database: '/tmp/usage.db',
    meters: { credits: {} },
    plans: {
      free: { prices: [] },
      pro: { prices: [{ currency: 'usd', interval: 'month', unit_amount_decimal: '1' }] },
    },
  });
const two = () => createUsage({ database: '/tmp/usage.db', meters: { credits: {}, tokens: {} } });

test('a meter, plan or price with a typo does not compile', () => {
  const tiers = [{ up_to: 'inf', unit_amount_decimal: '1' }] as const;
  const typo = { currency: 'usd', interval: 'month', tiers_mode: 'volumetric', tiers } as const;
  const calls = () => [
    one().increment({ account: 'a', meter: 'credits' }),
    // @ts-expect-error: no such meter.
    one().increment({ account: 'a', meter: 'credit' }),
    // @ts-expect-error: a quantity is a number.
    one().increment({ account: 'a', quantity: '1' }),
    // @ts-expect-error: an account is needed.
    one().increment({ quantity: 1 }),
    one().accounts.set({ account: 'a', plan: 'pro' }),
    // @ts-expect-error: no such plan.
    one().accounts.set({ account: 'a', plan: 'prO' }),
    // @ts-expect-error: no such meter.
    createUsage({ database: '/tmp/usage.db', meters: { credits: {} }, default_meter: 'tokens' }),
    // @ts-expect-error: neither volume nor graduated.
    createUsage({ database: '/tmp/usage.db', meters: { credits: {} }, plans: { pro: { prices: [typo] } } }),
  ];
  expectTypeOf(calls).toBeFunction();
});

test('get answers with one result, or one per meter, as the call says', () => {
  const calls = {
    single: () => one().get({ account: 'a' }),
    named: () => two().get({ account: 'a', meter: 'tokens' }),
    all: () => two().get({ account: 'a' }),
  };
  expectTypeOf(calls.single).returns.resolves.toEqualTypeOf<UsageResult>();
  expectTypeOf(calls.named).returns.resolves.toEqualTypeOf<UsageResult>();
  expectTypeOf(calls.all).returns.resolves.toEqualTypeOf<UsageByMeterResult<'credits' | 'tokens'>>();
});
