import type { RoutedEntry, WriteParams } from '../write-path.ts';

/** The parameters of the database functions that record usage, arrays in the server's own notation. */

export function encodeOne({ flush_id, recorded_at }: WriteParams, entry: RoutedEntry): unknown[] {
  const { account_id, meter, quantity, occurred_at, idempotency_key, content, properties } = entry;
  const instant = occurred_at ?? recorded_at;
  return [flush_id, recorded_at, account_id, meter, quantity, instant, idempotency_key, content, properties];
}

/** What the entries of an account and meter add together. */
interface Group {
  readonly account_id: string;
  readonly meter: string;
  quantity: number;
  first_occurred_at: number;
  last_occurred_at: number;
}

/** The parameters of `record_usage`, arrays in the server's own notation. */
export function encodeByAccount({ flush_id, recorded_at, entries }: WriteParams): unknown[] {
  const groups: Group[] = [];
  const numbers: number[] = [];
  for (const { account_id, meter, quantity, occurred_at } of entries) {
    const instant = occurred_at ?? recorded_at;
    let group = groups.at(-1);
    if (group?.account_id !== account_id || group.meter !== meter) {
      group = {
        account_id,
        meter,
        quantity: 0,
        first_occurred_at: instant,
        last_occurred_at: instant,
      };
      groups.push(group);
    }
    group.quantity += quantity;
    group.first_occurred_at = Math.min(group.first_occurred_at, instant);
    group.last_occurred_at = Math.max(group.last_occurred_at, instant);
    numbers.push(groups.length);
  }
  return [
    flush_id,
    recorded_at,
    textArray(groups.map(({ account_id }) => account_id)),
    textArray(groups.map(({ meter }) => meter)),
    numberArray(groups.map(({ quantity }) => quantity)),
    numberArray(groups.map(({ first_occurred_at }) => first_occurred_at)),
    numberArray(groups.map(({ last_occurred_at }) => last_occurred_at)),
    ...encodeEntries(entries, numbers),
  ];
}

/** The parameters of `record_usage_by_instant`: every entry is a group of its own. */
export function encodeByInstant({ flush_id, recorded_at, entries }: WriteParams): unknown[] {
  const instants = entries.map(({ occurred_at }) => Math.min(occurred_at ?? recorded_at, recorded_at));
  return [
    flush_id,
    recorded_at,
    textArray(entries.map(({ account_id }) => account_id)),
    textArray(entries.map(({ meter }) => meter)),
    numberArray(entries.map(({ report_id }) => report_id)),
    numberArray(instants),
    ...encodeEntries(
      entries,
      entries.map((_, index) => index + 1),
    ),
  ];
}

function encodeEntries(entries: readonly RoutedEntry[], groups: readonly number[]): unknown[] {
  return [
    numberArray(groups),
    numberArray(entries.map(({ quantity }) => quantity)),
    orNull(entries, 'occurred_at', numberArray),
    orNull(entries, 'idempotency_key', textArray),
    orNull(entries, 'content', textArray),
    orNull(entries, 'properties', textArray),
  ];
}

/** An array of nothing but null is sent as null. */
function orNull<Item, Field extends keyof Item>(
  items: readonly Item[],
  field: Field,
  encodeArray: (values: Item[Field][]) => string,
): string | null {
  const values = items.map((item) => item[field]);
  return values.some((value) => value !== null) ? encodeArray(values) : null;
}

function numberArray(values: readonly (number | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join()}}`;
}

function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : `"${escaped(value)}"`)).join()}}`;
}

const SPECIAL = /["\\]/g;

function escaped(text: string): string {
  return text.replace(SPECIAL, '\\$&');
}
