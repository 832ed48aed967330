import { CommitUnknownError } from '../../core/store.ts';

/** What is used of a `pg` pool: one of our own, or the app's. */
export interface PostgresPool {
  /** One that knows no callbacks may answer with a promise of the client. */
  connect(callback: (error: Error | undefined, client: PostgresClient | undefined) => void): unknown;
  end(): Promise<void>;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
}

export interface PostgresClient {
  query(query: PostgresQuery): Promise<PostgresResult>;
  /** @param destroy - true: the connection is closed and not used again. */
  release(destroy?: boolean): void;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
}

export interface PostgresQuery {
  readonly text: string;
  readonly values?: unknown[];
  readonly types?: { getTypeParser(oid: number, format?: string): (text: string) => unknown };
}

export interface PostgresResult {
  readonly rows: Record<string, unknown>[];
  readonly rowCount: number | null;
}

/** How long a call waits for a free connection. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** How long it waits for an answer; then the connection is given up. */
const ANSWER_TIMEOUT_MS = 30_000;

const READ_ONLY = '25006';

/** The server could not be reached, or had no connection left, so that nothing was asked of it. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  /** Whether the whole time that a call waits for a connection has passed. */
  get hasWaited(): boolean {
    return this.cause instanceof TimeoutError;
  }
}

class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/** A connection out of the pool, with every wait bounded. */
export class Session {
  readonly #client: PostgresClient;
  #isBroken = false;

  private constructor(client: PostgresClient) {
    this.#client = client;
    client.on?.('error', this.#onError);
  }

  /** @throws UnreachableError with the driver's error as its cause. */
  static async open(pool: PostgresPool): Promise<Session> {
    const opening = Session.#checkOut(pool);
    try {
      return await within(opening, CONNECT_TIMEOUT_MS, 'No connection became free');
    } catch (cause) {
      // Should it come after all, it goes back to the pool.
      opening.then((session) => session.release()).catch(() => {});
      throw new UnreachableError('The database could not be reached.', { cause });
    }
  }

  /**
   * By callback: a promise would tell of the client a moment after the pool has let go of it, and an error that the
   * server sent in between would find no listener and end the process.
   */
  static #checkOut(pool: PostgresPool): Promise<Session> {
    return new Promise((resolve, reject) => {
      const take = (client: PostgresClient | undefined) => client && resolve(new Session(client));
      const result = pool.connect((error, client) => (error ? reject(error) : take(client)));
      if (result instanceof Promise) result.then(take, reject);
    });
  }

  /** @throws CommitUnknownError when the connection broke before the answer came. */
  async query(text: string, values?: readonly unknown[]): Promise<PostgresResult> {
    // What was asked of it before is still without an answer; another question would wait behind it.
    if (this.#isBroken) throw new CommitUnknownError('The connection is broken.');
    const query = { text, types: TYPES, ...(values ? { values: [...values] } : {}) };
    try {
      return await within(this.#client.query(query), ANSWER_TIMEOUT_MS, 'The database did not answer');
    } catch (error) {
      const isAnswer = isFromServer(error) && !endsSession(error.code);
      // A replica, or a primary that has become one: the next connection may reach the one that is primary now.
      if (!isAnswer || error.code === READ_ONLY) this.#isBroken = true;
      if (isAnswer) throw error;
      throw new CommitUnknownError('The connection broke before the database answered.', { cause: error });
    }
  }

  release(): void {
    this.#client.off?.('error', this.#onError);
    this.#client.release(this.#isBroken);
  }

  /** A connection that breaks is told of by its queries; without a listener it would end the process. */
  readonly #onError = (): void => {
    this.#isBroken = true;
  };
}

/** An error that the server itself answered with; the system's own have a code too, and `EPIPE` looks like a SQLSTATE. */
export function isFromServer(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';
}

/**
 * 57P01 to 57P05, 25P03, 25P04: the server ends this connection, for a shutdown or after a time limit. Class 08: the
 * connection failed.
 */
function endsSession(code: string): boolean {
  return ['57P', '08', '25P03', '25P04'].some((start) => code.startsWith(start));
}

async function within<Value>(promise: Promise<Value>, ms: number, failure: string): Promise<Value> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TimeoutError(`${failure} within ${ms / 1_000} seconds.`)), ms);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

const BOOL = 16;
const INT8 = 20;
const INT4 = 23;
const NUMERIC = 1700;

/** Whole numbers as numbers, whatever parsers the app has set; ours stay below 2^53, and sums are checked. */
const TYPES = {
  getTypeParser(oid: number): (text: string) => unknown {
    if (oid === INT8 || oid === INT4 || oid === NUMERIC) return Number;
    if (oid === BOOL) return (text) => text === 't';
    return String;
  },
};
