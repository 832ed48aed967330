import { addMonths } from '../../../src/core/billing-period.ts';
import { HOUR, MINUTE } from '../time.ts';

/** A monthly subscription at Stripe, by Stripe's own instants. */
export interface KnownSubscription {
  readonly id: string;
  readonly started_at: number;
  /** Where the first paid period begins. */
  paid_from: number;
  ended_at: number | null;
}

export interface KnownEvent {
  readonly quantity: number;
  readonly occurred_at: number;
  readonly recorded_at: number;
}

/** What happened to an account that only a person can put right, or that changes what an invoice says. */
export type Trouble = 'restored' | 'foreign' | 'rejected' | 'deleted' | 'skewed' | 'poisoned';

export interface ExpectationSnapshot {
  readonly events: readonly KnownEvent[];
  readonly keys: ReadonlyMap<string, string>;
  readonly linked_at: number | null;
}

/** docs/reports.md: late usage goes onto its own period's invoice for so long after the period's end. */
const LATE_WINDOW = 30 * MINUTE;
/** A worker that was stopped, or failed, may take so long to come back: the longest wait between retries. */
const LONGEST_RETRY = HOUR;
const DRAFT = HOUR;

/** What must be true of one account: a plain list of what was acknowledged, and Stripe's instants. */
export class Expectation {
  events: KnownEvent[] = [];
  readonly subscriptions: KnownSubscription[] = [];
  /** Idempotency key → what it was first used with. */
  keys = new Map<string, string>();
  /** When a key was first used. */
  readonly keyedAt = new Map<number, number>();
  linked_at: number | null = null;
  /** Its billing periods have moved, and nobody told the app: before it asks, an invoice may be final. */
  isLearnedLate = false;
  /** Acknowledged once, and lost with the database that an older backup replaced. */
  forgotten: KnownEvent[] = [];
  /** What other writers sent to Stripe for its customer. */
  foreign = 0;
  /** Faults that a report of it may rightly be held or failed for, and that its invoices cannot be foretold after. */
  readonly troubles = new Set<Trouble>();

  /** What a backup of the database remembers of it. */
  snapshot(): ExpectationSnapshot {
    return { events: [...this.events], keys: new Map(this.keys), linked_at: this.linked_at };
  }

  /** The database is as it was: what was acknowledged since is forgotten, but for what Stripe has. */
  restore({ events, keys, linked_at }: ExpectationSnapshot): void {
    const kept = new Set(events);
    this.forgotten.push(...this.events.filter((event) => !kept.has(event)));
    this.events = [...events];
    this.keys = new Map(keys);
    this.linked_at = linked_at;
    this.troubles.add('restored');
  }

  quantityIn(start: number, end: number): number {
    return sum(this.events.filter(({ occurred_at: at }) => start <= at && at < end));
  }

  /** What at most is billed of our own. */
  get payableQuantity(): number {
    return sum([...this.events, ...this.forgotten].filter((event) => this.isPayable(event)));
  }

  /**
   * Whether an event may reach Stripe: it was paid for, or was sent before its subscription ended, in the same second,
   * with a timestamp ahead, or by a machine whose clock is ahead.
   */
  isPayable({ occurred_at, recorded_at }: Pick<KnownEvent, 'occurred_at' | 'recorded_at'>): boolean {
    const told_at = Math.min(recorded_at, occurred_at);
    const instants = [occurred_at, told_at];
    if (this.troubles.has('skewed')) instants.push(...this.subscriptions.flatMap(endedWithin(told_at)));
    const mayPay = ({ paid_from, ended_at }: KnownSubscription, instant: number) =>
      paid_from <= instant && (ended_at === null || instant < ended_at + 1_000);
    return this.subscriptions.some((subscription) =>
      instants.some((instant) => mayPay(subscription, instant)),
    );
  }

  /** The subscription that an instant is paid by. */
  paidAt(instant: number): KnownSubscription | null {
    const pays = ({ paid_from, ended_at }: KnownSubscription) =>
      paid_from <= instant && (ended_at === null || instant < ended_at);
    return this.subscriptions.find(pays) ?? null;
  }

  /** The end of Stripe's billing period at an instant; null = nothing bills. */
  periodEndAfter(instant: number): number | null {
    const active = this.subscriptions.find(({ ended_at }) => ended_at === null);
    if (!active) return null;
    if (instant < active.paid_from) return active.paid_from;
    return addMonths(active.paid_from, indexAt(active, instant) + 1);
  }

  /**
   * Whether whatever Stripe counts must be on some invoice, though it cannot be foretold on which: clocks were wrong, and
   * nothing else was.
   */
  billsAll(gaps: readonly Gap[], until: number): boolean {
    const [subscription, ...others] = this.subscriptions;
    if (!subscription || others.length > 0 || subscription.ended_at !== null) return false;
    const isSkewed = this.troubles.size === 1 && this.troubles.has('skewed') && !this.isLearnedLate;
    return isSkewed && !isAnyEndMissed(subscription, gaps, until);
  }

  /**
   * The quantity that each paid period's invoice must bill, by the period's start; null = the schedule does not say:
   * a cancellation drops usage, and an invoice misses what is sent after it.
   */
  invoices(gaps: readonly Gap[], until: number): ReadonlyMap<number, number> | null {
    if (this.troubles.size > 0 || this.isLearnedLate) return null;
    const [subscription, ...others] = this.subscriptions;
    if (!subscription || others.length > 0 || subscription.ended_at !== null) return null;
    // Linked later, usage that was already sealed is sent after its invoice.
    if (this.linked_at === null || this.linked_at > addMonths(subscription.paid_from, 1)) return null;
    if (isAnyEndMissed(subscription, gaps, until)) return null;
    const invoices = new Map<number, number>();
    for (const { occurred_at, recorded_at, quantity } of this.events) {
      if (this.paidAt(occurred_at) === null) continue;
      const own = indexAt(subscription, occurred_at);
      const isLate = recorded_at >= addMonths(subscription.paid_from, own + 1) + LATE_WINDOW;
      const start = addMonths(subscription.paid_from, isLate ? indexAt(subscription, recorded_at) : own);
      invoices.set(start, (invoices.get(start) ?? 0) + quantity);
    }
    return invoices;
  }
}

/** A time in which no worker ran, or Stripe failed. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Whether nobody worked, or Stripe failed, while an invoice of a subscription was a draft. */
function isAnyEndMissed({ paid_from }: KnownSubscription, gaps: readonly Gap[], until: number): boolean {
  for (let index = 1; addMonths(paid_from, index) <= until; index += 1) {
    const end = addMonths(paid_from, index);
    if (gaps.some(({ from, to }) => from <= end + DRAFT && to + LONGEST_RETRY >= end)) return true;
  }
  return false;
}

function indexAt({ paid_from }: KnownSubscription, instant: number): number {
  let index = 0;
  while (addMonths(paid_from, index + 1) <= instant) index += 1;
  return index;
}

function sum(events: readonly KnownEvent[]): number {
  return events.reduce((total, { quantity }) => total + quantity, 0);
}

/** The last paid instant of a subscription that ended up to an hour before, as a clock that is ahead may put it. */
function endedWithin(told_at: number) {
  return ({ ended_at }: KnownSubscription): number[] =>
    ended_at !== null && ended_at <= told_at && told_at - ended_at <= HOUR ? [ended_at] : [];
}
