import { Client, Pool } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createUsage, type UsageOptions } from '../src/index.ts';
import { DAY, HOUR } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { inPg } from './support/postgres/app-transactions.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const START = Date.UTC(2026, 0, 10, 12);
const app = useAppDatabase();

/** The product on the app's own pool. */
async function createLedger({
  ledger_retention_months,
  ...options
}: WorldOptions & { readonly ledger_retention_months?: number } = {}) {
  const database = {
    ...app.options(),
    ...(ledger_retention_months === undefined ? {} : { ledger_retention_months }),
  };
  const world = await createWorld({ database, with_stripe: false, ...options });
  const { schema } = database;
  const column = async (sql: string) => (await app.rows(sql)).map((row) => Object.values(row)[0]);
  return {
    ...world,
    schema,
    column,
    /** Months that are part of the ledger, such as `2026_01`. */
    months: async () =>
      (
        await column(
          `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '${schema}.usage_event'::regclass ORDER BY 1`,
        )
      ).map((name) => String(name).slice(-7)),
    detached: () =>
      column(`SELECT name FROM ${schema}.usage_event_month WHERE detached_at IS NOT NULL ORDER BY name`),
  };
}

describe('the months of the ledger', () => {
  test('are made ahead, when the database is opened and every day', async () => {
    const { usage, clock, months } = await createLedger();
    await usage.accounts.list();
    expect(await months()).toEqual(['2026_01', '2026_02', '2026_03']);
    await usage.worker.tick();
    clock.moveTo(Date.UTC(2026, 1, 1));
    await usage.worker.tick();
    expect(await months()).toEqual(['2026_01', '2026_02', '2026_03', '2026_04']);
  });

  test('are made on demand where no worker ran for years', async () => {
    const { usage, clock, months } = await createLedger();
    await usage.increment({ account: 'a' });
    clock.moveTo(Date.UTC(2029, 6, 4));
    await usage.increment({ account: 'a', quantity: 20 });
    expect(await months()).toContain('2029_07');
    const range = { period_start: '2026-01-01', period_end: '2030-01-01' };
    expect((await usage.get({ account: 'a', ...range })).quantity).toBe(21);
  });

  test('are made on demand before usage is recorded in a transaction', async () => {
    const { usage, clock, open, months } = await createLedger();
    await usage.increment({ account: 'a' });
    clock.moveTo(Date.UTC(2031, 6, 4));
    const restarted = open();
    await inPg(app.pool, async ({ transaction }) => {
      await usage.increment({ account: 'a', quantity: 20 }, { transaction });
      await restarted.increment({ account: 'a', quantity: 300 }, { transaction });
    });
    await restarted.close();
    expect(await months()).toContain('2031_07');
    const range = { period_start: '2026-01-01', period_end: '2032-01-01' };
    expect((await usage.get({ account: 'a', ...range })).quantity).toBe(321);
  });

  test('are made once, by however many processes at a time', async () => {
    const { usage, clock, open, months } = await createLedger();
    const others = [open(), open(), open()];
    await usage.increment({ account: 'a' });
    clock.moveTo(Date.UTC(2027, 0, 1));
    await Promise.all([usage, ...others].map((each) => each.increment({ account: 'a' })));
    for (const other of others) await other.close();
    expect(await months()).toEqual(['2026_01', '2026_02', '2026_03', '2027_01', '2027_02', '2027_03']);
    const range = { period_start: '2027-01-01', period_end: '2027-01-02' };
    expect((await usage.get({ account: 'a', ...range })).quantity).toBe(4);
  });

  test('meet without a gap: usage on either side of midnight is in its month, and in every range once', async () => {
    const { usage, clock, schema, column } = await createLedger({
      start: Date.UTC(2026, 0, 31, 23, 59, 59, 999),
    });
    await usage.increment({ account: 'a', quantity: 1 });
    clock.advance(1);
    await usage.increment({ account: 'a', quantity: 20 });
    await usage.increment({ account: 'a', quantity: 300, timestamp: '2026-01-01T00:00:00Z' });
    expect(await column(`SELECT quantity FROM ${schema}.usage_event_2026_01`)).toEqual([1]);
    expect(await column(`SELECT quantity FROM ${schema}.usage_event_2026_02 ORDER BY 1`)).toEqual([20, 300]);
    const between = async (period_start: string, period_end: string) =>
      (await usage.get({ account: 'a', period_start, period_end })).quantity;
    expect(await between('2026-01-31', '2026-02-01')).toBe(1);
    expect(await between('2026-02-01', '2026-02-02')).toBe(20);
    expect(await between('2026-01-01', '2026-01-02')).toBe(300);
    expect(await between('2026-01-01', '2026-02-02')).toBe(321);
  });
});

