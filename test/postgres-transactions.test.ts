import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AppTransaction } from '../src/index.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { drizzleOn, inPg, kyselyOn, LIBRARIES } from './support/postgres/app-transactions.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const START = Date.UTC(2026, 0, 10, 12);
const MAX = 999_999_999_999_999;
const RECORDED = { recorded: true, duplicate: false };
const DUPLICATE = { recorded: false, duplicate: true };
const app = useAppDatabase();

/** The product on the app's own pool. */
async function createApp(options: WorldOptions = { with_stripe: false }) {
  const database = app.options();
  const world = await createWorld({ database, ...options });
  const { usage } = world;
  const { schema } = database;
  return {
    ...world,
    schema,
    quantity: async (account = 'a') => (await usage.get({ account })).quantity,
    /** Events that are committed and in no report yet. */
    waiting: async () => {
      const [row] = await app.rows(`SELECT count(*) FROM ${schema}.usage_event WHERE report_id IS NULL`);
      return row?.['count'];
    },
    /** Reports that count and whose quantity or instants are not those of their events. */
    wrongReports: () =>
      app.rows(`
        SELECT * FROM ${schema}.usage AS report LEFT JOIN LATERAL (
          SELECT coalesce(sum(quantity), 0) AS total, min(occurred_at) AS first, max(occurred_at) AS last
          FROM ${schema}.usage_event AS event WHERE event.account_id = report.account_id
            AND event.meter = report.meter AND event.report_id = report.report_id) AS ledger ON true
        WHERE status <> 'voided' AND (quantity, first_occurred_at, last_occurred_at)
          IS DISTINCT FROM (ledger.total, ledger.first, ledger.last)`),
    reports: () =>
      app.rows(`SELECT * FROM ${schema}.usage WHERE status <> 'voided' ORDER BY account_id, report_id`),
  };
}

/** A transaction that the test itself ends. */
async function begin() {
  const client = await app.pool.connect();
  let isOpen = true;
  const end = async (how: 'COMMIT' | 'ROLLBACK') => {
    if (!isOpen) return;
    isOpen = false;
    await client.query(how);
    client.release();
  };
  onTestFinished(() => end('ROLLBACK'));
  await client.query('BEGIN');
  return {
    query: (sql: string) => client.query(sql),
    options: { transaction: client },
    commit: () => end('COMMIT'),
    rollback: () => end('ROLLBACK'),
  };
}

class Undo extends Error {}

describe.each(LIBRARIES)('usage in %s', (_, run) => {
  test('counts exactly once when the app commits, before and after it is rolled up', async () => {
    const { usage, quantity, waiting } = await createApp();
    await run(app.pool, async ({ transaction }) => {
      const result = await usage.increment({ account: 'a', quantity: 5 }, { transaction });
      expect(result).toEqual(RECORDED);
      await expect(quantity()).rejects.toMatchObject({ code: 'account_not_found' });
    });
    expect(await quantity()).toBe(5);
    await usage.report();
    expect([await quantity(), await waiting()]).toEqual([5, 0]);
  });

  test('is gone when the app rolls back, with its idempotency key', async () => {
    const { usage, quantity } = await createApp();
    const params = { account: 'a', quantity: 5, idempotency_key: 'order_1' };
    const undone = run(app.pool, async ({ transaction }) => {
      await usage.increment(params, { transaction });
      throw new Undo();
    });
    await expect(undone).rejects.toThrow(Undo);
    await expect(quantity()).rejects.toMatchObject({ code: 'account_not_found' });
    expect(await usage.increment(params)).toEqual(RECORDED);
    expect(await quantity()).toBe(5);
  });

  test('is gone when the app rolls back to a savepoint, and the rest counts', async () => {
    const { usage, quantity } = await createApp();
    const undone = { account: 'a', quantity: 20, idempotency_key: 'order_2' };
    await run(app.pool, async ({ transaction, savepoint }) => {
      await usage.increment({ account: 'a', quantity: 1 }, { transaction });
      const inner = savepoint(async (transaction) => {
        await usage.increment(undone, { transaction });
        throw new Undo();
      });
      await expect(inner).rejects.toThrow(Undo);
      await savepoint((transaction) => usage.increment({ account: 'a', quantity: 300 }, { transaction }));
      expect(await usage.increment(undone, { transaction })).toEqual(RECORDED);
    });
    expect(await quantity()).toBe(321);
  });

  test('keeps ids, keys and properties as they are', async () => {
    const { usage, schema } = await createApp();
    const text = `'; DROP TABLE usage; -- "q" \\' \\\\ $1 ? %s {} é e\u0301 👩‍🚀`;
    const properties = { [text]: text, lines: 'a\n\t\u2028\u0001', '': null };
    const params = { account: text, quantity: 2, idempotency_key: text, properties };
    await run(app.pool, ({ transaction }) => usage.increment(params, { transaction }));
    const [row] = await app.rows(`SELECT * FROM ${schema}.usage_event`);
    expect(row).toMatchObject({ account_id: text, idempotency_key: text });
    expect(JSON.parse(String(row?.['properties']))).toEqual(properties);
    expect(await usage.increment(params)).toEqual(DUPLICATE);
    expect((await usage.get({ account: text })).quantity).toBe(2);
  });
});

