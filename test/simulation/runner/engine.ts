import { createDatabase } from '../../support/postgres/databases.ts';
import { PostgresDatabases } from '../database/postgres-database.ts';
import type { SimulationDatabase } from '../database/simulation-database.ts';
import { openSqliteDatabase } from '../database/sqlite-database.ts';

export type EngineName = 'sqlite' | 'postgres';

/** Where schedules get their databases from. */
export interface Engine {
  open(): Promise<SimulationDatabase>;
  close(): Promise<void>;
}

/** PostgreSQL: a new database on the server that tests share, or that `DATABASE_URL` names. */
export async function openEngine(name: EngineName): Promise<Engine> {
  if (name === 'sqlite') return { open: openSqliteDatabase, close: async () => {} };
  const database = await createDatabase();
  const databases = new PostgresDatabases(database.url);
  return {
    open: async () => databases.open(),
    close: async () => {
      await databases.close();
      await database.drop();
    },
  };
}
