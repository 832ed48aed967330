import { formatMoney } from '../core/money.ts';

const NUMBER = new Intl.NumberFormat('en-US');

/** `1,200`; `–` for what is not known. */
export function quantityText(quantity: number | null): string {
  return quantity === null ? '–' : NUMBER.format(quantity);
}

/** Minor units as `$18.00`; null = not known. */
export function moneyText(amount: number | null, currency: string | null): string | null {
  return amount === null || currency === null ? null : formatMoney(String(amount), currency);
}

/** `2026-01-10..2026-02-10`, with times where the days do not tell them apart. */
export function spanText(start: string, end: string | null): string {
  if (end === null) return `${minuteText(start)}..`;
  const days = [start.slice(0, 10), end.slice(0, 10)];
  return days[0] === days[1] ? `${minuteText(start)}..${end.slice(11, 16)}` : days.join('..');
}

/** `2026-01-10 12:00..2026-01-11 09:30`. */
export function minutesText({ start, end }: { readonly start: string; readonly end: string }): string {
  const [from, until] = [minuteText(start), minuteText(end)];
  return `${from}..${from.slice(0, 10) === until.slice(0, 10) ? until.slice(11) : until}`;
}

/** `2026-01-10 12:00:00`, UTC. */
export function instantText(instant: string | null): string {
  return instant === null ? '–' : instant.slice(0, 19).replace('T', ' ');
}

function minuteText(instant: string): string {
  return instantText(instant).slice(0, 16);
}