describe('retention', () => {
  test('takes settled months out of the ledger and leaves their tables; whole periods are still answered', async () => {
    const { usage, clock, months, detached, schema, column, ...world } = await createLedger({
      with_stripe: true,
      ledger_retention_months: 3,
    });
    const { customer } = await world.subscribe();
    await usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: customer.id });
    const periods: { period_start: string; period_end: string }[] = [];
    for (let month = 0; month < 6; month += 1) {
      const { period_start, period_end } = await usage.get({ account: 'a' });
      periods.push({ period_start, period_end });
      await usage.increment({ account: 'a', quantity: 100 });
      clock.advance(HOUR);
      await usage.increment({ account: 'a', quantity: 5 });
      await world.passTime(Date.parse(period_end) + 2 * HOUR);
    }
    // It is 10 July: April, May and June are kept.
    expect(await detached()).toEqual(['usage_event_2026_01', 'usage_event_2026_02', 'usage_event_2026_03']);
    expect(await months()).toEqual(['2026_04', '2026_05', '2026_06', '2026_07', '2026_08', '2026_09']);
    expect(await column(`SELECT sum(quantity) FROM ${schema}.usage_event_2026_02`)).toEqual([105]);

    expect(world.errors).toEqual([]);
    for (const period of periods) {
      const answer = await usage.get({ account: 'a', ...period });
      expect(answer).toMatchObject({ quantity: 105, reported_quantity: 105, cost: { amount: 210 } });
    }
    const from = (period: { period_start: string } | undefined, hours: number) =>
      usage.get({
        account: 'a',
        period_start: new Date(Date.parse(period?.period_start ?? '') + hours * HOUR),
        period_end: '2026-07-01',
      });
    const [first, , , , fifth] = periods;
    expect(await from(first, 0)).toMatchObject({ quantity: 630 });
    await expect(from(first, 0.5)).rejects.toMatchObject({ code: 'usage_archived', status: 410 });
    expect(await from(fifth, 2.5)).toMatchObject({ quantity: 110 });
    // Only what is cut is read from the ledger.
    const all = {
      period_start: '2026-01-01',
      period_end: new Date(Date.parse(fifth?.period_start ?? '') + 2.5 * HOUR),
    };
    expect(await usage.get({ account: 'a', ...all })).toMatchObject({ quantity: 520 });
  });

  test('keeps a month in which something may still be sent, and later ones', async () => {
    const { usage, clock, detached } = await createLedger({ with_stripe: true, ledger_retention_months: 3 });
    await usage.accounts.set({ account: 'free', plan: 'free' });
    await usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: 'cus_nobody' });
    await usage.increment({ account: 'free' });
    clock.advance(30 * DAY);
    await usage.increment({ account: 'a' });
    for (let month = 0; month < 6; month += 1) {
      await usage.increment({ account: 'free' });
      await usage.worker.tick();
      clock.advance(30 * DAY);
    }
    expect(await detached()).toEqual(['usage_event_2026_01']);
  });

  test('loses nothing when a subscription turns out to have begun in a month that is detached', async () => {
    const { usage, clock, detached, ...world } = await createLedger({
      with_stripe: true,
      ledger_retention_months: 3,
    });
    await usage.accounts.set({ account: 'a', plan: 'free' });
    const { period_start, period_end } = await usage.get({ account: 'a' });
    clock.advance(DAY);
    const { customer } = await world.subscribe();
    await usage.increment({ account: 'a', quantity: 100 });
    for (let month = 0; month < 6; month += 1) {
      clock.advance(30 * DAY);
      await usage.worker.tick();
    }
    await usage.increment({ account: 'a', quantity: 5 });
    await usage.report();
    expect(await detached()).toContain('usage_event_2026_01');
    await usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: customer.id });
    await usage.worker.tick();
    const [first] = (await usage.get({ account: 'a', period_start, period_end })).reports;
    expect(first).toMatchObject({ quantity: 100, status: 'not_billable' });
    const all = { period_start: '2026-01-01', period_end: '2027-01-01' };
    expect(await usage.get({ account: 'a', ...all })).toMatchObject({ quantity: 105 });
    expect(world.errors).toEqual([]);
  });

  test('detaches again what was interrupted or attached again, and answers again what is unmarked', async () => {
    const { usage, clock, detached, months, schema } = await createLedger({
      ledger_retention_months: 3,
    });
    await usage.accounts.set({ account: 'a', plan: 'free' });
    await usage.increment({ account: 'a', quantity: 7 });
    clock.advance(HOUR);
    await usage.increment({ account: 'a', quantity: 30 });
    await usage.worker.tick();
    for (const days of [1, 118]) {
      clock.advance(days * DAY);
      await usage.worker.tick();
    }
    const cut = { period_start: '2026-01-01', period_end: '2026-01-10T12:30:00Z' };
    await expect(usage.get({ account: 'a', ...cut })).rejects.toMatchObject({ code: 'usage_archived' });
    await app.rows(`ALTER TABLE ${schema}.usage_event ATTACH PARTITION ${schema}.usage_event_2026_01
      FOR VALUES FROM (${Date.UTC(2026, 0, 1)}) TO (${Date.UTC(2026, 1, 1)})`);
    await app.rows(
      `UPDATE ${schema}.usage_event_month SET detached_at = NULL WHERE name = 'usage_event_2026_01'`,
    );
    expect(await usage.get({ account: 'a', ...cut })).toMatchObject({ quantity: 7 });
    clock.advance(2 * DAY);
    await usage.worker.tick();
    expect(await detached()).toContain('usage_event_2026_01');
    expect(await months()).not.toContain('2026_01');
  });
});

