import { addMonths } from '../../../src/core/billing-period.ts';
import { HOUR, MINUTE } from '../credits-scene.ts';

/** A monthly subscription at Stripe, by Stripe's own instants. */
export interface ModelSubscription {
  readonly id: string;
  readonly started_at: number;
  /** Where the first paid period begins. */
  readonly paid_from: number;
  ended_at: number | null;
}

export interface ModelEvent {
  readonly quantity: number;
  readonly occurred_at: number;
  readonly recorded_at: number;
}

/** docs/reports.md: late usage goes onto its own period's invoice for so long after the period's end. */
const LATE_WINDOW = 30 * MINUTE;
/** A worker that was stopped, or failed, may take so long to come back: the longest wait between retries. */
const LONGEST_RETRY = HOUR;
const DRAFT = HOUR;

/** What must be true of one account: a plain list of what was acknowledged, and Stripe's instants. */
export class Expectation {
  readonly events: ModelEvent[] = [];
  readonly subscriptions: ModelSubscription[] = [];
  /** Idempotency key → what it was first used with. */
  readonly keys = new Map<string, string>();
  linked_at: number | null = null;

  quantityIn(start: number, end: number): number {
    return sum(this.events.filter(({ occurred_at: at }) => start <= at && at < end));
  }

  /** What at most is billed. */
  get payableQuantity(): number {
    return sum(this.events.filter((event) => this.isPayable(event)));
  }

  /**
   * Whether an event may reach Stripe: it was paid for, or was sent before its subscription ended, in the same second
   * or with a timestamp ahead.
   */
  isPayable({ occurred_at, recorded_at }: Pick<ModelEvent, 'occurred_at' | 'recorded_at'>): boolean {
    const instants = [occurred_at, occurred_at - 1_000, Math.min(recorded_at, occurred_at)];
    return instants.some((instant) => this.paidAt(instant) !== null);
  }

  /** The subscription that an instant is paid by. */
  paidAt(instant: number): ModelSubscription | null {
    const pays = ({ paid_from, ended_at }: ModelSubscription) =>
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
   * The quantity that each paid period's invoice must bill, by the period's start; null = the schedule does not say:
   * a cancellation drops usage, and an invoice misses what is sent after it.
   */
  invoices(gaps: readonly Gap[], until: number): ReadonlyMap<number, number> | null {
    const [subscription, ...others] = this.subscriptions;
    if (!subscription || others.length > 0 || subscription.ended_at !== null) return null;
    // Linked later, usage that was already sealed is sent after its invoice.
    if (this.linked_at === null || this.linked_at > addMonths(subscription.paid_from, 1)) return null;
    for (let index = 1; addMonths(subscription.paid_from, index) <= until; index += 1) {
      const end = addMonths(subscription.paid_from, index);
      if (gaps.some(({ from, to }) => from <= end + DRAFT && to + LONGEST_RETRY >= end)) return null;
    }
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

function indexAt({ paid_from }: ModelSubscription, instant: number): number {
  let index = 0;
  while (addMonths(paid_from, index + 1) <= instant) index += 1;
  return index;
}

function sum(events: readonly ModelEvent[]): number {
  return events.reduce((total, { quantity }) => total + quantity, 0);
}
