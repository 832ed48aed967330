import { InvalidArgumentError } from 'commander';
import { SCOPES, type Scope } from '../core/access.ts';
import { parseMonth, parseRange } from '../core/date-range.ts';
import { UsageError } from '../core/errors.ts';
import { parseInstant } from '../core/instant.ts';
import type { ReportStatus } from '../core/usage-report.ts';
import { REPORT_STATUSES } from '../query/report-list.ts';
import type { ReconcilePeriod } from './reconcile.ts';

const MAX_PORT = 65_535;
const DATE =
  'It is a date (UTC midnight), such as 2026-10-10, or an instant with its zone: 2026-10-10T12:00:00Z.';

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= MAX_PORT) return port;
  throw new InvalidArgumentError(`A port is a number from 0 to ${MAX_PORT}.`);
}

export function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number from 1.');
}

export function parseSeconds(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number of seconds.');
}

export function parseReport(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is the number of a report.');
}

export function parseAmount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number of minor units, such as cents, from 1.');
}

export function parseSubject(text: string): string {
  if (/^([1-9]\d{0,14}|in_\w+)$/.test(text)) return text;
  throw new InvalidArgumentError('It is the number of a report, or the id of an invoice: in_….');
}

/** An instant, as it was written. */
export function parseDate(text: string): string {
  return checked(text, DATE, () => parseInstant(text, 'date', 'invalid_parameter'));
}

/** `2026-10` or `START..END`. */
export function parsePeriod(text: string): ReconcilePeriod {
  const [period_start, period_end, ...rest] = text.split('..');
  if (period_start === undefined || period_end === undefined || rest.length > 0) {
    const reason = 'It is a month, such as 2026-10, or a range of two dates, such as 2026-10-10..2026-11-10.';
    return checked(text, reason, () => parseMonth(text));
  }
  const reason =
    'Of a range START..END, both are dates, such as 2026-10-10..2026-11-10, and END is after START.';
  checked(text, reason, () => parseRange(period_start, period_end));
  return { period_start, period_end };
}

/** Names of statuses with commas between them. */
export function parseStatuses(text: string): ReportStatus[] {
  return text.split(',').map((name) => oneOf(REPORT_STATUSES, name, 'statuses'));
}

/** One more scope. */
export function parseScope(name: string, scopes: readonly Scope[] = []): Scope[] {
  return [...scopes, oneOf(SCOPES, name, 'scopes')];
}

export function collect(file: string, files: readonly string[]): readonly string[] {
  return [...files, file];
}

function oneOf<Name extends string>(names: readonly Name[], text: string, what: string): Name {
  const name = names.find((known) => known === text);
  if (name !== undefined) return name;
  throw new InvalidArgumentError(`The ${what} are ${names.join(', ')}.`);
}

/** What the library takes, as it was written; what it refuses in the words of the command line. */
function checked(text: string, reason: string, check: () => unknown): string {
  try {
    check();
    return text;
  } catch (error) {
    if (error instanceof UsageError) throw new InvalidArgumentError(reason);
    throw error;
  }
}
