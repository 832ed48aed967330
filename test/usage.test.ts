import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createUsage, UsageError, type UsageOptions } from '../src/index.ts';
import { createMovableClock } from '../src/testing/movable-clock.ts';
import { DAY, HOUR } from './support/credits-scene.ts';
import { temporaryDirectory } from './support/folders.ts';
import { createWorld, PLANS } from './support/world.ts';

const START = Date.UTC(2026, 0, 10, 12);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function createTwoMeters() {
  const errors: unknown[] = [];
  const clock = createMovableClock({ start: START });
  const usage = createUsage({
    database: join(temporaryDirectory(), 'usage.db'),
    meters: { credits: {}, tokens: {} },
    plans: {
      pro: {
        prices: [
          { currency: 'usd', interval: 'month', meter: 'credits', unit_amount_decimal: '2' },
          { currency: 'usd', interval: 'month', meter: 'tokens', unit_amount_decimal: '0.5' },
        ],
      },
    },
    onError: (error) => errors.push(error),
    logger: quiet,
    environment: { clock },
  });
  onTestFinished(() => usage.close());
  return { usage, clock, errors };
}

describe('the calls of the original description', () => {
  test('work as they were written', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    await usage.increment({ account: 'account_id', quantity: 10 });
    await usage.increment({ account: 'account_id' });
    const nothing = await usage.get({
      account: 'account_id',
      period_start: '2023-10-10',
      period_end: '2023-11-11',
    });
    expect(nothing).toMatchObject({ quantity: 0, reports: [], cost: null });
    expect((await usage.get({ account: 'account_id' })).quantity).toBe(11);
  });
});

