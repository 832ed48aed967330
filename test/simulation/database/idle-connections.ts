import {
  type ConnectionOptions,
  connectTo,
  type SqliteConnection,
} from '../../../src/storage/sqlite/connection.ts';
import { SqliteDatabase } from '../../../src/storage/sqlite/database.ts';

/**
 * The connections of an app's processes to one file. A process that begins goes on with one that another has left, and
 * all of them read on the same one: what is kept are compiled statements, which take as long as a tenth of a schedule.
 */
export class IdleConnections {
  readonly #path: string;
  readonly #writers: SqliteDatabase[] = [];
  #reader: SqliteDatabase | null = null;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** A call of the store happens as a whole, so that nobody is in a transaction of another. */
  connect({ readonly }: ConnectionOptions): SqliteConnection {
    if (readonly) {
      this.#reader ??= new SqliteDatabase(this.#path, { readonly });
      return { ...connectTo(this.#reader), close: async () => {} };
    }
    const writer = this.#writers.pop() ?? new SqliteDatabase(this.#path, { readonly });
    return { ...connectTo(writer), close: async () => this.#leave(writer) };
  }

  /** Closes those that are left, and from now on each that is. */
  close(): void {
    this.#isClosed = true;
    this.#reader?.close();
    this.#reader = null;
    for (const writer of this.#writers.splice(0)) writer.close();
  }

  /** Undoes what was not committed, as closing it would. */
  #leave(writer: SqliteDatabase): void {
    writer.rollback();
    if (this.#isClosed) writer.close();
    else this.#writers.push(writer);
  }
}
