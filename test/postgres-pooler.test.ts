import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createUsage } from '../src/index.ts';
import { createPostgresStore } from '../src/storage/postgres/postgres-store.ts';
import type { PostgresPool } from '../src/storage/postgres/session.ts';
import { systemEnvironment } from '../src/system-environment.ts';
import { testStore } from '../src/testing/store-suite.ts';
import { createDatabase, type TestDatabase } from './support/postgres/databases.ts';
import { type PooledDatabase, startPooler } from './support/postgres/pooler.ts';

let database: TestDatabase;
let pooler: PooledDatabase;

beforeAll(async () => {
  database = await createDatabase();
  pooler = await startPooler(database.url);
});

afterAll(async () => {
  await pooler.end();
  await database.drop();
});

describe('behind a pooler in transaction mode', () => {
  let schemas = 0;
  testStore({
    test,
    uuid: () => systemEnvironment().uuid(),
    open: async () => {
      schemas += 1;
      const { switches } = pooler;
      onTestFinished(async () => {
        expect(pooler.switches).toBeGreaterThan(switches);
        expect(await pooler.countLeftovers()).toBe(0);
      });
      return createPostgresStore({
        server: { pool: pooler as PostgresPool },
        schema: `tallybook_${schemas}`,
        environment: systemEnvironment(),
      });
    },
  });

  test('two processes count, report and record in transactions, and leave nothing behind in a session', async () => {
    const options = { database: pooler, meters: { credits: {} }, onError: () => {} } as const;
    const processes = [createUsage(options), createUsage(options)];
    onTestFinished(async () => {
      for (const usage of processes) await usage.close();
    });
    await Promise.all(processes.map((usage) => usage.increment({ account: 'a0' })));
    const calls = Array.from({ length: 100 }, async (_, index) => {
      await sleep(index);
      await processes[index % 2]?.increment({ account: `a${index % 3}`, idempotency_key: `k${index % 60}` });
    });
    const transactions = Array.from({ length: 10 }, async (_, index) => {
      const client = await pooler.connect();
      await client.query('BEGIN');
      await processes[index % 2]?.increment({ account: 'a0', quantity: 10 }, { transaction: client });
      await sleep(5);
      await client.query(index < 5 ? 'COMMIT' : 'ROLLBACK');
      client.release();
    });
    await Promise.all([...calls, ...transactions, processes[0]?.report(), processes[1]?.report()]);
    await processes[0]?.worker.tick();
    await processes[1]?.report();
    const results = await Promise.all(['a0', 'a1', 'a2'].map((account) => processes[0]?.get({ account })));
    expect(results.map((result) => result?.quantity)).toEqual([2 + 20 + 50, 20, 20]);
    expect(pooler.switches).toBeGreaterThan(100);
    expect(await pooler.countLeftovers()).toBe(0);
  });
});

test('what a session would remember is noticed', async () => {
  const client = await pooler.connect();
  await client.query("SET search_path = 'elsewhere'");
  await client.query({ name: 'one', text: 'SELECT 1' });
  expect(await pooler.countLeftovers()).toBe(2);
});