describe('get', () => {
  test('a range is exact to the millisecond, also where it cuts through sealed and open reports', async () => {
    const { usage, clock } = await createWorld({ with_stripe: false });
    for (let hour = 0; hour < 8; hour += 1) {
      clock.moveTo(START + hour * HOUR);
      await usage.increment({ account: 'a', quantity: 10 ** hour });
      if (hour === 2 || hour === 5) await usage.report();
    }
    const between = async (from: number, to: number) =>
      (
        await usage.get({
          account: 'a',
          period_start: new Date(START + from * HOUR),
          period_end: new Date(START + to * HOUR),
        })
      ).quantity;
    expect(await between(0, 8)).toBe(11_111_111);
    expect(await between(1, 2)).toBe(10);
    expect(await between(1, 4)).toBe(1_110);
    expect(await between(6, 8)).toBe(11_000_000);
    expect(await between(7, 7.0001)).toBe(10_000_000);
    expect(await between(6.5, 7)).toBe(0);
  });

  test('a range says what of it is reported and what is pending, report by report', async () => {
    const world = await createWorld();
    const { customer } = await world.subscribe();
    await world.usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: customer.id });
    await world.usage.increment({ account: 'a', quantity: 5 });
    world.clock.advance(HOUR);
    await world.usage.increment({ account: 'a', quantity: 30 });
    world.clock.advance(HOUR);
    await world.usage.report();
    await world.usage.increment({ account: 'a', quantity: 200 });
    const cut = { period_start: new Date(START + HOUR), period_end: new Date(START + DAY) };
    expect(await world.usage.get({ account: 'a', ...cut })).toMatchObject({
      quantity: 230,
      reported_quantity: 30,
      pending_quantity: 200,
      reports: [
        { quantity: 35, reported: true },
        { quantity: 200, reported: false },
      ],
      cost: null,
    });
  });

  test('a range that is exactly a billing period has its cost', async () => {
    const { usage, clock } = await createWorld({ with_stripe: false });
    await usage.accounts.set({ account: 'a', plan: 'pro' });
    await usage.increment({ account: 'a', quantity: 1_200 });
    const { period_start, period_end } = await usage.get({ account: 'a' });
    clock.advance(60 * DAY);
    const past = await usage.get({ account: 'a', period_start, period_end });
    expect(past).toMatchObject({ quantity: 1_200, cost: { currency: 'usd', amount: 1_800 } });
  });

  test('an account that was set and has not used anything has a billing period and costs nothing', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    await usage.accounts.set({ account: 'a', plan: 'pro' });
    expect(await usage.get({ account: 'a' })).toEqual({
      account: 'a',
      meter: 'credits',
      period_start: '2026-01-10T12:00:00.000Z',
      period_end: '2026-02-10T12:00:00.000Z',
      quantity: 0,
      reported_quantity: 0,
      pending_quantity: 0,
      reports: [],
      cost: { currency: 'usd', amount: 0, amount_decimal: '0', lines: [] },
      limit: null,
      remaining: null,
      change: null,
    });
  });

  test('the first usage of an account is in its current period, also with a timestamp from before the call', async () => {
    const { usage, clock } = createTwoMeters();
    const timestamp = new Date(clock.now() - 3_000);
    await usage.increment({ account: 'n1', meter: 'credits', quantity: 90, timestamp });
    expect(await usage.get({ account: 'n1', meter: 'credits' })).toMatchObject({
      quantity: 90,
      reports: [{ quantity: 90, late: false }],
    });
    expect(await usage.limits.check({ account: 'n1', meter: 'credits' })).toMatchObject({ used: 90 });
  });

  test('several meters are answered one by one, each at its own price', async () => {
    const { usage } = createTwoMeters();
    await usage.accounts.set({ account: 'a', plan: 'pro' });
    await usage.increment({ account: 'a', meter: 'tokens', quantity: 7 });
    const { account, meters } = await usage.get({ account: 'a' });
    expect(account).toBe('a');
    expect(meters.tokens).toMatchObject({
      quantity: 7,
      cost: { currency: 'usd', amount: 4, amount_decimal: '3.5' },
    });
    expect(meters.credits).toMatchObject({ quantity: 0, cost: { currency: 'usd', amount: 0 } });
    expect((await usage.get({ account: 'a', meter: 'tokens' })).quantity).toBe(7);
  });

  test.each([
    [{ account: 'nobody' }, 'account_not_found', 'account'],
    [{ account: 'a', period_start: '2026-01-01' }, 'invalid_period', 'period_end'],
    [{ account: 'a', period_end: '2026-01-01' }, 'invalid_period', 'period_start'],
    [{ account: 'a', period_start: '2026-02-01', period_end: '2026-01-01' }, 'invalid_period', 'period_end'],
    [{ account: 'a', period_start: '2026-01-01', period_end: '2026-01-01' }, 'invalid_period', 'period_end'],
    [{ account: 'a', period_start: '1970-01-01', period_end: '2970-01-01' }, 'invalid_period', 'period_end'],
    [
      { account: 'a', period_start: '2025-02-29', period_end: '2026-01-01' },
      'invalid_period',
      'period_start',
    ],
    [{ account: '' }, 'invalid_account', 'account'],
    [{ account: 'a', from: '2026-01-01' }, 'invalid_parameter', 'from'],
  ])('%o is refused', async (params, code, field) => {
    const { usage } = await createWorld({ with_stripe: false });
    await usage.increment({ account: 'a' });
    await expect(usage.get(params)).rejects.toMatchObject({ code, field });
  });
});

