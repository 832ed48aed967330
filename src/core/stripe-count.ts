import type { Period } from './billing-period.ts';
import type { Instant } from './environment.ts';
import { DAY_MS, MINUTE_MS } from './instant.ts';
import type { SlotUse } from './store.ts';
import { minuteOf } from './usage-report.ts';

/** What Stripe counted for a customer and meter in some whole UTC minutes, and the reports stamped in them. */
export interface StripeReading {
  readonly range: Period;
  readonly counted: number;
  readonly uses: readonly SlotUse[];
}

/**
 * What a reading says beyond its reports. `pending`: Stripe accepted a report and has not counted it yet.
 * `not_counted`: it has had a day for that. `unconfirmed`: it counted a report that is not known here to be accepted.
 * `foreign_writer`: it counted what no report here explains. `unexplained`: it was not read minute by minute.
 */
export type CountFinding = 'pending' | 'not_counted' | 'unconfirmed' | 'foreign_writer' | 'unexplained';

/** How long Stripe may take to count what it has accepted before a person is asked. */
const MAX_COUNTING_MS = DAY_MS;
/** With more reports in one minute than this, only its full sum is told apart. */
const MAX_SHARING = 12;

/** What Stripe must have counted once it has counted everything that it accepted. */
export function acceptedQuantity(uses: readonly SlotUse[]): number {
  return sumOf(uses.filter(isAccepted));
}

/** What Stripe counted beyond that; negative = less. */
function excessOf({ counted, uses }: StripeReading): number {
  return counted - acceptedQuantity(uses);
}

/** Part of why a reading is not exactly what Stripe accepted. */
interface PartOfExcess {
  readonly finding: CountFinding;
  /** Units that Stripe counted beyond what it accepted; negative = fewer. */
  readonly excess: number;
}

/** Why a reading is not exactly what Stripe accepted; nothing where it is. */
export function findingsOf(reading: StripeReading, now: Instant): PartOfExcess[] {
  const { uses } = reading;
  const excess = excessOf(reading);
  if (excess === 0) return [];
  if (uses.length === 0) return [{ finding: 'foreign_writer', excess }];
  if (!isOneMinute(reading.range)) return [{ finding: 'unexplained', excess }];
  const accepted = uses.filter(isAccepted);
  const young = accepted.filter((use) => isAwaited(use, now));
  const others = uses.filter((use) => !isAccepted(use));
  if (excess < 0) {
    if (-excess <= sumOf(young.filter(({ quantity }) => quantity > 0)))
      return [{ finding: 'pending', excess }];
    // A report of corrections takes away as soon as it is counted, and where it is not, the count is too high.
    return [{ finding: isSumOf(excess, others) ? 'unconfirmed' : 'not_counted', excess }];
  }
  if (isSumOf(-excess, young)) return [{ finding: 'pending', excess }];
  if (isSumOf(-excess, accepted)) return [{ finding: 'not_counted', excess }];
  const unconfirmed = isSumOf(excess, others) ? excess : sumOf(others);
  const parts: PartOfExcess[] = [
    { finding: 'unconfirmed', excess: unconfirmed },
    { finding: 'foreign_writer', excess: excess - unconfirmed },
  ];
  const isBeyond = unconfirmed > 0 && excess >= unconfirmed;
  return isBeyond ? parts.filter((part) => part.excess !== 0) : [{ finding: 'foreign_writer', excess }];
}

/**
 * Where to divide a reading that differs, to find the minutes that do; null = it needs no division. The middle one of
 * the minutes that hold reports ends the first part, so that what lies between them is read as a whole.
 */
export function divisionOf(reading: StripeReading): Instant | null {
  const { range, uses } = reading;
  if (excessOf(reading) === 0 || uses.length === 0 || isOneMinute(range)) return null;
  const minutes = [...new Set(uses.map(({ slot }) => minuteOf(slot)))].sort((a, b) => a - b);
  const middle = minutes[Math.floor(minutes.length / 2)] ?? range.start;
  return middle > range.start ? middle : middle + MINUTE_MS;
}

/** The smallest span of whole UTC minutes around a period: what Stripe can be asked about. */
export function wholeMinutes({ start, end }: Period): Period {
  return { start: minuteOf(start), end: Math.ceil(end / MINUTE_MS) * MINUTE_MS };
}

function isAccepted({ status }: SlotUse): boolean {
  return status === 'reported';
}

/** Whether Stripe may still be about to count it. */
function isAwaited(use: SlotUse, now: Instant): boolean {
  return isAccepted(use) && use.verified_at === null && now - (use.reported_at ?? now) < MAX_COUNTING_MS;
}

function isOneMinute({ start, end }: Period): boolean {
  return end - start === MINUTE_MS;
}

function isSumOf(total: number, uses: readonly SlotUse[]): boolean {
  if (uses.length > MAX_SHARING) return total === sumOf(uses);
  let sums = new Set([0]);
  for (const { quantity } of uses) sums = new Set([...sums, ...[...sums].map((sum) => sum + quantity)]);
  return sums.has(total);
}

function sumOf(uses: readonly SlotUse[]): number {
  return uses.reduce((sum, { quantity }) => sum + quantity, 0);
}
