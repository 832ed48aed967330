import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { createUsage } from '../../src/index.ts';
import { uuidVersion7 } from '../../src/system-environment.ts';
import { picker } from '../measuring/picker.ts';
import type { BenchmarkDatabase } from './server.ts';
import { type Query, watchedPool } from './watched-pool.ts';

const CALLERS = 4_096;
/** Twice as many as should be needed. */
const MAX_CALLS_PER_BATCH = 1_000;
const ROWS_PER_INSERT = 50;

/**
 * Lets 4,096 callers make keyed increments, and keeps what our process would send to the server, word for word, in the
 * table `captured_batch`.
 */
export async function captureBatches(
  database: BenchmarkDatabase,
  accounts: readonly string[],
  batches: number,
): Promise<void> {
  const captured: string[] = [];
  const pool = database.openPool();
  const watched = watchedPool(pool, async (query, ask) => {
    if (!query.text.includes('record_usage(')) return await ask();
    captured.push(withLiterals(query));
    await setImmediate(); // as an answer comes: in a turn of the event loop of its own
    return { rows: [{ outcomes: '' }], rowCount: 1 }; // all were recorded
  });
  const usage = createUsage({ database: watched, meters: { credits: {} } });
  const pick = picker(accounts);
  const max_calls = Math.ceil((batches * MAX_CALLS_PER_BATCH) / CALLERS);
  async function callAgainAndAgain(): Promise<void> {
    for (let calls = 0; captured.length < batches && calls < max_calls; calls += 1) {
      await usage.increment({ account: pick(), idempotency_key: uuidVersion7(Date.now()) });
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, callAgainAndAgain));
  await usage.close();
  await pool.end();
  if (captured.length < batches) throw new Error('Our process no longer sends what is looked for here.');
  await keep(database, captured);
}

function withLiterals({ text, values = [] }: Query): string {
  return text.replace(/\$(\d+)/g, (_, number) => {
    const value = values[number - 1];
    return value === null ? 'NULL' : pg.escapeLiteral(String(value));
  });
}

async function keep(database: BenchmarkDatabase, statements: readonly string[]): Promise<void> {
  await database.query('CREATE TABLE captured_batch (batch bigserial PRIMARY KEY, statement text NOT NULL)');
  // So that reading a batch is not unpacking it.
  await database.query('ALTER TABLE captured_batch ALTER statement SET STORAGE EXTERNAL');
  for (let at = 0; at < statements.length; at += ROWS_PER_INSERT) {
    const some = statements.slice(at, at + ROWS_PER_INSERT);
    await database.query('INSERT INTO captured_batch (statement) SELECT unnest($1::text[])', [some]);
  }
}