describe('accounts', () => {
  test('what is left out stays; null clears', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    await usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: 'cus_1' });
    const expected = {
      account: 'a',
      plan: 'pro',
      stripe_customer: 'cus_1',
      status: 'linked',
      created_at: '2026-01-10T12:00:00.000Z',
    };
    expect(await usage.accounts.set({ account: 'a' })).toEqual(expected);
    expect(await usage.accounts.get({ account: 'a' })).toEqual({
      ...expected,
      subscription_status: 'none',
      synced_at: null,
    });
    expect(await usage.accounts.set({ account: 'a', plan: null, stripe_customer: null })).toMatchObject({
      plan: null,
      stripe_customer: null,
      status: 'unlinked',
    });
  });

  test('a plan without a Stripe customer links nothing', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    const unlinked = { plan: 'pro', stripe_customer: null, status: 'unlinked' };
    expect(await usage.accounts.set({ account: 'a', plan: 'pro' })).toMatchObject(unlinked);
    const linked = { plan: null, status: 'linked' };
    expect(await usage.accounts.set({ account: 'b', stripe_customer: 'cus_1' })).toMatchObject(linked);
  });

  test('are listed in pages', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    for (const account of ['c', 'a', 'b']) await usage.increment({ account });
    const first = await usage.accounts.list({ limit: 2 });
    expect(first.accounts.map(({ account }) => account)).toEqual(['a', 'b']);
    expect(first.next).toBe('b');
    const second = await usage.accounts.list({ after: 'b', limit: 2 });
    expect(second).toMatchObject({ accounts: [{ account: 'c', status: 'unlinked' }], next: null });
  });

  test('refusals name the field and leave everything as it was', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    await usage.accounts.set({ account: 'a', stripe_customer: 'cus_1' });
    const set = (params: object) =>
      usage.accounts.set(JSON.parse(JSON.stringify({ account: 'b', ...params })));
    await expect(set({ stripe_customer: 'cus_1' })).rejects.toMatchObject({
      code: 'stripe_customer_taken',
      status: 409,
    });
    await expect(set({ plan: 'gold' })).rejects.toMatchObject({
      code: 'invalid_plan',
      field: 'plan',
      value: '"gold"',
    });
    await expect(set({ plan: '__proto__' })).rejects.toMatchObject({ code: 'invalid_plan' });
    await expect(set({ stripe_customer: 'acct_1' })).rejects.toMatchObject({
      code: 'invalid_stripe_customer',
    });
    await expect(set({ customer: 'cus_2' })).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'customer',
    });
    await expect(usage.accounts.list({ limit: 0 })).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'limit',
    });
    await expect(usage.accounts.get({ account: 'b' })).rejects.toMatchObject({
      code: 'account_not_found',
      status: 404,
    });
  });
});

describe('errors', () => {
  test('every rejection reaches onError once, and an increment that nobody awaits is not unhandled', async () => {
    const { usage, errors } = createTwoMeters();
    void usage.increment({ account: '', meter: 'credits' });
    await expect(usage.increment({ account: 'a', meter: 'credits', quantity: -1 })).rejects.toBeInstanceOf(
      UsageError,
    );
    await expect(usage.get({ account: 'a' })).rejects.toBeInstanceOf(UsageError);
    expect(errors).toMatchObject([
      { code: 'invalid_account' },
      { code: 'invalid_quantity' },
      { code: 'account_not_found' },
    ]);
  });

  test('without onError a line names the call and the code: a warning where the caller was mistaken', async () => {
    const lines: string[] = [];
    const logger = {
      ...quiet,
      warn: (_: object, message: string) => lines.push(`warning: ${message}`),
      error: (_: object, message: string) => lines.push(`error: ${message}`),
    };
    const open = (database: string) => createUsage({ database, meters: { credits: {} }, logger });
    const usage = open(join(temporaryDirectory(), 'usage.db'));
    await expect(usage.increment({ account: '' })).rejects.toBeInstanceOf(UsageError);
    await expect(usage.subscriptions.get({ account: 'a' })).rejects.toBeInstanceOf(UsageError);
    await usage.close();
    await expect(usage.get({ account: 'a' })).rejects.toBeInstanceOf(UsageError);
    const broken = open(join(temporaryDirectory(), 'missing', 'usage.db'));
    await expect(broken.worker.runOnce()).rejects.toBeInstanceOf(UsageError);
    await broken.close();
    expect(lines).toEqual([
      'warning: usage.increment failed: invalid_account',
      'warning: usage.subscriptions.get failed: account_not_found',
      'error: usage.get failed: closed',
      'error: usage.worker.runOnce failed: storage_failed',
    ]);
  });

  test('an onError that throws harms nobody', async () => {
    const usage = createUsage({
      database: join(temporaryDirectory(), 'usage.db'),
      meters: { credits: {} },
      onError: () => {
        throw new Error('mine');
      },
      logger: quiet,
    });
    await expect(usage.increment({ account: '' })).rejects.toMatchObject({ code: 'invalid_account' });
    await expect(usage.increment({ account: 'a' })).resolves.toMatchObject({ recorded: true });
    await usage.close();
  });

  test('bad input writes nothing', async () => {
    const { usage } = createTwoMeters();
    for (const params of [
      { quantity: -1 },
      { quantity: 1.5 },
      { timestamp: '2020-01-01' },
      { idempotency_key: '' },
    ]) {
      await expect(usage.increment({ account: 'a', meter: 'credits', ...params })).rejects.toBeInstanceOf(
        UsageError,
      );
    }
    expect((await usage.accounts.list()).accounts).toEqual([]);
  });
});

