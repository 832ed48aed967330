import type { Period } from './billing-period.ts';
import type { Instant } from './environment.ts';
import { formatInstant } from './instant.ts';
import { describeLines, formatMoney } from './money.ts';
import { type Price, rate } from './price.ts';

/** Which bills belong together: those of one billing period. */
export interface UnflushedBillScope {
  readonly account_id: string;
  readonly meter: string;
  /** Of the billing period. */
  readonly period_start: Instant;
}

/** What a person had billed that a change made elsewhere left off its invoice. Written down before Stripe is asked. */
export interface UnflushedBill extends UnflushedBillScope {
  /** Counts the bills of one billing period from 1. */
  readonly bill_id: number;
  readonly period_end: Instant;
  readonly stripe_customer: string;
  /** Units; null = the price bills packages. */
  readonly quantity: number | null;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  /** What the customer reads on the invoice. */
  readonly description: string;
  readonly billed_at: Instant;
  readonly actor: string;
  readonly reason: string;
}

/** The part of the store that keeps them, for good. */
export interface UnflushedBillStore {
  /** In their order. */
  listUnflushedBills(scope: UnflushedBillScope): Promise<readonly UnflushedBill[]>;
  /** Writes a bill down. @returns it, or the one that has its number already: two at once make one. */
  addUnflushedBill(bill: UnflushedBill): Promise<UnflushedBill>;
}

/** What a bill is known by at Stripe, for ever. */
export function billKeyOf(
  { account_id, meter, period_start, bill_id }: UnflushedBillScope & Pick<UnflushedBill, 'bill_id'>,
  digest: (text: string) => string,
): string {
  return `tbb_${digest(JSON.stringify([account_id, meter, period_start, bill_id]))}`;
}

export interface DescribedBill {
  readonly meter: string;
  readonly period: Period;
  readonly price: Price;
  /** Units that Stripe counted in the period. */
  readonly counted: number;
  /** Those that are billed now; null = the price bills packages. */
  readonly quantity: number | null;
  /** Minor units that are billed now. */
  readonly amount: number;
}

/** Stripe takes 500 characters; a price of many tiers is not told line by line. */
const MAX_LINES = 4;

/** What the customer reads: the meter, how much was used and when, and how it is priced. */
export function describeBill({ meter, period, price, counted, quantity, amount }: DescribedBill): string {
  const rated = rate(price, counted);
  const units = new Intl.NumberFormat('en-US').format;
  const isAll = quantity === null || quantity === counted;
  const used = isAll ? units(counted) : `${units(quantity)} of ${units(counted)}`;
  const total = formatMoney(String(rated.amount), price.currency);
  const lines = rated.lines.length > MAX_LINES ? total : describeLines(rated).join(' + ');
  const before = rated.amount - amount;
  const less = before === 0 ? '' : `, less ${formatMoney(String(before), price.currency)} billed before`;
  return `${meter}: ${used} used ${timeOf(period)}, at the price of that time: ${lines}${less}`;
}

function timeOf({ start, end }: Period): string {
  const [from, until] = [formatInstant(start), formatInstant(end)];
  const [first, last] = [from.slice(0, 10), until.slice(0, 10)];
  return first === last
    ? `on ${first}, ${from.slice(11, 16)} to ${until.slice(11, 16)} (UTC)`
    : `${first} to ${last} (UTC)`;
}
