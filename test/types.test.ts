import type { NodePgDatabase, NodePgTransaction } from 'drizzle-orm/node-postgres';
import type { ControlledTransaction, Transaction } from 'kysely';
import type { Client, Pool, PoolClient } from 'pg';
import { expectTypeOf, test } from 'vitest';
import {
  type AppTransaction,
  createUsage,
  type Usage,
  type UsageByMeterResult,
  type UsageOptions,
  type UsageResult,
} from '../src/index.ts';

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
    createUsage({
      database: 'a',
      meters: { credits: {} },
      // @ts-expect-error: no such meter.
      http: { usage_page: { units: { tokens: { other: 'tokens' } } } },
    }),
    // @ts-expect-error: neither volume nor graduated.
    createUsage({ database: '/tmp/usage.db', meters: { credits: {} }, plans: { pro: { prices: [typo] } } }),
  ];
  expectTypeOf(calls).toBeFunction();
});

test('a call names its meter where several are configured and none is the default', () => {
  const usage = two();
  const withDefault = () =>
    createUsage({ database: 'a', meters: { credits: {}, tokens: {} }, default_meter: 'credits' });
  const account = 'a';
  const calls = () => [
    usage.increment({ account, meter: 'tokens' }),
    // @ts-expect-error: which meter?
    usage.increment({ account }),
    // @ts-expect-error: which meter?
    usage.increment({ account, meter: undefined }),
    // @ts-expect-error: no such meter.
    usage.increment({ account, meter: 'token' }),
    // @ts-expect-error: which meter?
    usage.adjust({ account, quantity: -1, reason: 'x' }),
    // @ts-expect-error: which meter?
    usage.cost({ account }),
    // @ts-expect-error: which meter?
    usage.windows({ account, window: 'day' }),
    // @ts-expect-error: which meter?
    usage.limits.check({ account }),
    // @ts-expect-error: which meter?
    usage.explain({ account, report: 1 }),
    usage.explain({ account, invoice: 'in_1' }),
    // @ts-expect-error: which meter?
    usage.reports.retry({ account, report: 1, reason: 'x' }),
    withDefault().increment({ account }),
    withDefault().increment({ account, meter: 'tokens' }),
    // @ts-expect-error: no such meter.
    withDefault().increment({ account, meter: 'token' }),
    // @ts-expect-error: no such meter.
    createUsage({ database: 'a', meters: { credits: {}, tokens: {} }, default_meter: 'token' }),
  ];
  expectTypeOf(calls).toBeFunction();
  // Whoever takes any app's `usage` takes these.
  expectTypeOf(one()).toExtend<Usage<'credits'>>();
  expectTypeOf(one()).toExtend<Usage>();
  expectTypeOf(usage).toExtend<Usage<'credits' | 'tokens'>>();
  expectTypeOf(withDefault()).toExtend<Usage<'credits' | 'tokens'>>();
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

test('transactions of pg, Kysely and Drizzle can be passed as they are', () => {
  interface Tables {
    readonly orders: { readonly id: number };
  }
  expectTypeOf<PoolClient>().toExtend<AppTransaction>();
  expectTypeOf<Client>().toExtend<AppTransaction>();
  expectTypeOf<Transaction<Tables>>().toExtend<AppTransaction>();
  expectTypeOf<ControlledTransaction<Tables, ['before']>>().toExtend<AppTransaction>();
  expectTypeOf<NodePgTransaction<Record<string, never>, Record<string, never>>>().toExtend<AppTransaction>();
  const drizzle = (db: NodePgDatabase) =>
    db.transaction((transaction) =>
      transaction.transaction((inner) => one().increment({ account: 'a' }, { transaction: inner })),
    );
  expectTypeOf(drizzle).toBeFunction();
  expectTypeOf<NodePgDatabase>().not.toExtend<AppTransaction>();
});

test('the database is a path, a URL, a pool of pg, or one of them with options', () => {
  type Database = UsageOptions['database'];
  expectTypeOf<Pool>().toExtend<Database>();
  expectTypeOf<{ pool: Pool; schema: string; ledger_retention_months: number }>().toExtend<Database>();
  expectTypeOf<{ url: string; allow_unsafe: boolean }>().toExtend<Database>();
  expectTypeOf<{ pool: string }>().not.toExtend<Database>();
});
