import { CompiledQuery } from 'kysely';
import { UsageError } from '../../core/errors.ts';
import type { RecordInTransactionParams, Store, TransactionOutcome } from '../../core/store.ts';
import { type MonthsContext, monthKeeper } from './ledger-months.ts';

const OUTCOMES: Readonly<Record<string, TransactionOutcome>> = {
  r: 'recorded',
  d: 'duplicate',
  c: 'conflict',
};

/** Records in transactions of the app. The month is made before: what fails in there aborts the app's transaction. */
export function createTransactionPath(context: MonthsContext): Store['recordInTransaction'] {
  const ensureMonth = monthKeeper(context);
  return async (params) => {
    await ensureMonth(params.recorded_at);
    return await recordInTransaction(context.schema, params);
  };
}

/**
 * Records one increment in a transaction of the app, with whatever the app reaches its database: a `pg` client, a
 * Kysely transaction or a Drizzle transaction.
 *
 * @throws UsageError `invalid_transaction`; what the database throws is passed on as it is, since the app's
 * transaction is then aborted.
 */
async function recordInTransaction(
  schema: string,
  { transaction, recorded_at, entry }: RecordInTransactionParams,
): Promise<TransactionOutcome> {
  // A timestamp ahead is the time of recording here: the report that takes it, and its end, are not known yet.
  const occurred_at = Math.min(entry.occurred_at ?? recorded_at, recorded_at);
  const outcome = await runIn(transaction, statement(schema, recorded_at, { ...entry, occurred_at }));
  const known = OUTCOMES[String(outcome)];
  if (!known) throw new Error('The database answered something unknown.');
  return known;
}

/** Values as hexadecimal digits, so that the statement needs no parameters: libraries differ in how they take them. */
function statement(schema: string, recorded_at: number, entry: object): string {
  const hex = Buffer.from(JSON.stringify(entry), 'utf8').toString('hex');
  return `SELECT ${schema}.record_in_transaction(${recorded_at}, convert_from(decode('${hex}', 'hex'), 'UTF8')::json) AS outcome`;
}

async function runIn(transaction: unknown, text: string): Promise<unknown> {
  if (isKysely(transaction)) return outcomeOf(await transaction.executeQuery(CompiledQuery.raw(text)));
  if (isDrizzle(transaction)) return outcomeOf(await transaction.execute(text));
  if (isClient(transaction)) return outcomeOf(await transaction.query(text));
  throw new UsageError('invalid_transaction', { field: 'transaction' });
}

function isKysely(value: unknown): value is Methods<'executeQuery'> {
  return has(value, 'executeQuery') && 'isTransaction' in value && value.isTransaction === true;
}

/** Its database, which is not a transaction, cannot roll back. */
function isDrizzle(value: unknown): value is Methods<'execute'> {
  return has(value, 'execute') && has(value, 'rollback');
}

/** A pool would take any connection: it counts them, a client does not. */
function isClient(value: unknown): value is Methods<'query'> {
  return has(value, 'query') && !('totalCount' in value);
}

type Methods<Name extends string> = Record<Name, (argument: unknown) => Promise<unknown>>;

function has<Name extends string>(value: unknown, name: Name): value is Methods<Name> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
}

/** `pg` and Drizzle's node-postgres answer with `{ rows }`, as Kysely does; Drizzle's postgres-js with the rows. */
function outcomeOf(result: unknown): unknown {
  const rows = Array.isArray(result) ? result : (result as { rows?: unknown[] } | null)?.rows;
  const [row] = rows ?? [];
  return (row as { outcome?: unknown } | undefined)?.outcome;
}
