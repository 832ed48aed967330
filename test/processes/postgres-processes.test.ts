import { expect, onTestFinished, test } from 'vitest';
import { createDatabase } from '../support/postgres/databases.ts';
import { postgresProcesses } from './postgres-processes.ts';

const INCREMENTS = 100_000;

test('the sum over all reports is what 64 callers in four processes were told was recorded, while reports close', async () => {
  const { url, drop } = await createDatabase();
  onTestFinished(drop);
  const { totals, duplicates, problems } = await postgresProcesses({ url, increments: INCREMENTS });
  expect(problems).toEqual([]);
  expect(duplicates).toBeGreaterThan(INCREMENTS / 5);
  expect(totals.deadlocks).toBe(0);
  expect(totals.closed_reports).toBeGreaterThan(100);
}, 180_000);
