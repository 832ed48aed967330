import { sql as drizzleSql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import type { AppTransaction } from '../../../src/index.ts';

/** A transaction of the app, as one of the libraries has it. */
export interface OpenTransaction {
  readonly transaction: AppTransaction;
  query(sql: string): Promise<unknown>;
  /** Runs work that is undone, without ending the transaction, when it throws. */
  savepoint(work: (inner: AppTransaction) => Promise<unknown>): Promise<unknown>;
}

/** Commits when the work is done and rolls back when it throws. */
type RunInTransaction = (pool: Pool, work: (open: OpenTransaction) => Promise<unknown>) => Promise<unknown>;

export const inPg: RunInTransaction = async (pool, work) => {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await work(ofPg(client));
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
};

function ofPg(client: PoolClient): OpenTransaction {
  return {
    transaction: client,
    query: (sql) => client.query(sql),
    savepoint: async (work) => {
      await client.query('SAVEPOINT inside');
      try {
        await work(client);
      } catch (error) {
        await client.query('ROLLBACK TO SAVEPOINT inside');
        throw error;
      }
    },
  };
}

const inKysely: RunInTransaction = (pool, work) =>
  kyselyOn(pool)
    .transaction()
    .execute(async (transaction) => {
      const query = (sql: string) => transaction.executeQuery(CompiledQuery.raw(sql));
      await work({ transaction, query, savepoint: (inner) => savepointOf(transaction, query, inner) });
    });

async function savepointOf(
  transaction: Transaction<unknown>,
  query: (sql: string) => Promise<unknown>,
  work: (inner: AppTransaction) => Promise<unknown>,
): Promise<void> {
  await query('SAVEPOINT inside');
  try {
    await work(transaction);
  } catch (error) {
    await query('ROLLBACK TO SAVEPOINT inside');
    throw error;
  }
}

/** Kysely's other way: the app itself commits. */
const inControlledKysely: RunInTransaction = async (pool, work) => {
  const transaction = await kyselyOn(pool).startTransaction().execute();
  try {
    await work({
      transaction,
      query: (sql) => transaction.executeQuery(CompiledQuery.raw(sql)),
      savepoint: async (inner) => {
        const saved = await transaction.savepoint('inside').execute();
        try {
          await inner(saved);
        } catch (error) {
          await saved.rollbackToSavepoint('inside').execute();
          throw error;
        }
      },
    });
    await transaction.commit().execute();
  } catch (error) {
    await transaction.rollback().execute();
    throw error;
  }
};

const inDrizzle: RunInTransaction = (pool, work) =>
  drizzleOn(pool).transaction((transaction) =>
    work({
      transaction,
      query: (sql) => transaction.execute(drizzleSql.raw(sql)),
      savepoint: (inner) => transaction.transaction((nested) => inner(nested)),
    }),
  );

export function kyselyOn(pool: Pool): Kysely<unknown> {
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}

export function drizzleOn(pool: Pool): NodePgDatabase {
  return drizzle({ client: pool });
}

export const LIBRARIES: readonly (readonly [string, RunInTransaction])[] = [
  ['a pg client', inPg],
  ['a Kysely transaction', inKysely],
  ['a controlled Kysely transaction', inControlledKysely],
  ['a Drizzle transaction', inDrizzle],
];
