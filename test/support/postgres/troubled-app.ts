import { inspect } from 'node:util';
import { Pool } from 'pg';
import { expect, onTestFinished, vi } from 'vitest';
import { createUsage, type DatabaseOptions, type Logger, UsageError } from '../../../src/index.ts';
import { adminQuery } from './databases.ts';

/** A password that is in no error, whatever happens. */
export const SECRET = 'correct-horse-battery-staple';
export const RECORDED = { recorded: true, duplicate: false };
export const LOCK_REPORTS = 'SELECT 1 FROM tallybook.usage FOR UPDATE';
export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Vitest's `onTestFinished`: tests that run at the same time have one each. */
export type Finish = (run: () => Promise<void>) => void;

/** The product, which a test never starts again. */
export function open(database: DatabaseOptions, finish: Finish = onTestFinished, logger: Logger = silent) {
  const usage = createUsage({ database, meters: { credits: {} }, onError: () => {}, logger });
  finish(() => usage.close());
  return usage;
}

export async function quantityOf(usage: ReturnType<typeof open>): Promise<number> {
  return (await usage.get({ account: 'a' })).quantity;
}

export interface Failure {
  readonly error: UsageError;
  readonly took_ms: number;
}

/** The typed error that a call ends with. Whatever is shown of it has no password. */
export async function failureOf(call: Promise<unknown>, url?: string): Promise<Failure> {
  const startedAt = performance.now();
  const error = await call.then(
    () => new Error('The call succeeded.'),
    (reason: unknown) => reason,
  );
  const took_ms = performance.now() - startedAt;
  if (!(error instanceof UsageError)) throw error;
  const shown = [error.stack, JSON.stringify(error), inspect(error, { depth: 20 })].join('\n');
  const passwords = url === undefined ? [SECRET] : [SECRET, new URL(url).password];
  for (const password of passwords) expect(shown).not.toContain(password);
  return { error, took_ms };
}

/** A transaction of somebody else that holds a lock. @returns what ends it. */
export async function lock(
  url: string,
  sql: string,
  finish: Finish = onTestFinished,
): Promise<() => Promise<void>> {
  const pool = new Pool({ connectionString: url, max: 1 });
  pool.on('error', () => {});
  const client = await pool.connect();
  client.on('error', () => {});
  let isHeld = true;
  const release = async () => {
    if (!isHeld) return;
    isHeld = false;
    client.release(true);
    await pool.end();
  };
  finish(release);
  await client.query('BEGIN');
  await client.query(sql);
  return release;
}

/** Resolves when a statement waits for a lock. */
export async function whenWaiting(url: string): Promise<void> {
  const sql = `SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  // Not `expect.poll`, which tests that run at the same time cannot use.
  await vi.waitFor(async () => expect(await adminQuery(url, sql)).not.toHaveLength(0), {
    timeout: 10_000,
    interval: 20,
  });
}
