import {
  type ConnectionOptions,
  connectTo,
  type SqliteConnection,
} from '../../../src/storage/sqlite/connection.ts';
import { SqliteDatabase } from '../../../src/storage/sqlite/database.ts';

/**
 * Connections to one file that processes of the app have left. A process that begins takes one of them where there is
 * one: it holds nothing but compiled statements, and compiling them takes as long as a tenth of a schedule.
 */
export class IdleConnections {
  readonly #idle = { true: [] as SqliteDatabase[], false: [] as SqliteDatabase[] };
  #isClosed = false;

  connect({ path, readonly }: ConnectionOptions): SqliteConnection {
    const database = this.#idle[`${readonly}`].pop() ?? new SqliteDatabase(path, { readonly });
    return { ...connectTo(database), close: async () => this.#leave(database, readonly) };
  }

  /** Closes those that are left, and from now on each that is. */
  close(): void {
    this.#isClosed = true;
    for (const database of [...this.#idle.true.splice(0), ...this.#idle.false.splice(0)]) database.close();
  }

  /** As closing it would, it undoes what was not committed. */
  #leave(database: SqliteDatabase, readonly: boolean): void {
    database.rollback();
    if (this.#isClosed) database.close();
    else this.#idle[`${readonly}`].push(database);
  }
}
