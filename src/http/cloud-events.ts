import { isReadable } from '../core/account.ts';
import { UsageError } from '../core/errors.ts';

/** What events of one type count. */
export interface CloudEventRule {
  readonly meter: string;
  /** Where the account's id is: `'subject'`, or below `data`. */
  readonly account: string;
  /** Where the quantity is, below `data`; a number counts as many for every event. null = `data.quantity`, or 1 without one. */
  readonly quantity: string | number | null;
}

export interface CloudEventMapping {
  /** By `type`. */
  readonly rules: ReadonlyMap<string, CloudEventRule>;
  /** Events whose type is the name of one count it, unless there is a rule. */
  readonly meters: ReadonlySet<string>;
}

type Fields = Readonly<Record<string, unknown>>;

const MAX_ATTRIBUTE_LENGTH = 1_024;
const DIGITS = /^(0|[1-9]\d{0,14})$/;

/**
 * The increment that a CloudEvent means (CloudEvents 1.0.2). Its `source` and `id` together, which name it in the world,
 * are its idempotency key. Extension attributes are let pass and not kept.
 *
 * @throws UsageError `invalid_cloud_event`.
 */
export function toIncrement(
  event: unknown,
  { rules, meters }: CloudEventMapping,
  digest: (text: string) => string,
): Fields {
  if (!isFields(event)) throw invalid('', 'An object is expected.');
  if (event['specversion'] !== '1.0') throw invalid('specversion', 'It must be 1.0.');
  const [id, source, type] = ['id', 'source', 'type'].map((name) => attribute(event, name));
  const rule = rules.get(type ?? '') ?? defaultRule(type ?? '', meters);
  refuseOtherData(event);
  const { time } = event;
  return {
    account: pick(event, rule.account),
    meter: rule.meter,
    quantity: quantityOf(event, rule),
    idempotency_key: `ce_${digest(JSON.stringify([source, id]))}`,
    ...(time === undefined ? {} : { timestamp: readTime(time) }),
    properties: { cloud_event_id: id, cloud_event_source: source, cloud_event_type: type },
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function attribute(event: Fields, name: string): string {
  const value = Object.hasOwn(event, name) ? event[name] : undefined;
  const isText = typeof value === 'string' && value !== '' && value.length <= MAX_ATTRIBUTE_LENGTH;
  if (isText && isReadable(value)) return value;
  const reason = `It is a text of 1 to ${MAX_ATTRIBUTE_LENGTH} characters, without control characters or spaces around it.`;
  throw invalid(name, reason);
}

function defaultRule(type: string, meters: ReadonlySet<string>): CloudEventRule {
  if (meters.has(type)) return { meter: type, account: 'subject', quantity: null };
  throw new UsageError('invalid_cloud_event', {
    field: 'type',
    value: type,
    reason: 'It is mapped to no meter.',
  });
}

function quantityOf(event: Fields, { quantity }: CloudEventRule): unknown {
  if (typeof quantity === 'number') return quantity;
  const found = pick(event, quantity ?? 'data.quantity');
  if (found === undefined && quantity === null) return 1;
  if (found === undefined) throw invalid(quantity ?? '', 'It is missing.');
  // Whole numbers come as text as well, since other meters of events take them so.
  return typeof found === 'string' && DIGITS.test(found) ? Number(found) : found;
}

/** RFC 3339 allows small letters, ISO 8601 as it is read here does not. */
function readTime(time: unknown): unknown {
  return typeof time === 'string' ? time.toUpperCase() : time;
}

/** What stands at a path such as `data.user.id`; undefined = nothing. */
function pick(event: Fields, path: string): unknown {
  let found: unknown = event;
  for (const name of path.split('.')) {
    if (!isFields(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

/** A quantity that is not looked at would count as one. */
function refuseOtherData({ data, data_base64 }: Fields): void {
  if (data_base64 !== undefined && data_base64 !== null) {
    throw invalid('data_base64', 'It is not decoded: send the object as `data`.');
  }
  if (data !== undefined && data !== null && !isFields(data)) throw invalid('data', 'An object is expected.');
}

function invalid(field: string, reason: string): UsageError {
  return new UsageError('invalid_cloud_event', { field: field === '' ? 'event' : field, reason });
}
