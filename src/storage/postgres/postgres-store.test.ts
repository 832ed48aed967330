import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { adminQuery, createDatabase } from '../../../test/support/postgres/databases.ts';
import { HOUR_MS, MINUTE_MS } from '../../core/instant.ts';
import { systemEnvironment, uuidVersion7 } from '../../system-environment.ts';
import { testStore } from '../../testing/store-suite.ts';
import { createPostgresStore } from './postgres-store.ts';

const uuid = () => uuidVersion7(Date.now());

describe('PostgreSQL', () => {
  testStore({
    test,
    uuid,
    open: async () => {
      const database = await createDatabase();
      onTestFinished(() => database.drop());
      return createPostgresStore({
        server: { url: database.url },
        environment: { ...systemEnvironment(), uuid },
      });
    },
  });
});

test('a repeated write counts once although an app whose clock is an hour ahead writes between', async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const open = (ahead_ms: number) => {
    const clock = { ...systemEnvironment().clock, now: () => Date.now() + ahead_ms };
    const store = createPostgresStore({
      server: { url: database.url },
      environment: { ...systemEnvironment(), clock },
    });
    onTestFinished(() => store.close());
    return store;
  };
  const entry = {
    account_id: 'a',
    meter: 'credits',
    quantity: 1,
    occurred_at: null,
    idempotency_key: null,
    content: null,
    properties: null,
  };
  const write = (ahead_ms = 0) => ({
    flush_id: uuid(),
    recorded_at: Date.now() + ahead_ms,
    entries: [entry],
  });
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  await open(0).recordUsage(write());
  const lost = write();
  await open(0).recordUsage(lost);
  const ahead = open(HOUR_MS);
  await ahead.recordUsage(write(HOUR_MS));
  vi.advanceTimersByTime(2 * MINUTE_MS);
  await ahead.recordUsage(write(HOUR_MS));
  await vi.waitFor(async () => {
    const [row] = await adminQuery(database.url, PRUNINGS);
    expect(row?.['prunings']).toBe(1);
  });
  await open(0).recordUsage(lost);
  const [row] = await adminQuery(database.url, 'SELECT sum(quantity)::integer AS sum FROM tallybook.usage');
  expect(row).toEqual({ sum: 4 });
});

/** Statements that drop the ids of old flushes, as the server has seen them finish. */
const PRUNINGS = `SELECT count(*)::integer AS prunings FROM pg_stat_activity
  WHERE datname = current_database() AND query LIKE 'DELETE FROM %usage_flush%' AND state = 'idle'`;
