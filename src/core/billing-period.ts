import type { Instant } from './environment.ts';
import { DAY_MS, daysInMonth, HOUR_MS } from './instant.ts';
import type { Price } from './price.ts';

/** A half-open span of time, `[start, end)`. */
export interface Period {
  readonly start: Instant;
  readonly end: Instant;
}

/** How Stripe repeats billing periods: the n-th begins n intervals after the anchor. */
export interface Recurrence {
  readonly anchor: Instant;
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly interval_count: number;
}

/** A metered Stripe subscription item: the stretch of time over which it bills one meter of one account. */
export interface SubscriptionItem extends Recurrence {
  readonly stripe_subscription: string;
  readonly stripe_subscription_item: string;
  readonly meter: string;
  /** `price_…`: where Stripe swaps it in place, the item is another stretch from then on. */
  readonly stripe_price: string;
  readonly price: Price;
  /** Since when usage belongs to it: Stripe's start, or the request of the plan change that led to it, if that was earlier. */
  readonly started_at: Instant;
  /** When Stripe began to bill by it: usage is stamped then at the earliest. */
  readonly billed_from: Instant;
  /** End of the trial that it, or this stretch of it, began with; null = no trial. */
  readonly trial_end: Instant | null;
  /** When it stopped billing, also for a pause: resumed, it is another stretch; null = it bills. */
  readonly ended_at: Instant | null;
  /** Stripe's own current period, which may differ from the recurrence. */
  readonly current_period_start: Instant;
  readonly current_period_end: Instant;
}

/** Everything that decides which billing period usage of one account and meter belongs to. */
export interface BillingTimeline {
  readonly created_at: Instant;
  /** The items that bill this meter, in any order. */
  readonly items: readonly SubscriptionItem[];
}

/** A billing period and who bills it. */
export interface BillingPeriod extends Period {
  /** `paid` and `trial`: Stripe's period of the item. `none`: a month anchored at the account's creation. */
  readonly billed_by: 'paid' | 'trial' | 'none';
  /** Items that bill the period; more than one is ambiguous, none for `none`. */
  readonly items: readonly SubscriptionItem[];
  /** Whether its item ended before the period did: Stripe has invoiced it then, or never will. */
  readonly is_cut_short: boolean;
}

/**
 * The billing period that an instant belongs to. Periods of one timeline tile time: the months of an account end
 * where an item starts to bill and begin again where it stops.
 */
export function billingPeriodAt({ created_at, items }: BillingTimeline, instant: Instant): BillingPeriod {
  const covering = items.filter((item) => item.started_at <= instant && instant < endOf(item)).sort(inOrder);
  const [item] = covering;
  if (item) {
    const period = periodOfItem(item, instant);
    // Where one item replaces another that it overlapped, its time begins when the other's ends.
    const freed = items.filter((other) => inOrder(other, item) < 0 && endOf(other) <= instant);
    return { ...period, start: Math.max(period.start, ...freed.map(endOf)), items: covering };
  }
  const month = periodAt({ anchor: created_at, interval: 'month', interval_count: 1 }, instant);
  const start = Math.max(month.start, ...items.map(endOf).filter((end) => end <= instant));
  const end = Math.min(month.end, ...items.map(({ started_at }) => started_at).filter((at) => at > instant));
  return { start, end, billed_by: 'none', items: [], is_cut_short: false };
}

/**
 * How long after its end a paid billing period still takes usage. Stripe finalises the draft invoice an hour after
 * the end (docs.stripe.com/billing/subscriptions/usage-based); half of it is left to report, and for Stripe to count.
 */
export const LATE_WINDOW_MS = HOUR_MS / 2;

/**
 * The billing period that usage is counted in when it is recorded at `now`: the one it occurred in, unless that one
 * is paid for and its invoice may be final; then the current one, so that it is billed next. Where nothing is paid for
 * now it stays in its own: what was used while it was paid for does not become free by being late.
 */
export function countingPeriodAt(
  timeline: BillingTimeline,
  occurred_at: Instant,
  now: Instant,
): BillingPeriod {
  const period = billingPeriodAt(timeline, Math.min(occurred_at, now));
  if (!mayBeInvoiced(period, now)) return period;
  const current = billingPeriodAt(timeline, now);
  return current.billed_by === 'paid' ? current : period;
}

