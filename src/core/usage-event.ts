import { isReadableId, parseAccountId } from './account.ts';
import type { Instant } from './environment.ts';
import { UsageError } from './errors.ts';
import { DAY_MS, type DateInput, MINUTE_MS, parseInstant } from './instant.ts';
import { type Meters, parseMeter } from './meter.ts';
import { parseQuantity } from './quantity.ts';

/** What an app may attach to an increment: a flat object, at most 50 entries and 8 KB as JSON. */
export type Properties = Readonly<Record<string, string | number | boolean | null>>;

/** Parameters of `usage.increment`. */
export interface IncrementParams<Meter extends string = string> {
  /** The app's own id of the account. An account that is not known yet is created. */
  readonly account: string;
  /** Name of the meter. Default: the only meter, or `default_meter`. */
  readonly meter?: Meter | undefined;
  /** Units used: a whole number from 0 to 999,999,999,999,999. Default: 1. 0 records nothing. */
  readonly quantity?: number | undefined;
  /** Counts repeated calls with the same key (per account and meter) once, for at least 35 days. */
  readonly idempotency_key?: string | undefined;
  /** When the units were used: at most 35 days ago and 5 minutes ahead. Default: when the increment is recorded. */
  readonly timestamp?: DateInput | undefined;
  /** Kept with the usage event. */
  readonly properties?: Properties | undefined;
}

/** An increment, or an adjustment, whose every field has been checked. */
export interface Increment {
  readonly account_id: string;
  readonly meter: string;
  /** From 0; of an adjustment, any but 0. */
  readonly quantity: number;
  /** null = every call counts. */
  readonly idempotency_key: string | null;
  /** null = when it is recorded. */
  readonly occurred_at: Instant | null;
  /** JSON with sorted keys; null = none. */
  readonly properties: string | null;
}

/** Stripe takes usage that is at most 35 days old (docs.stripe.com/api/billing/meter-event/create). */
export const MAX_AGE_MS = 35 * DAY_MS;
/** How far clocks may disagree; the same as Stripe's. */
const MAX_AHEAD_MS = 5 * MINUTE_MS;
const MAX_PROPERTIES = 50;
const MAX_PROPERTIES_LENGTH = 8_192;
const INCREMENT_FIELDS = new Set([
  'account',
  'meter',
  'quantity',
  'idempotency_key',
  'timestamp',
  'properties',
]);

/**
 * Checks the parameters of an increment.
 *
 * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_quantity`,
 * `invalid_idempotency_key`, `invalid_timestamp`, `invalid_properties`, `invalid_parameter`.
 */
export function parseIncrement(params: unknown, meters: Meters, now: Instant): Increment {
  const fields = parseFields(params, INCREMENT_FIELDS);
  return {
    account_id: parseAccountId(fields['account']),
    meter: parseMeter(fields['meter'], meters),
    quantity: parseQuantity(fields['quantity']),
    idempotency_key: parseIdempotencyKey(fields['idempotency_key']),
    occurred_at: parseTimestamp(fields['timestamp'], now),
    properties: parseProperties(fields['properties']),
  };
}

/**
 * The fields of a parameter object; unknown ones are refused, so that `quantitiy: 10` does not count 1.
 *
 * @throws UsageError `invalid_parameter`.
 */
export function parseFields(params: unknown, known: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw new UsageError('invalid_parameter', {
      field: 'params',
      value: params,
      reason: 'An object is expected.',
    });
  }
  for (const field of Object.keys(params)) {
    if (!known.has(field)) {
      throw new UsageError('invalid_parameter', { field, reason: `Known are ${[...known].join(', ')}.` });
    }
  }
  return params as Readonly<Record<string, unknown>>;
}

/** @throws UsageError `invalid_idempotency_key`. */
export function parseIdempotencyKey(value: unknown): string | null {
  if (value === undefined) return null;
  if (isReadableId(value)) return value;
  throw new UsageError('invalid_idempotency_key', { field: 'idempotency_key', value });
}

/** @throws UsageError `invalid_timestamp`. */
export function parseTimestamp(value: unknown, now: Instant): Instant | null {
  if (value === undefined) return null;
  const timestamp = parseInstant(value, 'timestamp', 'invalid_timestamp');
  if (timestamp >= now - MAX_AGE_MS && timestamp <= now + MAX_AHEAD_MS) return timestamp;
  throw new UsageError('invalid_timestamp', { field: 'timestamp', value });
}

function parseProperties(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) {
    throw invalidProperties(value);
  }
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, entry] of entries) {
    if (!key.isWellFormed() || key.includes('\0') || !isPropertyValue(entry)) throw invalidProperties(value);
  }
  const json = `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${JSON.stringify(entry)}`).join(',')}}`;
  if (entries.length > MAX_PROPERTIES || json.length > MAX_PROPERTIES_LENGTH) throw invalidProperties(value);
  return json;
}

function isPropertyValue(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  return (
    typeof value === 'boolean' || value === null || (typeof value === 'number' && Number.isFinite(value))
  );
}

function invalidProperties(value: unknown): UsageError {
  return new UsageError('invalid_properties', { field: 'properties', value });
}

/**
 * What must be equal when an idempotency key is used again. Properties are long, so their digest stands for them.
 */
export function contentOf(increment: Increment, digest: (text: string) => string): string {
  const properties = increment.properties === null ? '' : digest(increment.properties);
  return `${increment.quantity}|${increment.occurred_at ?? ''}|${properties}`;
}