describe('the database refuses', () => {
  /** An account with a sealed report (1) and an open one (2), of one event each. */
  async function createReports() {
    const { usage, clock, schema } = await createLedger();
    await usage.increment({ account: 'a', quantity: 5 });
    clock.advance(HOUR);
    await usage.report();
    await usage.increment({ account: 'a', quantity: 7 });
    return schema;
  }
  const copy = (schema: string, report_id: number, changes: string) => `
    INSERT INTO ${schema}.usage (account_id, meter, report_id, late, period_start, billing_period_start, billing_period_end)
    SELECT account_id, meter, ${report_id}, ${changes} FROM ${schema}.usage WHERE report_id = 2`;

  test.each<[string, (schema: string) => string, RegExp]>([
    ['another quantity in the ledger', (s) => `UPDATE ${s}.usage_event SET quantity = 1`, /append-only/],
    ['the same of a month', (s) => `UPDATE ${s}.usage_event_2026_01 SET quantity = 1`, /append-only/],
    ['another time in the ledger', (s) => `UPDATE ${s}.usage_event SET occurred_at = 0`, /append-only/],
    ['an event without its report', (s) => `UPDATE ${s}.usage_event SET report_id = NULL`, /append-only/],
    [
      'an event of a sealed report in another',
      (s) => `UPDATE ${s}.usage_event SET report_id = 2 WHERE report_id = 1`,
      /append-only/,
    ],
    ['a ledger without an event', (s) => `DELETE FROM ${s}.usage_event`, /append-only/],
    ['a month without an event', (s) => `DELETE FROM ${s}.usage_event_2026_01`, /append-only/],
    ['an empty ledger', (s) => `TRUNCATE ${s}.usage_event`, /append-only/],
    ['an empty month', (s) => `TRUNCATE ${s}.usage_event_2026_01`, /append-only/],
    [
      'another quantity of a sealed report',
      (s) => `UPDATE ${s}.usage SET quantity = 1 WHERE report_id = 1`,
      /sealed report does not change/,
    ],
    [
      'another end of a sealed report',
      (s) => `UPDATE ${s}.usage SET period_end = period_end - 1000 WHERE report_id = 1`,
      /sealed report does not change/,
    ],
    ['fewer reports', (s) => `DELETE FROM ${s}.usage`, /never deleted/],
    ['no reports', (s) => `TRUNCATE ${s}.usage CASCADE`, /never deleted/],
    [
      'a second open report of a period',
      (s) => copy(s, 3, 'true, period_start, billing_period_start, billing_period_end'),
      /usage_open/,
    ],
    [
      'regular reports that overlap',
      (s) => copy(s, 3, 'false, billing_period_start, billing_period_start - 1000, billing_period_end'),
      /do not overlap/,
    ],
    [
      'a report that reaches into the one before',
      (s) => `UPDATE ${s}.usage SET period_start = period_start - 1000 WHERE report_id = 2`,
      /do not overlap/,
    ],
    [
      'a sealed report that is open again',
      (s) => `UPDATE ${s}.usage SET status = 'voided' WHERE report_id = 2;
        UPDATE ${s}.usage SET status = 'open', period_end = NULL WHERE report_id = 1`,
      /sealed report does not change/,
    ],
    [
      'a voided report that is closed again',
      (s) => `UPDATE ${s}.usage SET status = 'voided' WHERE report_id = 1;
        UPDATE ${s}.usage SET status = 'closed' WHERE report_id = 1`,
      /illegal transition/,
    ],
    [
      'a report that skips sending',
      (
        s,
      ) => `UPDATE ${s}.usage SET status = 'reported', stripe_customer = 'cus_1', identifier = 'x', slot = period_start,
        attempts = 1, first_attempt_at = 0, reported_at = 0 WHERE report_id = 1`,
      /illegal transition/,
    ],
    ...[
      `status = 'unknown', period_end = period_start + 1000`,
      'report_id = 0',
      'generation = 0',
      'attempts = -1',
      'period_start = period_start + 1',
      'period_end = period_start + 1000',
      'billing_period_start = period_start + 1000',
      'slot = period_start - 1',
      'reported_at = 0',
      'verified_at = 0',
      `status = 'sending', period_end = period_start + 1000`,
      `status = 'not_billable', period_end = period_start + 1000, reason = NULL`,
    ].map((change): [string, (s: string) => string, RegExp] => [
      `a report that cannot be: ${change}`,
      (s) => `UPDATE ${s}.usage SET ${change} WHERE report_id = 2`,
      /a report that cannot be/,
    ]),
    [
      'a new report that cannot be',
      (s) => copy(s, 3, 'true, period_start + 1, billing_period_start - 1000, billing_period_end'),
      /a report that cannot be/,
    ],
    [
      'a report of more than 15 digits',
      (s) => `UPDATE ${s}.usage SET quantity = 1e15 WHERE report_id = 2`,
      /usage_quantity_check/,
    ],
  ])('%s', async (_, sql, message) => {
    const schema = await createReports();
    await expect(app.rows(sql(schema))).rejects.toThrow(message);
    expect(
      await app.rows(`SELECT quantity, report_id FROM ${schema}.usage_event ORDER BY report_id`),
    ).toEqual([
      { quantity: 5, report_id: 1 },
      { quantity: 7, report_id: 2 },
    ]);
  });

  test('a report that was sent under another identifier, customer or slot', async () => {
    const { usage, schema, ...world } = await createLedger({ with_stripe: true });
    const { customer } = await world.subscribe();
    await usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: customer.id });
    await usage.increment({ account: 'a' });
    await world.passTime(world.clock.now() + DAY);
    for (const change of [`identifier = 'x'`, `stripe_customer = 'cus_2'`, 'slot = slot - 1']) {
      await expect(
        app.rows(`UPDATE ${schema}.usage SET ${change} WHERE status = 'reported'`),
      ).rejects.toThrow(/keeps its identifier/);
    }
  });
});

