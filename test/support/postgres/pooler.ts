import { Client, type QueryConfig, type QueryResult } from 'pg';

/**
 * A pool as an app has it behind a pooler in transaction mode: every transaction, and every statement outside of one,
 * goes to any of a few connections, so that nothing can be relied on that a session remembers.
 */
export interface PooledDatabase {
  connect(): Promise<PooledClient>;
  query(query: string | QueryConfig): Promise<QueryResult>;
  end(): Promise<void>;
  /** How often a client came to another connection than the time before. */
  readonly switches: number;
  /** What the sessions remember in the end: prepared statements, settings, locks and cursors. */
  countLeftovers(): Promise<number>;
}

export interface PooledClient {
  query(query: string | QueryConfig): Promise<QueryResult>;
  release(): void;
}

const CONNECTIONS = 4;
const LEFTOVERS = `SELECT (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM pg_cursors)
  + (SELECT count(*) FROM pg_settings WHERE source = 'session')
  + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS count`;

export async function startPooler(url: string): Promise<PooledDatabase> {
  const connections = Array.from({ length: CONNECTIONS }, () => new Client({ connectionString: url }));
  await Promise.all(connections.map((connection) => connection.connect()));
  const idle = [...connections];
  const waiting: ((connection: Client) => void)[] = [];
  let switches = 0;

  async function take(last: Client | null): Promise<Client> {
    // Another one than the time before, wherever one is free.
    const others = idle.filter((connection) => connection !== last);
    const found = others[Math.floor(Math.random() * others.length)] ?? idle[0];
    if (found) idle.splice(idle.indexOf(found), 1);
    const connection = found ?? (await new Promise<Client>((resolve) => waiting.push(resolve)));
    if (last && last !== connection) switches += 1;
    return connection;
  }

  function give(connection: Client): void {
    const next = waiting.shift();
    if (next) next(connection);
    else idle.push(connection);
  }

  function createClient(): PooledClient {
    let last: Client | null = null;
    /** The connection of the transaction that the client is in. */
    let pinned: Client | null = null;
    return {
      query: async (query) => {
        const connection: Client = pinned ?? (await take(last));
        last = connection;
        try {
          return await connection.query(query);
        } finally {
          pinned = connection.getTransactionStatus() === 'I' ? null : connection;
          if (!pinned) give(connection);
        }
      },
      release: () => {
        if (pinned) throw new Error('A client came back in the middle of a transaction.');
      },
    };
  }

  return {
    connect: async () => createClient(),
    query: (query) => createClient().query(query),
    end: async () => {
      await Promise.all(connections.map((connection) => connection.end()));
    },
    get switches() {
      return switches;
    },
    countLeftovers: async () => {
      let count = 0;
      for (const connection of connections) {
        const { rows } = await connection.query<{ count: string }>(LEFTOVERS);
        count += Number(rows[0]?.count);
      }
      return count;
    },
  };
}
