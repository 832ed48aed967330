import { z } from 'zod';
import type { Instant } from '../../core/environment.ts';
import { DAY_MS, SECOND_MS } from '../../core/instant.ts';
import { createMovableClock, type MovableClock } from '../../testing/movable-clock.ts';
import { writeDurably } from './durable-file.ts';
import { readSaved } from './saved-json.ts';

/** The one clock of `tallybook dev`: it ticks, can be moved forward, and never goes back, not even after a crash. */
export interface DevClock extends MovableClock {
  /**
   * Where the clock would be had the process never stopped. It starts where it stopped instead, so that what was
   * due in between can happen in the order of time before it gets there.
   */
  readonly missedUntil: Instant;
  /** Writes down the exact time, so that the next start continues from it. */
  save(): void;
}

/** The clock promises on disk not to pass this much without writing again; a crash makes it skip up to as much. */
const RESERVED_MS = 10 * SECOND_MS;
/** The demonstration begins in the past, so that an imported file of some hours finds room before now. */
const FIRST_START_AGE_MS = DAY_MS;

const schema = z.strictObject({
  /** No instant at or after it was ever told. */
  resume_at: z.number().int().positive(),
  /** How far the clock is ahead of the machine's. */
  offset_ms: z.number().int(),
});

export function openDevClock(path: string): DevClock {
  const saved = readSaved(path, schema);
  const machine = Date.now();
  const start = saved?.resume_at ?? machine - FIRST_START_AGE_MS;
  const missedUntil = Math.max(start, machine + (saved?.offset_ms ?? 0));
  const clock = createMovableClock({ start, ticking: true });
  let latest = start;
  let reserved = start;
  let offset_ms = missedUntil - machine;

  function now(): Instant {
    latest = Math.max(latest, clock.now()); // the machine's clock may be set back
    if (latest >= reserved) reserve(latest + RESERVED_MS);
    return latest;
  }

  /** Written before the time is told: whatever happens at an instant, a later start is after it. */
  function reserve(resume_at: Instant): void {
    offset_ms = Math.max(offset_ms, latest - Date.now());
    writeDurably(path, `${JSON.stringify({ resume_at, offset_ms })}\n`);
    reserved = resume_at;
  }

  return {
    now,
    sleep: (ms, signal) => clock.sleep(ms, signal),
    moveTo: (instant) => clock.moveTo(instant),
    advance: (ms) => clock.moveTo(now() + ms),
    missedUntil,
    save: () => reserve(now() + 1),
  };
}
