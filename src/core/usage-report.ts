import type { Period } from './billing-period.ts';
import type { Instant } from './environment.ts';
import { DAY_MS, floorToSecond, MINUTE_MS, SECOND_MS } from './instant.ts';

/**
 * Where a report stands. `open` takes increments; `closed` is sealed and waits; `sending` has been or may have been
 * sent; `reported` was accepted by Stripe; `failed` was refused by Stripe; `held` waits for a person; `voided` was
 * replaced by other reports and counts nowhere; `not_billable` is never sent.
 */
export type ReportStatus =
  | 'open'
  | 'closed'
  | 'sending'
  | 'reported'
  | 'failed'
  | 'held'
  | 'voided'
  | 'not_billable';

/**
 * Why a report is where it is.
 *
 * - Waiting: `unlinked`: no Stripe subscription bills the account yet.
 * - Never billed: `free`, `trial`, `no_price`, `zero`; `late`: too late for its invoice, and the policy is to track it;
 *   `written_off`: a person decided so.
 * - Sent, and not proven: `not_counted`: Stripe has the identifier but not the quantity. `refused`: Stripe refused an
 *   attempt after one whose answer was lost. `rejected`: Stripe accepted it and rejected it afterwards.
 *   `foreign_writer`: Stripe's count of its minute is another one.
 * - Not to be sent as it is: `ambiguous_price`: several subscription items bill the meter. `customer_refused`: Stripe
 *   refuses to tell the customer's subscriptions, as of one that it does not know. `too_old`: past what Stripe accepts.
 *   `unknown_usage`: Stripe has counted more in its billing period than this database knows of. `missed_invoice`:
 *   its invoice was final before it could be sent, and no later period bills it.
 */
export type ReportReason =
  | 'unlinked'
  | 'free'
  | 'trial'
  | 'no_price'
  | 'zero'
  | 'late'
  | 'written_off'
  | 'not_counted'
  | 'refused'
  | 'rejected'
  | 'foreign_writer'
  | 'ambiguous_price'
  | 'customer_refused'
  | 'too_old'
  | 'unknown_usage'
  | 'missed_invoice';

/** One row of the table `usage`: a quantity of one account, meter and billing period. */
export interface UsageReport {
  readonly account_id: string;
  readonly meter: string;
  /** Counts the reports of one account and meter from 1; never used again. */
  readonly report_id: number;
  readonly status: ReportStatus;
  /** null = nothing to add to the status. */
  readonly reason: ReportReason | null;
  /** True exactly when Stripe has accepted the report. */
  readonly reported: boolean;
  /** Usage for a billing period that had ended when the report was opened. */
  readonly late: boolean;
  readonly period_start: Instant;
  /** null = open. */
  readonly period_end: Instant | null;
  readonly billing_period_start: Instant;
  readonly billing_period_end: Instant;
  readonly quantity: number;
  /** The earliest and latest `occurred_at` of its events; null = it has none. */
  readonly first_occurred_at: Instant | null;
  readonly last_occurred_at: Instant | null;
  /** Sealed when the report is prepared for sending; null = not prepared. */
  readonly stripe_customer: string | null;
  readonly identifier: string | null;
  /** The instant that the report is stamped with at Stripe. */
  readonly slot: Instant | null;
  /** Counts identifiers: a new generation needs Stripe's proof that the last one was not counted. */
  readonly generation: number;
  /** How often the report was sent; the attempt is stored before it is made. */
  readonly attempts: number;
  readonly first_attempt_at: Instant | null;
  readonly reported_at: Instant | null;
  /** When Stripe's count proved it, or a person vouched for it; null = not proven yet. */
  readonly verified_at: Instant | null;
  /** Since when Stripe answers, and has not counted it; null = it has not been asked, or has. */
  readonly pending_since: Instant | null;
  /** When the job looks at it next; null = never. */
  readonly due_at: Instant | null;
  /** What Stripe said to the last attempt. */
  readonly last_error: string | null;
}

/** Whether Stripe has been asked to count the report, so that only Stripe can tell what became of it. */
export function isSent({ status, reason }: Pick<UsageReport, 'status' | 'reason'>): boolean {
  const isHeldAfterwards = reason === 'not_counted' || reason === 'foreign_writer' || reason === 'rejected';
  return status === 'sending' || status === 'reported' || (status === 'held' && isHeldAfterwards);
}

/** Names one report. */
export type ReportKey = Pick<UsageReport, 'account_id' | 'meter' | 'report_id'>;

