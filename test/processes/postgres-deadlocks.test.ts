import { expect, test } from 'vitest';
import { postgresDeadlocks } from './postgres-deadlocks.ts';

const SECONDS = 5;

test('processes that record, seal, roll up and move usage of the same accounts never wait in a circle', async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`replay: node test/processes/postgres-deadlocks.ts --seconds ${SECONDS} --seed ${seed}`);
  const { counts, deadlocks, problems } = await postgresDeadlocks({ seconds: SECONDS, seed });
  expect(deadlocks).toEqual([]);
  expect(problems).toEqual([]);
  expect(counts['calls']).toBeGreaterThan(1_000);
  for (const count of ['committed_transactions', 'closed_reports', 'subscription_changes']) {
    expect(counts[count]).toBeGreaterThan(20);
  }
}, 90_000);