describe('an idempotency key', () => {
  const keyed = { account: 'a', quantity: 5, idempotency_key: 'order_1' };

  test('counts once, however often it is used inside and outside of transactions', async () => {
    const { usage, quantity } = await createApp();
    await inPg(app.pool, async ({ transaction }) => {
      expect(await usage.increment(keyed, { transaction })).toEqual(RECORDED);
      expect(await usage.increment(keyed, { transaction })).toEqual(DUPLICATE);
    });
    expect(await usage.increment(keyed)).toEqual(DUPLICATE);
    const other = { ...keyed, idempotency_key: 'order_2' };
    expect(await usage.increment(other)).toEqual(RECORDED);
    await inPg(app.pool, async ({ transaction }) => {
      expect(await usage.increment(other, { transaction })).toEqual(DUPLICATE);
    });
    expect(await quantity()).toBe(10);
  });

  test('with other content is a conflict, and the app’s transaction goes on', async () => {
    const { usage, quantity } = await createApp();
    await usage.increment(keyed);
    await inPg(app.pool, async ({ transaction }) => {
      const conflict = usage.increment({ ...keyed, quantity: 6 }, { transaction });
      await expect(conflict).rejects.toMatchObject({ code: 'idempotency_conflict', status: 409 });
      await usage.increment({ account: 'a' }, { transaction });
    });
    expect(await quantity()).toBe(6);
  });

  test('of two transactions at once belongs to the one that commits', async () => {
    const { usage, quantity } = await createApp();
    await usage.increment({ account: 'a' });
    for (const [ending, answer, total] of [
      ['rollback', RECORDED, 6],
      ['commit', DUPLICATE, 11],
    ] as const) {
      const params = { ...keyed, idempotency_key: ending };
      const [first, second] = [await begin(), await begin()];
      await usage.increment(params, first.options);
      const waits = usage.increment(params, second.options);
      await first[ending]();
      expect(await waits).toEqual(answer);
      await second.commit();
      expect(await quantity()).toBe(total);
    }
  });
});

test('a key that an open transaction holds keeps nobody else waiting for long', async () => {
  const { usage, quantity } = await createApp();
  await usage.increment({ account: 'a' });
  const transaction = await begin();
  await usage.increment({ account: 'a', idempotency_key: 'held' }, transaction.options);
  const held = usage.increment({ account: 'a', idempotency_key: 'held' });
  const others = [
    ...Array.from({ length: 20 }, (_, number) =>
      usage.increment({ account: 'a', idempotency_key: `k${number}` }),
    ),
    usage.increment({ account: 'b' }),
    usage.increment({ account: 'c', quantity: 5 }),
  ];
  expect(await Promise.all(others)).toEqual(others.map(() => RECORDED));
  await expect(held).rejects.toMatchObject({ code: 'storage_busy' });
  await transaction.commit();
  expect(await usage.increment({ account: 'a', idempotency_key: 'held' })).toEqual(DUPLICATE);
  expect(await quantity('a')).toBe(22);
  expect(await quantity('b')).toBe(1);
  expect(await quantity('c')).toBe(5);
});

