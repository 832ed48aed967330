import type { RoutedEntry, WriteParams } from '../write-path.ts';

/**
 * A batch on its way to the connection's thread: JSON of one flat array, which costs both threads less than half of
 * what copying the objects does.
 */
export function encodeBatch({ flush_id, recorded_at, entries }: WriteParams): string {
  const flat: (string | number | null)[] = [flush_id, recorded_at];
  for (const entry of entries) {
    flat.push(
      entry.account_id,
      entry.meter,
      entry.quantity,
      entry.occurred_at,
      entry.idempotency_key,
      entry.content,
      entry.properties,
      entry.report_id,
    );
  }
  return JSON.stringify(flat);
}

const FIELDS_PER_ENTRY = 8;
type FlatEntry = [
  string,
  string,
  number,
  number | null,
  string | null,
  string | null,
  string | null,
  number | null,
];

export function decodeBatch(message: string): WriteParams {
  const [flush_id, recorded_at, ...flat] = JSON.parse(message);
  const entries: RoutedEntry[] = [];
  for (let at = 0; at < flat.length; at += FIELDS_PER_ENTRY) {
    const [
      account_id,
      meter,
      quantity,
      occurred_at,
      idempotency_key,
      content,
      properties,
      report_id,
    ]: FlatEntry = flat.slice(at, at + FIELDS_PER_ENTRY);
    entries.push({
      account_id,
      meter,
      quantity,
      occurred_at,
      idempotency_key,
      content,
      properties,
      report_id,
    });
  }
  return { flush_id, recorded_at, entries };
}