describe('installations', () => {
  test('in two schemas of one database do not mix', async () => {
    const [first, second] = [await createLedger(), await createLedger({ start: START + DAY })];
    expect(first.schema).not.toBe(second.schema);
    const keyed = { account: 'a', idempotency_key: 'order_1' };
    await first.usage.increment({ ...keyed, quantity: 1 });
    await second.usage.increment({ ...keyed, quantity: 20 });
    await inPg(app.pool, async ({ transaction }) => {
      await first.usage.increment({ account: 'a', quantity: 300 }, { transaction });
      await second.usage.increment({ account: 'a', quantity: 4_000 }, { transaction });
    });
    await first.usage.report();
    expect(await first.usage.get({ account: 'a' })).toMatchObject({ quantity: 301 });
    expect(await second.usage.get({ account: 'a' })).toMatchObject({ quantity: 4_020 });
    expect(await first.column(`SELECT count(*) FROM ${first.schema}.usage_event`)).toEqual([2]);
  });

  test('are in the schema tallybook by default, and end no pool that is the app’s', async () => {
    const { pool } = app;
    const usage = createUsage({ database: pool, meters: { credits: {} } });
    await usage.increment({ account: 'a' });
    await usage.close();
    expect(await app.rows('SELECT quantity FROM tallybook.usage')).toEqual([{ quantity: 1 }]);
  });
});