describe('close', () => {
  test('writes what is pending, and refuses what comes later', async () => {
    const directory = temporaryDirectory();
    const open = () =>
      createUsage({ database: join(directory, 'usage.db'), meters: { credits: {} }, logger: quiet });
    const usage = open();
    const calls = Array.from({ length: 500 }, (_, index) => usage.increment({ account: `a${index % 7}` }));
    await usage.close();
    await expect(Promise.all(calls)).resolves.toHaveLength(500);
    await expect(usage.increment({ account: 'a1' })).rejects.toMatchObject({ code: 'closed', status: 503 });
    expect(() => usage.worker.start()).toThrow(expect.objectContaining({ code: 'closed' }));
    await usage.close();
    const again = open();
    const quantities = await Promise.all(
      Array.from({ length: 7 }, async (_, index) => (await again.get({ account: `a${index}` })).quantity),
    );
    expect(quantities.reduce((sum, quantity) => sum + quantity, 0)).toBe(500);
    await again.close();
  });
});

describe('options', () => {
  const valid = { database: '/tmp/usage.db', meters: { credits: {} } };
  const withPrice = (price: object) => ({
    plans: { pro: { prices: [{ currency: 'usd', interval: 'month', unit_amount_decimal: '1', ...price }] } },
  });
  const refused: readonly [string, object][] = [
    ['database', { database: undefined }],
    ['database', { database: '' }],
    ['database', { database: ':memory:' }],
    ['database', { database: 'mysql://localhost/x' }],
    ['meters', { meters: {} }],
    ['meters.bad name', { meters: { 'bad name': {} } }],
    ['default_meter', { default_meter: 'tokens' }],
    ['stripe.secret_key', { stripe: { secret_key: undefined } }],
    ['stripe.secret_key', { stripe: { secret_key: '' } }],
    ['stripe.secret_key', { stripe: { secret_key: 'pk_test_1' } }],
    ['stripe.webhook_secret', { stripe: { secret_key: 'sk_test_1', webhook_secret: 'secret' } }],
    ['worker_schedule.usage', { worker_schedule: { usage: 'every day' } }],
    ['worker_schedule.usage', { worker_schedule: { usage: { cron: '0 0 * * *', time_zone: 'Mars/X' } } }],
    ['worker_schedule.usage', { worker_schedule: { usage: '0 0 30 2 *' } }],
    ['plans.pro.prices[0].meter', withPrice({ meter: 'tokens' })],
    ['plans.pro.prices[0].interval', withPrice({ interval: 'fortnight' })],
    ['plans.pro.prices[0].amount', withPrice({ amount: 1 })],
    ['plans.pro.prices[0].meter', withPrice({ usage_type: 'licensed', meter: 'credits' })],
    ['plans.pro.prices[0].quantity', withPrice({ quantity: 'seats' })],
    ['plans.pro.prices[0].stripe_price', withPrice({ stripe_price: 'prod_1' })],
    ['plans.pro.prices[0].lookup_key', withPrice({ lookup_key: 'x'.repeat(201) })],
    [
      'plans.pro.prices',
      {
        plans: {
          pro: {
            prices: [
              { currency: 'usd', interval: 'month', unit_amount_decimal: '1' },
              { currency: 'eur', interval: 'year', unit_amount_decimal: '1' },
            ],
          },
        },
      },
    ],
    ['plans.pro.limits.tokens', { plans: { pro: { prices: [], limits: { tokens: 1 } } } }],
    ['plans.pro.prices[0].unit_amount_decimal', withPrice({ unit_amount_decimal: undefined })],
    ['stripe.webhook_secret[1]', { stripe: { secret_key: 'sk_test_1', webhook_secret: ['whsec_1', 'x'] } }],
    ['worker_schedule.usage.cron', { worker_schedule: { usage: { cron: 3 } } }],
    ['databse', { databse: 'x' }],
  ];
  test.each(refused)('%s: a wrong option is refused when the app starts', (field, options) => {
    const call = () => createUsage({ ...valid, ...options } as UsageOptions);
    expect(call).toThrow(expect.objectContaining({ code: 'invalid_configuration', field }));
  });

  const told: readonly [object, string][] = [
    [
      { ...valid, stripe: { secret_key: undefined } },
      'stripe.secret_key: It has no value: is an environment variable missing? Give it one, or leave it out where it is optional.',
    ],
    [
      { ...valid, database: undefined },
      'database: It has no value: is an environment variable missing? Give it one, or leave it out where it is optional.',
    ],
    [
      { ...valid, database: '' },
      'database: It is empty: is an environment variable set to nothing? Give it one, or leave it out where it is optional.',
    ],
    [{ meters: valid.meters }, 'database: It is missing. Set it: it has no default.'],
    [{ database: valid.database }, 'meters: It is missing. Set it: it has no default.'],
    [{ ...valid, stripe: {} }, 'stripe.secret_key: It is missing. Set it: it has no default.'],
    [
      { ...valid, database: 5 },
      'database: It is neither a path, nor a postgres:// URL, nor a pool of `pg`, nor one of them with options. Correct what is named.',
    ],
    [{ ...valid, databse: 'x' }, 'databse: There is no such option here. Correct its name, or take it out.'],
    [{ ...valid, meters: [] }, 'meters: It is not an object. Correct what is named.'],
    [
      { ...valid, meters: { '1st': {} } },
      'meters.1st: It is not a name: a letter, then at most 99 letters, digits, _, . or -. Correct what is named.',
    ],
    [
      { ...valid, verify_timeout_ms: 1e6 },
      'verify_timeout_ms: It is more than 120,000. Correct what is named.',
    ],
    [
      { ...valid, late_usage: 'no' },
      'late_usage: It is none of bill_next, reject, track. Correct what is named.',
    ],
    [
      { ...valid, http: { rate_limits: { per_key: 'no' } } },
      'http.rate_limits.per_key: It is neither a whole number nor false. Correct what is named.',
    ],
    [
      { ...valid, http: { usage_page: { title: 3 } } },
      'http.usage_page.title: It is not a text. Correct what is named.',
    ],
    [
      { ...valid, database: { path: 'x', y: 1 } },
      'database.y: There is no such option here. Correct its name, or take it out.',
    ],
    [
      { ...valid, worker_schedule: { usage: '0 0 30 2 *' } },
      'worker_schedule.usage "0 0 30 2 *": The schedule never comes up. Correct what is named.',
    ],
  ];
  test.each(told)(
    '%o: says what is wrong, and asks for an environment variable only there',
    (options, message) => {
      expect(() => createUsage(options as UsageOptions)).toThrow(expect.objectContaining({ message }));
    },
  );

  /** Of every part of an option, whatever it is: what zod says itself is for programmers of zod. */
  test('no refusal is in the words of the library that looks', () => {
    const wrong = [3, 'x', true, [], ['x'], {}, { x: 1 }, -1, 0.5, Number.NaN, null, '1'.repeat(300)];
    const price = { currency: 'usd', interval: 'month' };
    const places: readonly ((value: unknown) => object)[] = [
      (value) => ({ database: value }),
      (value) => ({ database: { path: value } }),
      (value) => ({ meters: value }),
      (value) => ({ meters: { credits: value } }),
      (value) => ({ meters: { credits: { stripe_event_name: value } } }),
      (value) => ({ stripe: value }),
      (value) => ({ stripe: { secret_key: 'sk_test_1', webhook_secret: value } }),
      (value) => ({ stripe: { secret_key: 'sk_test_1', max_requests_per_second: value } }),
      (value) => ({ stripe: { secret_key: 'sk_test_1', config: { port: value, timeout: value } } }),
      (value) => ({ worker_schedule: { usage: value } }),
      (value) => ({ plans: { pro: value } }),
      (value) => ({ plans: { pro: { prices: [{ ...price, unit_amount_decimal: value }] } } }),
      (value) => ({ plans: { pro: { prices: [{ ...price, tiers: value }] } } }),
      (value) => ({ plans: { pro: { prices: [{ ...price, tiers: [{ up_to: value }] }] } } }),
      (value) => ({ plans: { pro: { prices: [], limits: { credits: value } } } }),
      (value) => ({ verify_timeout_ms: value }),
      (value) => ({ onError: value, logger: value }),
      (value) => ({ http: { base_path: value, allowed_origins: value, usage_page: value } }),
      (value) => ({ http: { rate_limits: { per_key: value } } }),
      (value) => ({ http: { cloud_events: { made: { meter: 'credits', quantity: value } } } }),
      (value) => ({ http: { cloud_events: { made: { meter: 'credits', account: value } } } }),
    ];
    const refusals = places.flatMap((place) =>
      wrong.map((value) => {
        try {
          createUsage({ ...valid, ...place(value) } as UsageOptions);
          return null;
        } catch (error) {
          if (error instanceof UsageError) return error.message;
          throw error;
        }
      }),
    );
    const words = refusals.filter((message) => message !== null);
    expect(words.length).toBeGreaterThan(150);
    expect(words.filter((message) => /expected|invalid|unrecognized|of a kind/i.test(message))).toEqual([]);
  });

  test('a price that cannot be rated is refused with its place', () => {
    const options = { ...valid, ...withPrice({ tiers_mode: 'volume' }) } as UsageOptions;
    expect(() => createUsage(options)).toThrow(
      expect.objectContaining({ code: 'invalid_price', field: 'plans.pro.prices[0].tiers' }),
    );
  });

  test('two prices for one meter and interval are refused', () => {
    const price = { currency: 'usd', interval: 'month', unit_amount_decimal: '1' } as const;
    expect(() => createUsage({ ...valid, plans: { pro: { prices: [price, price] } } })).toThrow(
      /at most one price/,
    );
  });

  test('a base fee, seats and usage stand side by side in one plan, and each of them once', () => {
    const price = { currency: 'usd', interval: 'month', unit_amount_decimal: '1' } as const;
    const fee = { ...price, usage_type: 'licensed' } as const;
    const seats = { ...fee, quantity: 'seats' } as const;
    const usage = createUsage({ ...valid, plans: { pro: { prices: [price, fee, seats] } } });
    onTestFinished(() => usage.close());
    for (const twice of [fee, seats]) {
      const plans = { pro: { prices: [price, fee, seats, twice] } };
      expect(() => createUsage({ ...valid, plans })).toThrow(/at most one price/);
    }
  });

  test('a secret never appears in an error', () => {
    const call = () => createUsage({ ...valid, stripe: { secret_key: 'pk_live_hidden' } });
    expect(call).toThrow(UsageError);
    expect(call).not.toThrow(/hidden/);
  });

  describe('in production', () => {
    function inProduction(options: UsageOptions) {
      const before = process.env['NODE_ENV'];
      process.env['NODE_ENV'] = 'production';
      try {
        return createUsage(options);
      } finally {
        process.env['NODE_ENV'] = before;
      }
    }
    test('a relative path is refused unless it is allowed', () => {
      const meters = { credits: {} };
      expect(() => inProduction({ database: 'usage.db', meters })).toThrow(
        /Pass an absolute path, or `database: \{ path, allow_relative: true \}`/,
      );
      inProduction({ database: { path: 'usage.db', allow_relative: true }, meters });
    });

    test('a test key is refused unless it is allowed', () => {
      const stripe = { secret_key: 'sk_test_1' };
      expect(() => inProduction({ ...valid, stripe })).toThrow(/test key .* `stripe.allow_test_key: true`/);
      inProduction({ ...valid, stripe: { ...stripe, allow_test_key: true } });
      inProduction({ ...valid, stripe: { secret_key: 'rk_live_1' } });
    });
  });

  test('the plans of the documentation are valid', () => {
    createUsage({
      ...valid,
      plans: PLANS,
      worker_schedule: { usage: { cron: '0 22 * * *', time_zone: 'Europe/Berlin' } },
    });
  });
});