describe('transactions at once', () => {
  test('do not wait for each other on one account, and nobody waits for them', async () => {
    const { usage, quantity } = await createApp();
    await usage.increment({ account: 'a', quantity: 100 });
    const [first, second] = [await begin(), await begin()];
    for (const { query, options } of [first, second]) {
      await query(`SET LOCAL lock_timeout = '100ms'`);
      await usage.increment({ account: 'a', quantity: 1 }, options);
    }
    await usage.increment({ account: 'a', quantity: 1_000 });
    await usage.report();
    await usage.increment({ account: 'a', quantity: 10 }, first.options);
    await usage.increment({ account: 'a', quantity: 10 }, second.options);
    expect(await quantity()).toBe(1_100);
    await second.commit();
    await first.commit();
    expect(await quantity()).toBe(1_122);
  });

  test('are counted, whatever was rolled up since they began', async () => {
    const { usage, quantity, waiting } = await createApp();
    const early = await begin();
    await usage.increment({ account: 'a', quantity: 1 }, early.options);
    const late = await begin();
    await usage.increment({ account: 'a', quantity: 20 }, late.options);
    await late.commit();
    await usage.report();
    expect([await quantity(), await waiting()]).toEqual([20, 0]);
    await early.commit();
    expect([await quantity(), await waiting()]).toEqual([21, 1]);
    await usage.report();
    expect([await quantity(), await waiting()]).toEqual([21, 0]);
  });
});

