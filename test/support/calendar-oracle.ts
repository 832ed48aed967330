/**
 * A calendar that shares nothing with the product: no `Date`, days counted one by one. Slow, and plain enough to be
 * believed.
 */

export type Unit = 'day' | 'week' | 'month' | 'year';

interface CalendarDay {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAY = 86_400_000;
const FIRST_YEAR = 1970;
const LAST_YEAR = 2100;

/** Every day from 1 January 1970 on, in its place. */
const DAYS: readonly CalendarDay[] = everyDay();
const NUMBERS = new Map(DAYS.map((day, number) => [nameOf(day), number]));

/** Where the n-th period after an anchor begins: the same day of a later month, or the last one that month has. */
export function boundaryOf(anchor: number, unit: Unit, count: number, n: number): number {
  const number = Math.floor(anchor / DAY);
  const time = anchor - number * DAY;
  if (unit === 'day') return (number + n * count) * DAY + time;
  if (unit === 'week') return (number + n * count * 7) * DAY + time;
  const start = DAYS[number];
  if (!start) throw new Error('The calendar does not reach there.');
  let { year, month } = start;
  for (let step = 0; step < n * count * (unit === 'year' ? 12 : 1); step += 1) {
    month += 1;
    if (month === 13) {
      month = 1;
      year += 1;
    }
  }
  let { day } = start;
  while (!NUMBERS.has(nameOf({ year, month, day }))) day -= 1;
  return (NUMBERS.get(nameOf({ year, month, day })) ?? 0) * DAY + time;
}

function everyDay(): CalendarDay[] {
  const days: CalendarDay[] = [];
  for (let year = FIRST_YEAR; year <= LAST_YEAR; year += 1) {
    for (const [index, length] of LENGTHS.entries()) {
      const last = index === 1 && isLeap(year) ? 29 : length;
      for (let day = 1; day <= last; day += 1) days.push({ year, month: index + 1, day });
    }
  }
  return days;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function nameOf({ year, month, day }: CalendarDay): string {
  return `${year}-${month}-${day}`;
}
