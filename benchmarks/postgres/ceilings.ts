import { verifyTotals } from './accounts.ts';
import { captureBatches } from './captured-batches.ts';
import type { BenchmarkDatabase, BenchmarkServer } from './server.ts';

/** What the same server can do at most, without our process and the way to it. */
export interface CeilingResult {
  readonly calls: number;
  readonly per_second: number;
}

const SECOND_MS = 1_000;

/** A database to copy for {@link runInServer}. */
export async function createBatches(
  server: BenchmarkServer,
  template: BenchmarkDatabase,
  accounts: readonly string[],
  batches: number,
): Promise<BenchmarkDatabase> {
  const database = await server.createDatabase(template);
  await captureBatches(database, accounts, batches);
  await database.query(CREATE_PROCEDURE);
  await database.settle();
  return database;
}

/** Each batch is a transaction of its own. Ends early where there are no more batches. */
const CREATE_PROCEDURE = `
  CREATE PROCEDURE record_batches(duration_ms integer, INOUT next_batch bigint, INOUT elapsed_ms float8)
  LANGUAGE plpgsql AS $$
  DECLARE
    started_at constant timestamptz := clock_timestamp();
    record_usage text;
  BEGIN
    LOOP
      elapsed_ms := extract(epoch FROM clock_timestamp() - started_at) * 1000;
      EXIT WHEN elapsed_ms >= duration_ms;
      SELECT statement INTO record_usage FROM captured_batch WHERE batch = next_batch;
      EXIT WHEN NOT FOUND;
      EXECUTE record_usage;
      COMMIT;
      next_batch := next_batch + 1;
    END LOOP;
  END $$`;

/** What our process sends for keyed increments, run by one connection's server process in a loop. */
export async function runInServer(
  database: BenchmarkDatabase,
  { opened, warm_up_ms, duration_ms }: { opened: number; warm_up_ms: number; duration_ms: number },
): Promise<CeilingResult> {
  await database.settle();
  const warmUp = await recordBatches(database, 1, warm_up_ms);
  const before = await countKeys(database);
  const { elapsed_ms } = await recordBatches(database, warmUp.next_batch, duration_ms);
  const keys = await countKeys(database);
  await verifyTotals(database, { quantity: opened + keys, keys });
  const calls = keys - before;
  return { calls, per_second: (calls / elapsed_ms) * SECOND_MS };
}

async function recordBatches(
  database: BenchmarkDatabase,
  first: number,
  duration_ms: number,
): Promise<{ next_batch: number; elapsed_ms: number }> {
  const [row] = await database.query('CALL record_batches($1, $2, 0)', [duration_ms, first]);
  return { next_batch: Number(row?.['next_batch']), elapsed_ms: Number(row?.['elapsed_ms']) };
}

async function countKeys(database: BenchmarkDatabase): Promise<number> {
  const [row] = await database.query('SELECT count(*)::float8 AS keys FROM tallybook.usage_key');
  return Number(row?.['keys']);
}

const LEDGER_COLUMNS =
  'account_id, meter, report_id, quantity, occurred_at, recorded_at, idempotency_key, properties';

/**
 * The newest rows of another database's ledger copied into this one's, which has the same partitions and indexes:
 * neither keys are claimed nor reports added to.
 */
export async function runCopy(
  database: BenchmarkDatabase,
  { from, opened, rows }: { from: BenchmarkDatabase; opened: number; rows: number },
): Promise<CeilingResult> {
  const [setting] = await database.query(`SELECT current_setting('data_directory') AS folder`);
  const file = `${setting?.['folder']}/${database.name}.copy`;
  await from.query(`COPY (SELECT ${LEDGER_COLUMNS} FROM tallybook.usage_event WHERE idempotency_key IS NOT NULL
    ORDER BY event_id DESC LIMIT ${rows}) TO '${file}'`);
  await database.settle();
  const started_at = performance.now();
  await database.query(`COPY tallybook.usage_event (${LEDGER_COLUMNS}) FROM '${file}'`);
  const elapsed_ms = performance.now() - started_at;
  await database.query(`COPY (SELECT) TO PROGRAM 'rm "${file}"'`);
  const [row] = await database.query(`SELECT sum(quantity)::float8 AS total FROM tallybook.usage_event`);
  const copied = Number(row?.['total']) - opened;
  if (copied !== rows) throw new Error(`COPY wrote ${copied} of ${rows} rows.`);
  return { calls: rows, per_second: (rows / elapsed_ms) * SECOND_MS };
}
