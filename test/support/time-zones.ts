/** With and without daylight saving, whole hours and not, on both sides of the equator. */
export const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Pacific/Chatham',
  'Australia/Lord_Howe',
] as const;

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a clock on the wall of the zone shows: `'2026-03-29 02:30:00'`. */
export function wallClock(zone: string, instant: number): string {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  formats.set(zone, format);
  return format.format(instant);
}

/** How far the zone's clock is ahead of UTC, in milliseconds. */
export function offsetAt(zone: string, instant: number): number {
  const seconds = Math.floor(instant / 1_000) * 1_000;
  return Date.parse(`${wallClock(zone, seconds).replace(' ', 'T')}Z`) - seconds;
}

/** The first instant at which the zone's clock shows this, or where it leaps over it, the end of the leap. */
export function instantOf(zone: string, wall: string): number {
  const asUtc = Date.parse(`${wall.replace(' ', 'T')}Z`);
  const [before, after] = [asUtc - DAY, asUtc + DAY].map((instant) => offsetAt(zone, instant));
  const candidates = [asUtc - (before ?? 0), asUtc - (after ?? 0)].sort((a, b) => a - b);
  const shown = candidates.find((instant) => wallClock(zone, instant) === wall);
  return shown ?? changeBetween(zone, asUtc - DAY, asUtc + DAY);
}

/** The instants at which the zone's offset changes. */
export function changesBetween(zone: string, start: number, end: number): number[] {
  const changes: number[] = [];
  for (let day = start; day < end; day += DAY) {
    if (offsetAt(zone, day) !== offsetAt(zone, day + DAY)) changes.push(changeBetween(zone, day, day + DAY));
  }
  return changes;
}

const DAY = 86_400_000;

/** The one instant between the two from which on the offset is that of the second. */
function changeBetween(zone: string, start: number, end: number): number {
  const last = offsetAt(zone, end);
  let [before, after] = [start, end];
  while (after - before > 1_000) {
    const middle = Math.floor((before + after) / 2_000) * 1_000;
    if (offsetAt(zone, middle) === last) after = middle;
    else before = middle;
  }
  return after;
}
