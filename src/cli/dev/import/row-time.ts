import type { Instant } from '../../../core/environment.ts';
import { formatInstant, parseInstant } from '../../../core/instant.ts';
import type { Placement, PlaceParams } from './placements.ts';

export interface RowClockOptions {
  /** Told the first timestamp of the file. */
  readonly place: (file: Pick<PlaceParams, 'digest' | 'first'>) => Placement;
}

const ZONE = /(?:Z|[+-]\d\d:\d\d)$/;

/** Places the rows of one file in time. */
export class RowTime {
  readonly #place: RowClockOptions['place'];
  #placement: Placement | null = null;
  #first: Instant | null = null;
  #ahead = 0;

  constructor({ place }: RowClockOptions) {
    this.#place = place;
  }

  /**
   * @param text a date, or a date and time with `T` or a blank between them; UTC where it names no zone.
   * @param digest of all rows up to this one.
   * @throws UsageError `invalid_timestamp`.
   */
  timestampOf(text: string, digest: string): string {
    const written = parseInstant(withZone(text.trim()), 'timestamp', 'invalid_timestamp');
    this.#first ??= written;
    this.#placement ??= this.#place({ digest, first: written });
    const { shift_ms, latest } = this.#placement;
    const shifted = written + shift_ms;
    if (latest === null || shifted <= latest) return formatInstant(shifted);
    this.#ahead += 1;
    return formatInstant(latest);
  }

  /** What was done to the file's time, for people. */
  get notes(): readonly string[] {
    if (this.#first === null || this.#placement === null || this.#placement.latest === null) return [];
    const from = formatInstant(this.#first);
    const to = formatInstant(this.#first + this.#placement.shift_ms);
    const notes = [
      `Its time is not one that can be counted now, so it was moved as a whole: ${from} became ${to}, in the billing period of its first import.`,
    ];
    if (this.#ahead > 0) {
      const latest = formatInstant(this.#placement.latest);
      notes.push(`${this.#ahead} rows would then lie in the future; they count at ${latest}.`);
    }
    return notes;
  }
}

function withZone(text: string): string {
  const iso = text.replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, '$1T');
  return iso.includes('T') && !ZONE.test(iso) ? `${iso}Z` : iso;
}
