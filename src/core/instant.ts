import type { Instant } from './environment.ts';
import { UsageError, type UsageErrorCode } from './errors.ts';

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** A date as callers write it: a Date, `'2026-10-10'` (UTC midnight) or an ISO 8601 instant with its zone. */
export type DateInput = Date | string;

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d))?$/;
const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(3000, 0, 1);

/**
 * Reads a date strictly: a day that does not exist, a time without zone or a bare number (seconds? milliseconds?)
 * is refused rather than guessed. Digits below the millisecond are dropped.
 *
 * @throws UsageError with the given code.
 */
export function parseInstant(value: unknown, field: string, code: UsageErrorCode): Instant {
  const instant =
    value instanceof Date ? value.getTime() : typeof value === 'string' ? fromIso(value) : Number.NaN;
  if (instant >= EARLIEST && instant < LATEST) return instant;
  throw new UsageError(code, { field, value });
}

function fromIso(text: string): Instant {
  const match = ISO.exec(text);
  if (!match) return Number.NaN;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const [fraction = '', zone = 'Z'] = match.slice(7);
  if (!isCalendarDate(year, month, day) || !isTime(hour, minute, second)) return Number.NaN;
  const local = Date.UTC(
    year,
    month - 1,
    day,
    hour,
    minute,
    second,
    Number(fraction.padEnd(3, '0').slice(0, 3)),
  );
  return local - zoneOffset(zone);
}

function isCalendarDate(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month - 1);
}

function isTime(hour: number, minute: number, second: number): boolean {
  return hour <= 23 && minute <= 59 && second <= 59;
}

function zoneOffset(zone: string): number {
  if (zone === 'Z') return 0;
  const [hours = Number.NaN, minutes = Number.NaN] = zone.slice(1).split(':').map(Number);
  if (hours > 14 || minutes > 59) return Number.NaN;
  return (zone.startsWith('-') ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS);
}

/** The start of the UTC month of an instant, or of one `months` later. */
export function startOfMonth(instant: Instant, months: number): Instant {
  const date = new Date(instant);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months);
}

/** `monthIndex` counts from 0 and may run past the year's end. */
export function daysInMonth(year: number, monthIndex: number): number {
  return new Date(Date.UTC(year, monthIndex + 1, 0)).getUTCDate();
}

/** ISO 8601 in UTC with milliseconds: how instants appear in results. */
export function formatInstant(instant: Instant): string {
  return new Date(instant).toISOString();
}

/** The whole second at or before the instant: Stripe counts in seconds. */
export function floorToSecond(instant: Instant): Instant {
  return Math.floor(instant / SECOND_MS) * SECOND_MS;
}

const UNITS = [
  ['days', DAY_MS],
  ['hours', HOUR_MS],
  ['minutes', MINUTE_MS],
] as const;

/** How long something is, in the largest unit that there are two of: `29 days`, `90 minutes`, `89 s`. */
export function durationText(ms: number): string {
  const [unit, length] = UNITS.find(([, each]) => ms >= 2 * each) ?? ['s', SECOND_MS];
  return `${Math.round(ms / length)} ${unit}`;
}
