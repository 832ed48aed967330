import { UsageError } from './errors.ts';

/** The meters of an installation and which of them a call means that names none. */
export interface Meters {
  readonly names: ReadonlySet<string>;
  /** null = several meters and no default: every call names its meter. */
  readonly default_meter: string | null;
}

/**
 * The meter a call means.
 *
 * @throws UsageError `invalid_meter`, `meter_required`.
 */
export function parseMeter(value: unknown, meters: Meters): string {
  if (value === undefined) {
    if (meters.default_meter !== null) return meters.default_meter;
    throw new UsageError('meter_required', { field: 'meter', reason: `The meters are ${listOf(meters)}.` });
  }
  if (typeof value === 'string' && meters.names.has(value)) return value;
  throw new UsageError('invalid_meter', {
    field: 'meter',
    value,
    reason: `The meters are ${listOf(meters)}.`,
  });
}

function listOf({ names }: Meters): string {
  return [...names].join(', ');
}
