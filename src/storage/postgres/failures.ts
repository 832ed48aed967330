import { UsageError } from '../../core/errors.ts';
import { CommitUnknownError } from '../../core/store.ts';
import { isFromServer, UnreachableError } from './session.ts';

const UNIQUE_VIOLATION = '23505';
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';
const SERIALIZATION_FAILURE = '40001';

/** By SQLSTATE (postgresql.org, appendix A), two letters for a whole class. */
const REASONS: Readonly<Record<string, string>> = {
  '28': 'The database refused the login: check user, password and whether it demands TLS.',
  '3D': 'The database of that name does not exist.',
  '25006': 'The database is read-only, as a replica is; nothing of this call was recorded.',
  '53100': 'The disk of the database is full; nothing of this call was recorded.',
  '53300': 'The database has no connection left; nothing of this call was recorded.',
  '42501':
    'The database user lacks a permission; it must own the schema, or may create it on the first start.',
  '57014':
    'The database cancelled the statement because of its time limit; nothing of this call was recorded.',
};

/** What the driver or the server said, as the library's error. */
export function toUsageError(error: unknown): UsageError {
  if (error instanceof UsageError) return error;
  if (error instanceof CommitUnknownError) {
    const reason = 'The database stopped answering; the call may or may not have been recorded.';
    return new UsageError('storage_failed', { reason, cause: error });
  }
  if (error instanceof UnreachableError) {
    return new UsageError('storage_failed', { reason: reasonUnreachable(error), cause: error.cause });
  }
  if (!isFromServer(error)) return new UsageError('storage_failed', { cause: error });
  if (isCustomerTaken(error)) {
    return new UsageError('stripe_customer_taken', { field: 'stripe_customer', cause: error });
  }
  if ([LOCK_NOT_AVAILABLE, DEADLOCK, SERIALIZATION_FAILURE].includes(error.code)) {
    return new UsageError('storage_busy', { cause: error });
  }
  const reason = reasonOf(error);
  return new UsageError('storage_failed', reason === undefined ? { cause: error } : { reason, cause: error });
}

function reasonUnreachable({ cause, hasWaited }: UnreachableError): string {
  const said = isFromServer(cause) ? reasonOf(cause) : undefined;
  if (said !== undefined) return said;
  return hasWaited
    ? 'No connection became free in time: all of the pool are in use, or the database does not answer; nothing of this call was recorded.'
    : 'The database could not be reached; nothing of this call was recorded.';
}

function reasonOf({ code }: { code: string }): string | undefined {
  return REASONS[code] ?? REASONS[code.slice(0, 2)];
}

/** Two accounts were linked to one customer at the same time. */
function isCustomerTaken(error: Error & { code: string }): boolean {
  return (
    error.code === UNIQUE_VIOLATION && 'constraint' in error && error.constraint === 'account_stripe_customer'
  );
}
