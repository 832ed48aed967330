import type { Store } from '../../../src/core/store.ts';
import type { AppTransaction, DatabaseOptions } from '../../../src/index.ts';

export type Row = Record<string, unknown>;
/** The tables that are read from outside. */
export type TableName = 'usage' | 'usage_event' | 'subscription_change';
export type Ending = 'COMMIT' | 'ROLLBACK';
type Work<Result> = (transaction: AppTransaction) => Promise<Result>;

/** The database of one schedule, also read from outside of the product. */
export interface SimulationDatabase {
  readonly options: DatabaseOptions;
  /** Opens the product's own store for a process in less time than it does by itself; null = there is no such way. */
  readonly openStore: null | ((environment: { uuid(): string }) => Store);
  /** The rows of a table, in the order of their keys. */
  rows(table: TableName): Promise<Row[]>;
  /** The report that has the identifier. */
  reportWith(identifier: string): Promise<Row | undefined>;
  /** Runs work in a transaction of the app; null = the engine cannot. */
  readonly transact: null | (<Result>(ending: Ending, work: Work<Result>) => Promise<Result>);
  /** Copies everything while nothing is under way; null = the engine cannot. */
  readonly backUp: null | (() => void);
  /** Puts the last copy in place while no process has the database open. */
  readonly restore: null | (() => void);
  close(): Promise<void>;
}
