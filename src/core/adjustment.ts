import { isReadableId, parseAccountId } from './account.ts';
import type { Instant } from './environment.ts';
import { UsageError } from './errors.ts';
import type { DateInput } from './instant.ts';
import { type Meters, parseMeter } from './meter.ts';
import { parseAdjustedQuantity } from './quantity.ts';
import { type Increment, parseFields, parseIdempotencyKey, parseTimestamp } from './usage-event.ts';

/** Parameters of `usage.adjust`. */
export interface AdjustParams<Meter extends string = string> {
  /** The app's own id of the account, which must be known. */
  readonly account: string;
  /** Name of the meter. Default: the only meter, or `default_meter`. */
  readonly meter?: Meter | undefined;
  /** Units to add or, negative, to take back: a whole number of at most 15 digits, not 0. */
  readonly quantity: number;
  /** Why, for whoever reads the ledger: 1 to 500 characters. */
  readonly reason: string;
  /** Who decided it, such as a person's or a program's name: 1 to 255 characters. Default: nobody is named. */
  readonly actor?: string | undefined;
  /** Counts repeated calls with the same key (per account and meter, increments included) once, for at least 35 days. */
  readonly idempotency_key?: string | undefined;
  /** When the corrected usage was: at most 35 days ago and 5 minutes ahead. Default: when it is recorded. */
  readonly timestamp?: DateInput | undefined;
}

const ADJUST_FIELDS = new Set([
  'account',
  'meter',
  'quantity',
  'reason',
  'actor',
  'idempotency_key',
  'timestamp',
]);
const MAX_REASON_LENGTH = 500;
/** Line breaks and tabs are part of a text; other control characters and those that reorder text are not. */
const UNREADABLE = /[^\P{Cc}\n\t]|[\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;

/**
 * Checks the parameters of an adjustment, which is recorded as an increment whose quantity may be negative.
 *
 * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_quantity`, `invalid_reason`,
 * `invalid_actor`, `invalid_idempotency_key`, `invalid_timestamp`, `invalid_parameter`.
 */
export function parseAdjustment(params: unknown, meters: Meters, now: Instant): Increment {
  const fields = parseFields(params, ADJUST_FIELDS);
  return {
    account_id: parseAccountId(fields['account']),
    meter: parseMeter(fields['meter'], meters),
    quantity: parseAdjustedQuantity(fields['quantity']),
    idempotency_key: parseIdempotencyKey(fields['idempotency_key']),
    occurred_at: parseTimestamp(fields['timestamp'], now),
    properties: JSON.stringify({
      adjustment: { actor: parseActor(fields['actor']), reason: parseReason(fields['reason']) },
    }),
  };
}

/** Why somebody decided something: kept for good. @throws UsageError `invalid_reason`. */
export function parseReason(value: unknown): string {
  if (
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= MAX_REASON_LENGTH &&
    value.isWellFormed() &&
    !UNREADABLE.test(value)
  ) {
    return value;
  }
  throw new UsageError('invalid_reason', { field: 'reason', value });
}

/** Who decided it; null = it was not said. @throws UsageError `invalid_actor`. */
export function parseActor(value: unknown): string | null {
  if (value === undefined) return null;
  if (isReadableId(value)) return value;
  throw new UsageError('invalid_actor', { field: 'actor', value });
}

/** Two usage events that move a negative remainder from one report to the one that follows it. */
export interface CarriedForward {
  /** The report whose billing period came out negative; it has the event with the positive quantity. */
  readonly from_report: number;
  /** The report that has the event with the negative quantity. */
  readonly to_report: number;
}

/** What a usage event is, beyond its quantity. */
export type EventOrigin =
  | { readonly kind: 'increment'; readonly properties: string | null }
  /** `actor`: null = nobody is named. */
  | { readonly kind: 'adjustment'; readonly reason: string; readonly actor: string | null }
  | ({ readonly kind: 'carried_forward' } & CarriedForward);

/** The `properties` of an event that carries a negative remainder forward. */
export function carriedForwardProperties({ from_report, to_report }: CarriedForward): string {
  return JSON.stringify({ carried_forward: { from_report, to_report } });
}

/**
 * Tells adjustments and what is carried forward from increments by their `properties` in the ledger. An app's own are
 * flat, so that nothing an increment attaches looks like these, whatever its keys are.
 */
export function originOf(properties: string | null): EventOrigin {
  const { adjustment, carried_forward } = properties === null ? {} : JSON.parse(properties);
  if (isObject(adjustment))
    return { kind: 'adjustment', ...(adjustment as Pick<Adjusted, 'reason' | 'actor'>) };
  if (isObject(carried_forward)) return { kind: 'carried_forward', ...(carried_forward as CarriedForward) };
  return { kind: 'increment', properties };
}

type Adjusted = Extract<EventOrigin, { kind: 'adjustment' }>;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
