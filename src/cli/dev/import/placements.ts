import { join } from 'node:path';
import { z } from 'zod';
import type { Instant } from '../../../core/environment.ts';
import { MAX_AGE_MS } from '../../../core/usage-event.ts';
import { writeDurably } from '../durable-file.ts';
import { readSaved } from '../saved-json.ts';

/** Where the rows of one file are placed in time; decided once, so that a second import repeats the first. */
export interface Placement {
  /** Added to every timestamp; 0 = the file is taken as it is. */
  readonly shift_ms: number;
  /** Shifted rows are placed no later, since nothing is used in the future; null = not shifted. */
  readonly latest: Instant | null;
}

export interface PlaceParams {
  /** Names the file: a digest of all its rows up to the first with a timestamp. */
  readonly digest: string;
  /** The first timestamp in the file. */
  readonly first: Instant;
  readonly now: Instant;
  /** Where the current billing period begins. */
  readonly period_start: Instant;
}

const schema = z.record(
  z.string(),
  z.strictObject({ shift_ms: z.number().int(), latest: z.number().int().nullable() }),
);

/** The placements of all files that were ever imported into a directory. */
export class Placements {
  readonly #path: string;
  readonly #known: Map<string, Placement>;

  constructor(directory: string) {
    this.#path = join(directory, 'imports.json');
    this.#known = new Map(Object.entries(readSaved(this.#path, schema) ?? {}));
  }

  /** Durable when it returns: a crash during the import does not place the file anew. */
  place({ digest, first, now, period_start }: PlaceParams): Placement {
    const known = this.#known.get(digest);
    if (known) return known;
    const isTakeable = first >= now - MAX_AGE_MS && first <= now;
    const placement = isTakeable
      ? { shift_ms: 0, latest: null }
      : { shift_ms: period_start - first, latest: now };
    this.#known.set(digest, placement);
    writeDurably(this.#path, `${JSON.stringify(Object.fromEntries(this.#known))}\n`);
    return placement;
  }
}