const TRANSITIONS: Readonly<Record<ReportStatus, readonly ReportStatus[]>> = {
  open: ['closed', 'voided'],
  closed: ['sending', 'not_billable', 'held', 'voided'],
  sending: ['reported', 'failed', 'held'],
  held: ['closed', 'reported', 'failed', 'not_billable'],
  failed: ['closed', 'not_billable'],
  not_billable: ['voided'],
  reported: ['held', 'failed'],
  voided: [],
};

/** Whether a text names a status. */
export function isReportStatus(value: string): value is ReportStatus {
  return Object.hasOwn(TRANSITIONS, value);
}

/** Whether a report may go from one status to another; staying is always allowed. */
export function isLegalTransition(from: ReportStatus, to: ReportStatus): boolean {
  return from === to || TRANSITIONS[from].includes(to);
}

/**
 * The identifier that Stripe deduplicates by. It names the report, not its quantity: after a restored backup a
 * report that is closed again with another quantity collides instead of being counted twice.
 *
 * @returns 67 characters; Stripe allows 100.
 */
export function identifierOf(
  { account_id, meter, report_id }: ReportKey,
  generation: number,
  digest: (text: string) => string,
): string {
  return `tb_${digest(JSON.stringify([account_id, meter, report_id, generation]))}`;
}

/** A day short of Stripe's 35, so that a report which waits for a retry is not refused for its age. */
export const MAX_SLOT_AGE_MS = 34 * DAY_MS;

/** From when on Stripe would take nothing of a sealed report any more. */
export function expiryOf({ period_end }: Pick<UsageReport, 'period_end'>): Instant {
  return (period_end ?? Number.POSITIVE_INFINITY) + MAX_SLOT_AGE_MS;
}

/** The instant that a report is stamped with. */
export interface Slot {
  readonly at: Instant;
  /** False: no other report of the customer and meter is stamped in that UTC minute. */
  readonly shared: boolean;
}

/**
 * Chooses where in its period a report is stamped: in the middle of the last free whole UTC minute, so that
 * Stripe's summary of that minute answers "did it arrive?". A period without a free minute shares one.
 *
 * @param taken starts of the minutes in which reports of the same customer and meter are stamped.
 * @param billed_from when Stripe began to bill by the report's price. What was used between the request of a plan change
 * and Stripe's change is stamped then, after the report's period: before, it would be billed at the old price.
 * @returns null when every instant of the period is too old for Stripe.
 */
export function chooseSlot(
  period: Period,
  taken: ReadonlySet<Instant>,
  now: Instant,
  billed_from: Instant = period.start,
): Slot | null {
  const earliest = Math.max(period.start, billed_from, now - MAX_SLOT_AGE_MS);
  const firstMinute = Math.ceil(earliest / MINUTE_MS) * MINUTE_MS;
  let minute = minuteOf(period.end) - MINUTE_MS;
  while (minute >= firstMinute && taken.has(minute)) minute -= MINUTE_MS;
  if (minute >= firstMinute) return { at: minute + MINUTE_MS / 2, shared: false };
  // Stripe takes whole seconds only; a change that we completed by our own clock began to bill within one.
  const billed_second = Math.ceil(billed_from / SECOND_MS) * SECOND_MS;
  const middle = Math.max(floorToSecond((period.start + period.end) / 2), billed_second);
  return middle >= now - MAX_SLOT_AGE_MS ? { at: middle, shared: true } : null;
}

/** What a minute says of a report. `unclear`: it may be counted, or others that share its minute are. */
export type SlotReading = 'present' | 'absent' | 'unclear' | 'foreign';

/** With more reports in one minute than this, only its full sum is told apart. */
const MAX_SHARING = 12;

/**
 * What Stripe's count of a minute says of one report.
 *
 * @param counted what Stripe counted in the minute.
 * @param others the quantities of other reports that are stamped in it and may or may not be counted by now: Stripe
 * counts late, and their own answers may be lost.
 */
export function interpretSlot(counted: number, quantity: number, others: readonly number[]): SlotReading {
  // Where corrections are among them, some of them can come to the same as all of them.
  const isUnlikeAnyPart = quantity > 0 && others.every((other) => other > 0);
  if (isUnlikeAnyPart && counted === others.reduce((sum, other) => sum + other, quantity)) return 'present';
  if (others.length > MAX_SHARING) return 'unclear';
  let sums = new Set([0]);
  for (const other of others) sums = new Set([...sums, ...[...sums].map((sum) => sum + other)]);
  const isPossibleWith = sums.has(counted - quantity);
  const isPossibleWithout = sums.has(counted);
  if (isPossibleWith) return isPossibleWithout ? 'unclear' : 'present';
  return isPossibleWithout ? 'absent' : 'foreign';
}

/** The start of the UTC minute that contains the instant. */
export function minuteOf(instant: Instant): Instant {
  return Math.floor(instant / MINUTE_MS) * MINUTE_MS;
}
