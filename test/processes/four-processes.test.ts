import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createUsage } from '../../src/index.ts';
import { diskDirectory } from '../support/folders.ts';
import type { BusyWriterResult } from './busy-writer.ts';
import { checkLedger, sum } from './ledger-check.ts';
import { startProgram } from './programs.ts';

const PROCESSES = 4;
const REPORTING_PROCESSES = 2;
const KEYED_CALLS_PER_PROCESS = 16 * 200;

test('the sum over all reports is what four processes were told was recorded, while reports close', async () => {
  const path = join(diskDirectory(), 'usage.db');
  const since = Date.now();
  const programs = Array.from({ length: PROCESSES }, (_, index) => {
    const args = [`--database=${path}`, `--since=${since}`];
    return startProgram('./busy-writer.ts', index < REPORTING_PROCESSES ? [...args, '--reports'] : args);
  });
  const ends = await Promise.all(programs.map(({ ended }) => ended));
  expect(ends).toEqual(programs.map(() => ({ code: 0, stderr: '' })));
  const results = programs.map(({ lines }): BusyWriterResult => JSON.parse(lines[0] ?? ''));
  expect(results.flatMap(({ errors }) => errors)).toEqual([]);

  const { reports, events, problems } = checkLedger(path);
  expect(problems).toEqual([]);
  const recorded = (account: string) => sum(results.map((result) => result.recorded[account] ?? 0));
  const usage = createUsage({ database: { path }, meters: { credits: {} } });
  for (const account of new Set(reports.map(({ account_id }) => account_id))) {
    const own = reports.filter(({ account_id }) => account_id === account);
    expect(sum(own.map(({ quantity }) => quantity))).toBe(recorded(account));
    const range = { period_start: new Date(since - 1), period_end: new Date(since + 3_650 * 86_400_000) };
    expect((await usage.get({ account, ...range })).quantity).toBe(recorded(account));
  }
  await usage.close();
  const keys = events.flatMap(({ idempotency_key }) => idempotency_key ?? []);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).toHaveLength(KEYED_CALLS_PER_PROCESS);
  expect(sum(results.map(({ duplicates }) => duplicates))).toBe((PROCESSES - 1) * KEYED_CALLS_PER_PROCESS);
  expect(sum(results.map(({ closed_reports }) => closed_reports))).toBeGreaterThan(20);
}, 120_000);
