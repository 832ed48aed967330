import type { Logger } from './core/environment.ts';

/**
 * Where a `usage` keeps what our own commands use of it beside its methods. Of every copy of the package the same: the app's
 * may be another one than the command's.
 */
export const COMMAND_ACCESS = Symbol.for('tallybook.command_access');

/** Not for apps: it changes without notice. */
export interface CommandAccess {
  /** Runs something whose error the command prints: beside it, only an `onError` of the app's own is told. */
  printing<Result>(run: () => Promise<Result>): Promise<Result>;
  /** @throws UsageError `invalid_configuration` where Stripe is configured, and its package is not installed. */
  requireStripe(): Promise<void>;
  /** Logs there from now on, where the app has set no logger. */
  logTo(logger: Logger): void;
}