describe('the roll-up', () => {
  test('changes nothing that get answers, in the current period and in any range', async () => {
    const { usage, clock, waiting } = await createApp();
    await usage.accounts.set({ account: 'a', plan: 'pro' });
    const record = async (quantity: number, ago = 0) => {
      const timestamp = ago === 0 ? {} : { timestamp: new Date(clock.now() - ago) };
      await inPg(app.pool, async ({ transaction }) => {
        await usage.increment({ account: 'a', quantity, ...timestamp }, { transaction });
      });
    };
    await usage.increment({ account: 'a', quantity: 1 });
    await record(20);
    clock.advance(DAY);
    await usage.report();
    await usage.increment({ account: 'a', quantity: 300 });
    await record(4_000, HOUR);
    await record(50_000, 2 * DAY); // before the account was created
    const at = (hours: number) => new Date(START + hours * HOUR);
    const ranges = [
      {},
      { period_start: at(-30), period_end: at(0) },
      { period_start: at(0), period_end: at(0.5) },
      { period_start: at(0), period_end: at(23.5) },
      { period_start: at(23), period_end: at(24) },
      { period_start: at(-800), period_end: at(800) },
    ];
    const answers = async () => {
      const found = await Promise.all(ranges.map((range) => usage.get({ account: 'a', ...range })));
      return found.map(({ reports: _, ...answer }) => answer);
    };
    const before = await answers();
    expect(before.map(({ quantity }) => quantity)).toEqual([4_321, 50_000, 21, 4_021, 4_000, 54_321]);
    expect(await waiting()).toBe(2);
    await usage.worker.tick();
    expect(await waiting()).toBe(0);
    expect(await answers()).toEqual(before);
  });

  test('creates an account that is known only from transactions, as of its first usage', async () => {
    const { usage, clock, quantity } = await createApp();
    for (const hours of [0, 1, 2]) {
      await inPg(app.pool, ({ transaction }) => usage.increment({ account: 'a' }, { transaction }));
      clock.moveTo(START + hours * HOUR);
    }
    clock.advance(15_000);
    await usage.worker.tick();
    expect(await quantity()).toBe(3);
    expect(await usage.accounts.get({ account: 'a' })).toMatchObject({
      created_at: new Date(START).toISOString(),
    });
  });

  test('creates such an account as of what was used first, where a timestamp says when', async () => {
    const { usage, clock, quantity } = await createApp();
    for (const seconds of [3, 5]) {
      const timestamp = new Date(clock.now() - seconds * 1_000);
      await inPg(app.pool, ({ transaction }) =>
        usage.increment({ account: 'a', timestamp }, { transaction }),
      );
    }
    expect(await quantity()).toBe(2);
    const created_at = new Date(START - 5_000).toISOString();
    expect(await usage.accounts.get({ account: 'a' })).toMatchObject({ created_at });
    expect(await usage.get({ account: 'a' })).toMatchObject({ period_start: created_at, quantity: 2 });
  });

  test('finds an account behind thousands of waiting events of others', async () => {
    const { usage, quantity, schema } = await createApp();
    await inPg(app.pool, ({ transaction }) => usage.increment({ account: 'z' }, { transaction }));
    await app.rows(`INSERT INTO ${schema}.usage_event (account_id, meter, quantity, occurred_at, recorded_at)
      SELECT 'a', 'credits', 1, recorded_at, recorded_at FROM ${schema}.usage_event, generate_series(1, 2500)`);
    expect(await quantity('z')).toBe(1);
    expect(await quantity('a')).toBe(2_500);
  });

  test('in the middle of a get shows no usage twice', async () => {
    const { usage, clock, schema } = await createApp();
    await usage.increment({ account: 'a', quantity: 1 });
    clock.advance(HOUR);
    await usage.increment({ account: 'a', quantity: 300 });
    await inPg(app.pool, ({ transaction }) =>
      usage.increment({ account: 'a', quantity: 20 }, { transaction }),
    );
    const { query, rollback } = await begin();
    // Holds get up after it has read what waits, before it adds up the report that the range cuts.
    await query(`LOCK TABLE ${schema}.usage_event_month`);
    const range = { period_start: new Date(START + 1), period_end: new Date(START + DAY) };
    const answer = usage.get({ account: 'a', ...range });
    const waits = `SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '${schema}.usage_event_month'::regclass`;
    await vi.waitUntil(async () => (await app.rows(waits)).length > 0, { timeout: 10_000 });
    await usage.report({ account: 'a' });
    await rollback();
    expect((await answer).quantity).toBe(320);
  });

  test('by two processes at once, while increments and closes go on, counts every event in one report', async () => {
    const { usage, clock, open, waiting, reports, wrongReports } = await createApp();
    const other = open();
    const accounts = ['a', 'b', 'c', 'd'];
    await Promise.all(accounts.map((account) => usage.accounts.set({ account })));
    const passing = setInterval(() => clock.advance(700), 5);
    onTestFinished(() => clearInterval(passing));
    let expected = 0;
    const work: Promise<unknown>[] = [];
    for (let round = 0; round < 12; round += 1) {
      const committed = inPg(app.pool, async ({ transaction }) => {
        for (const account of accounts) await usage.increment({ account, quantity: 1_000 }, { transaction });
      });
      work.push(usage.worker.tick(), other.worker.tick(), usage.get({ account: 'a' }));
      for (const account of accounts) work.push(usage.increment({ account }), other.increment({ account }));
      if (round % 4 === 3) work.push(usage.report(), other.report());
      await committed;
      expected += accounts.length * 1_002;
    }
    await Promise.all(work);
    await usage.report();
    await other.close();
    const total = (await reports()).reduce((sum, { quantity }) => sum + Number(quantity), 0);
    expect({ total, waiting: await waiting(), wrong: await wrongReports() }).toEqual({
      total: expected,
      waiting: 0,
      wrong: [],
    });
  });

  test('of an account that fails delays no other, and is made up for', async () => {
    const { usage, clock, errors, schema, quantity, waiting } = await createApp();
    const accounts = ['a', 'b', 'c'];
    await Promise.all(accounts.map((account) => usage.increment({ account, quantity: 10 })));
    await inPg(app.pool, async ({ transaction }) => {
      for (const account of accounts) await usage.increment({ account }, { transaction });
    });
    await app.rows(`CREATE FUNCTION ${schema}.poison() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN RAISE EXCEPTION 'poisoned'; END $$`);
    await app.rows(`CREATE TRIGGER poison BEFORE UPDATE ON ${schema}.usage
      FOR EACH ROW WHEN (NEW.account_id = 'a' AND NEW.status = 'open') EXECUTE FUNCTION ${schema}.poison()`);
    await usage.worker.tick();
    expect(errors).toHaveLength(1);
    expect(await waiting()).toBe(1);
    await inPg(app.pool, async ({ transaction }) => {
      for (const account of accounts) await usage.increment({ account }, { transaction });
    });
    await usage.worker.tick();
    expect(errors).toHaveLength(1);
    expect(await waiting()).toBe(2);
    await app.rows(`DROP TRIGGER poison ON ${schema}.usage`);
    clock.advance(MINUTE);
    await usage.worker.tick();
    expect(await waiting()).toBe(0);
    expect(await Promise.all(accounts.map(quantity))).toEqual([12, 12, 12]);
  });

  test('seals a report that is full, and goes on in the next', async () => {
    const { usage, waiting, reports, wrongReports } = await createApp();
    await usage.increment({ account: 'a', quantity: 10 });
    for (const quantity of [MAX, 5, MAX - 5, 7]) {
      await inPg(app.pool, ({ transaction }) => usage.increment({ account: 'a', quantity }, { transaction }));
    }
    await usage.worker.tick();
    const quantities = (await reports()).map(({ quantity }) => Number(quantity));
    expect(quantities.reduce((sum, quantity) => sum + BigInt(quantity), 0n)).toBe(2n * BigInt(MAX) + 17n);
    expect([await waiting(), await wrongReports()]).toEqual([0, []]);
  });
});

