import type { Period } from './billing-period.ts';
import type { Instant } from './environment.ts';
import { UsageError } from './errors.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from './instant.ts';

/** Stretches of local time that usage is summed over. */
export type WindowName = 'hour' | 'day' | 'month';

const WINDOW_NAMES: readonly WindowName[] = ['hour', 'day', 'month'];
export const MAX_WINDOWS = 1_000;

/** A zone's distance from UTC at an instant, in milliseconds; east is positive. */
type OffsetAt = (instant: Instant) => number;

/**
 * Where the windows of a range meet: ascending instants, from the start of the window that the range begins in to the end
 * of the one that it ends in. Hours are hours on the clock of the zone, days and months begin at its midnight or, where
 * there is none, with the first instant of that day. A day that does not exist in the zone is no window.
 *
 * @throws UsageError `invalid_window` for an unknown zone and for more than 1,000 windows.
 */
export function windowBoundaries(range: Period, window: WindowName, time_zone: string): readonly Instant[] {
  const offsetAt = offsetsOf(time_zone);
  const next = { hour: nextHour, day: nextDay, month: nextMonth }[window];
  const start = { hour: startOfHour, day: startOfDay, month: startOfMonth }[window];
  const boundaries = [start(range.start, offsetAt)];
  for (let at = boundaries[0] ?? 0; at < range.end; ) {
    if (boundaries.length > MAX_WINDOWS) {
      const reason = `The range has more than ${MAX_WINDOWS} windows.`;
      throw new UsageError('invalid_window', { field: 'window', value: window, reason });
    }
    at = next(at, offsetAt);
    boundaries.push(at);
  }
  return boundaries;
}

/** @throws UsageError `invalid_window`. */
export function parseWindow(value: unknown): WindowName {
  const window = WINDOW_NAMES.find((name) => name === value);
  if (window !== undefined) return window;
  throw new UsageError('invalid_window', { field: 'window', value });
}

/** By what the runtime knows of the zone. @throws UsageError `invalid_window`. */
function offsetsOf(time_zone: string): OffsetAt {
  const format = formatOf(time_zone);
  return (instant) => {
    const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const at = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const local = Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'));
    return local - Math.floor(instant / SECOND_MS) * SECOND_MS;
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const two = '2-digit';
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      ...{ year: 'numeric', month: two, day: two, hour: two, minute: two, second: two },
    });
  } catch {
    const reason = 'It is not a time zone that is known here.';
    throw new UsageError('invalid_window', { field: 'time_zone', value: timeZone, reason });
  }
}

/** Found from a few hours before, since the clock may have been put forward or back by half an hour in between. */
function startOfHour(instant: Instant, offsetAt: OffsetAt): Instant {
  let at = instant - 3 * HOUR_MS;
  for (let end = nextHour(at, offsetAt); end <= instant; end = nextHour(at, offsetAt)) at = end;
  return at;
}

function nextHour(instant: Instant, offsetAt: OffsetAt): Instant {
  return instant + HOUR_MS - intoHour(instant, offsetAt);
}

function intoHour(instant: Instant, offsetAt: OffsetAt): number {
  return modulo(instant + offsetAt(instant), HOUR_MS);
}

function startOfDay(instant: Instant, offsetAt: OffsetAt): Instant {
  const local = new Date(instant + offsetAt(instant));
  return firstInstantOf(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate(), offsetAt);
}

function nextDay(instant: Instant, offsetAt: OffsetAt): Instant {
  const local = new Date(instant + offsetAt(instant));
  return firstInstantOf(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + 1, offsetAt);
}

function startOfMonth(instant: Instant, offsetAt: OffsetAt): Instant {
  const local = new Date(instant + offsetAt(instant));
  return firstInstantOf(local.getUTCFullYear(), local.getUTCMonth(), 1, offsetAt);
}

function nextMonth(instant: Instant, offsetAt: OffsetAt): Instant {
  const local = new Date(instant + offsetAt(instant));
  return firstInstantOf(local.getUTCFullYear(), local.getUTCMonth() + 1, 1, offsetAt);
}

/** The first instant at which the zone's calendar shows a date, or a later one where it never shows it. */
function firstInstantOf(year: number, month: number, day: number, offsetAt: OffsetAt): Instant {
  const midnight = Date.UTC(year, month, day);
  const before = offsetAt(midnight - DAY_MS);
  const after = offsetAt(midnight + DAY_MS);
  const candidates = [midnight - before, midnight - after].sort((a, b) => a - b);
  const exact = candidates.find((candidate) => candidate + offsetAt(candidate) === midnight);
  return exact ?? whereClockJumps(candidates, midnight, offsetAt);
}

/** Midnight does not exist: the day begins where the clock jumps over it, which is between the two candidates. */
function whereClockJumps(
  [low = 0, high = 0]: readonly Instant[],
  midnight: number,
  offsetAt: OffsetAt,
): Instant {
  let [before, after] = [low, high];
  while (after - before > SECOND_MS) {
    const middle = Math.floor((before + after) / 2 / SECOND_MS) * SECOND_MS;
    if (middle + offsetAt(middle) >= midnight) after = middle;
    else before = middle;
  }
  return after;
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
