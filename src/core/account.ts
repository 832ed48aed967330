import type { Instant } from './environment.ts';
import { UsageError } from './errors.ts';

/** The customer who is billed, as the store keeps it. */
export interface Account {
  /** The app's own id of the account. */
  readonly account_id: string;
  /** Name of the plan in the configuration; null = none set. */
  readonly plan: string | null;
  /** Stripe customer that no other account has; null = not linked, usage waits. */
  readonly stripe_customer: string | null;
  /** A whole second; the account's own months are anchored here until a subscription bills it. */
  readonly created_at: Instant;
  /** When its subscriptions were last read from Stripe; null = never since it was linked. */
  readonly synced_at: Instant | null;
  /** When its subscriptions are to be read again; null = when there is something to send. */
  readonly sync_due_at: Instant | null;
  /** Since when a change of its subscription is under way; null = none is. */
  readonly change_requested_at: Instant | null;
}

const MAX_ID_LENGTH = 255;
const COMMON_ID = /^[\w.:@/-]{1,255}$/;
/** Control characters, line and paragraph separators, and the characters that reorder text on screen. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;

/**
 * The app's id of an account: any readable text of 1 to 255 characters, taken literally (no trimming, no Unicode
 * normalisation).
 *
 * @throws UsageError `invalid_account`.
 */
export function parseAccountId(value: unknown): string {
  if (isReadableId(value)) return value;
  throw new UsageError('invalid_account', { field: 'account', value });
}

/** Whether a value can be an id or a key that people will meet again in logs and on screens. */
export function isReadableId(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  if (COMMON_ID.test(value)) return true;
  return value.length >= 1 && value.length <= MAX_ID_LENGTH && isReadable(value);
}

/** Whether a text of any length shows on a screen as what it is. */
export function isReadable(text: string): boolean {
  return text.trim() === text && text.isWellFormed() && !UNPRINTABLE.test(text);
}

/** @throws UsageError `invalid_stripe_customer`. */
export function parseStripeCustomer(value: unknown): string {
  if (typeof value === 'string' && /^cus_\w{1,250}$/.test(value)) return value;
  throw new UsageError('invalid_stripe_customer', { field: 'stripe_customer', value });
}