test('a transaction that commits after its billing period was reported is billed in the next', async () => {
  const { usage, clock, errors, wrongReports, ...world } = await createApp({});
  const { customer, subscription } = await world.subscribe();
  await usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: customer.id });
  const end = (subscription.items.data[0]?.current_period_end ?? 0) * 1_000;
  await world.passTime(end - MINUTE);
  await usage.increment({ account: 'a', quantity: 100 });
  const slow = await begin();
  const slower = await begin();
  await usage.increment({ account: 'a', quantity: 7 }, slow.options);
  await usage.increment({ account: 'a', quantity: 20 }, slower.options);
  await world.passTime(end + 10 * MINUTE);
  await slow.commit();
  await world.passTime(end + 3 * HOUR);
  await slower.commit();
  await world.passTime(end + 40 * DAY);
  const lines = await world.billedLines(customer.id);
  expect(lines.map(({ quantity }) => quantity)).toEqual([107, 20]);
  expect([await wrongReports(), errors]).toEqual([[], []]);
});

describe('refused', () => {
  test('bad input, before anything is sent', async () => {
    const { usage } = await createApp();
    const transaction = { query: () => Promise.reject(new Error('It was sent.')) };
    for (const params of [
      { account: '' },
      { account: 'a', quantity: -1 },
      { account: 'a', idempotency_key: '' },
      { account: 'a', timestamp: '2020-01-01' },
      { account: 'a', properties: { a: Number.NaN } },
      { account: 'a', meter: 'tokens' as 'credits' },
    ]) {
      await expect(usage.increment(params, { transaction })).rejects.toMatchObject({ status: 400 });
    }
    expect(await usage.increment({ account: 'a', quantity: 0 }, { transaction })).toEqual({
      recorded: false,
      duplicate: false,
    });
  });

  test.each<[string, () => unknown]>([
    ['a pool', () => app.pool],
    ['a Kysely database', () => kyselyOn(app.pool)],
    ['a Drizzle database', () => drizzleOn(app.pool)],
    ['an object of something else', () => ({ commit() {} })],
    ['undefined', () => undefined],
    ['null', () => null],
    ['a text', () => 'BEGIN'],
  ])('%s, which is no transaction', async (_, value) => {
    const { usage, waiting } = await createApp();
    const transaction = value() as AppTransaction;
    await expect(usage.increment({ account: 'a' }, { transaction })).rejects.toMatchObject({
      code: 'invalid_transaction',
      field: 'transaction',
    });
    expect(await waiting()).toBe(0);
  });

  test('an option with a typo', async () => {
    const { usage } = await createApp();
    const options = { transction: {} } as unknown as { transaction: AppTransaction };
    await expect(usage.increment({ account: 'a' }, options)).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'transction',
    });
  });

  test('any transaction on SQLite', async () => {
    const { usage } = await createWorld({ with_stripe: false });
    await inPg(app.pool, async ({ transaction }) => {
      await expect(usage.increment({ account: 'a' }, { transaction })).rejects.toMatchObject({
        code: 'transaction_unsupported',
        field: 'transaction',
      });
    });
    expect((await usage.accounts.list()).accounts).toEqual([]);
  });
});