/** Whether the invoice of a paid billing period may be final, so that usage recorded now is too late for it. */
export function mayBeInvoiced({ billed_by, end, is_cut_short }: BillingPeriod, now: Instant): boolean {
  return billed_by === 'paid' && now >= (is_cut_short ? end : end + LATE_WINDOW_MS);
}

function periodOfItem(item: SubscriptionItem, instant: Instant): Omit<BillingPeriod, 'items'> {
  const { started_at, billed_from, trial_end } = item;
  if (trial_end !== null && instant < trial_end) {
    const end = Math.min(trial_end, endOf(item));
    return { start: started_at, end, billed_by: 'trial', is_cut_short: end < trial_end };
  }
  // Usage of the time before Stripe's own start is in Stripe's first period.
  const { start, end } = stripesPeriodAt(item, Math.max(instant, billed_from));
  const first = start <= billed_from ? started_at : start;
  return {
    start: trial_end === null ? first : Math.max(first, trial_end),
    end: Math.min(end, endOf(item)),
    billed_by: 'paid',
    is_cut_short: endOf(item) < end,
  };
}

function stripesPeriodAt(item: SubscriptionItem, instant: Instant): Period {
  const { current_period_start: start, current_period_end: end } = item;
  if (start <= instant && instant < end) return { start, end };
  return periodAt({ ...item, anchor: repeatedAnchor(item) }, instant);
}

/**
 * The anchor that repeats Stripe's current period. A subscription for the 31st that begins in February has the 28th as its anchor
 * (docs.stripe.com/billing/subscriptions/billing-cycle), and its later periods say what was meant. A current period that repeats
 * nothing, as one that a trial makes longer, says nothing of the others.
 */
function repeatedAnchor(item: SubscriptionItem): Instant {
  const { anchor, current_period_start: start, current_period_end: end } = item;
  const isRepeated = (candidate: Instant) => {
    const period = periodAt({ ...item, anchor: candidate }, start);
    return period.start === start && period.end === end;
  };
  return [anchor, end, start].find(isRepeated) ?? anchor;
}

/** Which of two items bills the time that both cover: one answer, in whatever order Stripe lists them. */
function inOrder(a: SubscriptionItem, b: SubscriptionItem): number {
  if (a.started_at !== b.started_at) return a.started_at - b.started_at;
  return a.stripe_subscription_item < b.stripe_subscription_item ? -1 : 1;
}

function endOf(item: SubscriptionItem): Instant {
  return item.ended_at ?? Number.POSITIVE_INFINITY;
}

/** The period of a recurrence that contains the instant, which may lie before the anchor. */
export function periodAt(recurrence: Recurrence, instant: Instant): Period {
  let index = Math.floor((instant - recurrence.anchor) / longestInterval(recurrence));
  while (boundary(recurrence, index + 1) <= instant) index += 1;
  while (boundary(recurrence, index) > instant) index -= 1;
  return { start: boundary(recurrence, index), end: boundary(recurrence, index + 1) };
}

function longestInterval({ interval, interval_count }: Recurrence): number {
  const days = { day: 1, week: 7, month: 31, year: 366 }[interval];
  return days * interval_count * DAY_MS;
}

/** Where the n-th period begins: month arithmetic from the anchor, so that the 31st stays the 31st where it exists. */
function boundary({ anchor, interval, interval_count }: Recurrence, index: number): Instant {
  const count = index * interval_count;
  if (interval === 'day') return anchor + count * DAY_MS;
  if (interval === 'week') return anchor + count * 7 * DAY_MS;
  return addMonths(anchor, interval === 'year' ? count * 12 : count);
}

/** Calendar months in UTC, clamped to the month's last day: 31 January + 1 is 28 February. */
export function addMonths(instant: Instant, months: number): Instant {
  const date = new Date(instant);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth() + months;
  const day = Math.min(date.getUTCDate(), daysInMonth(year, month));
  return Date.UTC(year, month, day) + (instant - startOfDay(instant));
}

function startOfDay(instant: Instant): Instant {
  return Math.floor(instant / DAY_MS) * DAY_MS;
}
