import type { PaidPlan } from '../catalogue.ts';
import type { UsageFact } from '../oracle/facts.ts';

/** A subscription as it was made at Stripe. */
export interface SubscriptionLog {
  readonly id: string;
  readonly plan: PaidPlan;
  readonly seats: number;
}

/** What the app asked for, by its own parameters. */
export type Wanted =
  /** `seats` null = as many as before. */
  | { readonly kind: 'plan'; readonly plan: PaidPlan; readonly seats: number | null }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'seats'; readonly seats: number }
  /** Some more than there are, or fewer. */
  | { readonly kind: 'added_seats'; readonly seats: number };

export interface AskedChange {
  readonly change_id: number;
  readonly wanted: Wanted;
}

/** Usage that was acknowledged, with its number in the ledger. */
export type LoggedUsage = Omit<UsageFact, 'is_held'> & { readonly event_id: number };

/** What the schedule did with one account, and the answers that it got. */
export class AccountLog {
  readonly name: string;
  readonly customer: string;
  readonly usage: LoggedUsage[] = [];
  readonly subscriptions: SubscriptionLog[] = [];
  readonly asked: AskedChange[] = [];
  /** Idempotency key → what it was first used with. */
  readonly keys = new Map<string, string>();
  /** The subscription that must end with its period: the app was told so; null = none. */
  ends: string | null = null;
  /** Subscriptions that may end with their period: the app asked for it, whatever it was told. */
  readonly mayEnd = new Set<string>();

  constructor(name: string, customer: string) {
    this.name = name;
    this.customer = customer;
  }
}
