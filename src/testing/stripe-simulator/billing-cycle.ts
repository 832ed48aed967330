/** How often a price is billed. */
export interface BillingInterval {
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly interval_count: number;
}

const DAY_S = 86_400;

/**
 * The first period boundary after an instant. Boundaries lie whole intervals from the anchor, not from each
 * other, so that an anchor on the 31st gives 28 February and then 31 March again.
 *
 * @param anchor_s seconds since the epoch; may lie after `after_s`.
 * @returns seconds since the epoch.
 */
export function boundaryAfter(anchor_s: number, every: BillingInterval, after_s: number): number {
  // Months differ in length, so the estimate is only where the search starts.
  let index = Math.floor((after_s - anchor_s) / longestInterval(every));
  while (boundary(anchor_s, every, index) > after_s) index -= 1;
  while (boundary(anchor_s, every, index) <= after_s) index += 1;
  return boundary(anchor_s, every, index);
}

/** The last period boundary before an instant. */
export function boundaryBefore(anchor_s: number, every: BillingInterval, before_s: number): number {
  let index = Math.floor((before_s - anchor_s) / longestInterval(every));
  while (boundary(anchor_s, every, index) >= before_s) index -= 1;
  while (boundary(anchor_s, every, index + 1) < before_s) index += 1;
  return boundary(anchor_s, every, index);
}

/** The instant that lies `index` intervals after the anchor, or before it if negative. */
export function boundary(
  anchor_s: number,
  { interval, interval_count }: BillingInterval,
  index: number,
): number {
  const count = index * interval_count;
  if (interval === 'day') return anchor_s + count * DAY_S;
  if (interval === 'week') return anchor_s + count * 7 * DAY_S;
  return addMonths(anchor_s, interval === 'year' ? count * 12 : count);
}

function addMonths(anchor_s: number, months: number): number {
  const anchor = new Date(anchor_s * 1000);
  const month = anchor.getUTCMonth() + months;
  const lastDay = new Date(Date.UTC(anchor.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const day = Math.min(anchor.getUTCDate(), lastDay);
  const midnight = Date.UTC(anchor.getUTCFullYear(), month, day) / 1000;
  return midnight + (anchor_s - Math.floor(anchor_s / DAY_S) * DAY_S);
}

function longestInterval({ interval, interval_count }: BillingInterval): number {
  const days = { day: 1, week: 7, month: 31, year: 366 }[interval];
  return days * interval_count * DAY_S;
}
