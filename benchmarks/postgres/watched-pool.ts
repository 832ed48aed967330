import type { Pool, QueryResult } from 'pg';

export interface Query {
  readonly text: string;
  readonly values?: unknown[];
}

/** A pool that hands every query of the library to `run`, which may pass it on to the server. */
export function watchedPool(
  pool: Pool,
  run: (query: Query, ask: () => Promise<QueryResult>) => Promise<unknown>,
) {
  return {
    connect: async () => {
      const client = await pool.connect();
      return {
        query: (query: Query) => run(query, () => client.query(query)),
        release: () => client.release(),
      };
    },
    query: (text: string) => pool.query(text),
    end: () => pool.end(),
  };
}
