import type { PaidPlan } from '../catalogue.ts';

/** Usage that was acknowledged. Instants are milliseconds since 1970. */
export interface UsageFact {
  readonly quantity: number;
  readonly occurred_at: number;
  readonly recorded_at: number;
  /** Whether the product says that no invoice bills it any more; asked only where its rules leave room. */
  readonly is_held: boolean;
}

/** What a subscription sells from some moment on. */
export interface Stretch {
  readonly plan: PaidPlan;
  readonly seats: number;
  /** The moment of the call, which usage goes by. */
  readonly asked_at: number;
  /** When Stripe changed it, which fees and seats go by. */
  readonly made_at: number;
  /** Whether the subscription was in its trial then, which may have ended in the same second. */
  readonly in_trial: boolean;
}

/** What ended a subscription. */
export interface Ending {
  readonly how: 'now' | 'period_end';
  readonly asked_at: number;
  readonly made_at: number;
}

/** A subscription by Stripe's own instants, by the month. */
export interface SubscriptionFact {
  readonly id: string;
  readonly started_at: number;
  /** Where its trial ended, or ends; null = it had none. */
  readonly trial_end: number | null;
  /** The first is what it began with. */
  readonly stretches: readonly Stretch[];
  /** null = it goes on. */
  readonly ending: Ending | null;
  /** When the invoices of its periods became final, by the ends of the periods. */
  readonly finals: ReadonlyMap<number, number>;
}

/** Everything that an account's invoices follow from. */
export interface AccountFacts {
  /** Oldest first; they do not overlap. */
  readonly subscriptions: readonly SubscriptionFact[];
  readonly usage: readonly UsageFact[];
}

/** A line that must be on an invoice. */
export interface BillLine {
  readonly plan: PaidPlan;
  readonly bills: 'usage' | 'base_fee' | 'seats';
  readonly quantity: number;
  /** Cents; negative = a credit. */
  readonly amount: number;
}