describe('a database user', () => {
  /** A month of a free account after another, until two of them are detached. */
  async function runAs(user: string, schema: string) {
    const url = new URL(app.url);
    url.username = user;
    url.password = 'secret';
    const { usage, clock, errors } = await createWorld({
      database: { url: url.href, schema, ledger_retention_months: 3 },
      with_stripe: false,
    });
    await usage.accounts.set({ account: 'a', plan: 'free' });
    await usage.increment({ account: 'a', idempotency_key: 'order_1' });
    for (let month = 0; month < 5; month += 1) {
      clock.advance(30 * DAY);
      await usage.worker.tick();
    }
    const detached = `SELECT name FROM ${schema}.usage_event_month WHERE detached_at IS NOT NULL`;
    expect(await app.rows(detached)).toHaveLength(2);
    expect(errors).toEqual([]);
  }

  async function createUser() {
    const user = `tallybook_test_${crypto.randomUUID().replaceAll('-', '')}`;
    await app.rows(`CREATE ROLE ${user} LOGIN PASSWORD 'secret'`);
    onTestFinished(async () => {
      await app.rows(`DROP OWNED BY ${user} CASCADE`);
      await app.rows(`DROP ROLE ${user}`);
    });
    return user;
  }

  test('that may create the schema suffices', async () => {
    const user = await createUser();
    await app.rows(`GRANT CREATE ON DATABASE ${new URL(app.url).pathname.slice(1)} TO ${user}`);
    await runAs(user, 'made_by_user');
  });

  test('that owns the schema and nothing else suffices', async () => {
    const user = await createUser();
    await app.rows(`CREATE SCHEMA made_for_user AUTHORIZATION ${user}`);
    await runAs(user, 'made_for_user');
  });
});

describe('the options', () => {
  const url = 'postgres://user:hidden@localhost/app';
  test.each<[string, unknown]>([
    ['database', { url, pool: new Pool() }],
    ['database', {}],
    ['database', { schema: 'tallybook' }],
    ['database', 5],
    ['database', new Client()],
    ['database', 'mysql://user:hidden@localhost/app'],
    ['database', 'postgres+ssl://user:hidden@localhost/app'],
    ['database', 'POSTGRES://user:hidden@localhost/app'],
    ['database', { path: url }],
    ['database.schema', { path: '/tmp/usage.db', schema: 'tallybook' }],
    ['database.retention', { url, retention: 3 }],
    ['database.url', { url: '' }],
    ['database.url', { url: undefined }],
    ['database.url', { url: 'mysql://user:hidden@localhost/app' }],
    ['database.pool', { pool: undefined }],
    ['database.pool', { pool: {} }],
    ['database.pool', { pool: new Client() }],
    ['database.schema', { url, schema: '' }],
    ['database.schema', { url, schema: 'My Schema' }],
    ['database.schema', { url, schema: 'x'.repeat(64) }],
    ['database.ledger_retention_months', { url, ledger_retention_months: 2 }],
    ['database.ledger_retention_months', { url, ledger_retention_months: 3.5 }],
  ])('%s: %o is refused when the app starts', (field, database) => {
    const call = () => createUsage({ database, meters: { credits: {} } } as UsageOptions);
    expect(call).toThrow(expect.objectContaining({ code: 'invalid_configuration', field }));
    expect(call).not.toThrow(/hidden/);
  });

  test('are taken as a URL, a pool, or either with options', () => {
    const meters = { credits: {} };
    const options: UsageOptions['database'][] = [
      url,
      'postgresql://localhost/app',
      new Pool(),
      { url, schema: 'billing', ledger_retention_months: 3, allow_unsafe: true },
      { pool: new Pool(), schema: '_x1' },
    ];
    for (const database of options) expect(() => createUsage({ database, meters })).not.toThrow();
  });
});
