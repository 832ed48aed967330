import { PRICES } from '../catalogue.ts';
import type { AccountFacts, BillLine, Stretch, SubscriptionFact, UsageFact } from './facts.ts';
import { rateExactly } from './rating.ts';
import { paidFrom, periodNumberAt, periodStart, pricings } from './time-in-subscription.ts';

/** Late usage is on its own period's invoice for so long after the period's end (docs/reports.md). */
const LATE_WINDOW = 30 * 60_000;

/**
 * Between two workers that die, and Stripe failing, what is late on its own invoice may take so long to get there; an invoice
 * that is final sooner may miss it.
 */
const ROOM = 60 * 60_000;

/** The one charge that a unit is part of. */
interface Charge {
  readonly subscription: SubscriptionFact;
  readonly pricing: Stretch;
  readonly number: number;
  /** Until when usage of it may be recorded. */
  readonly takes_until: number;
  /** Where its period ends, with an invoice that is a draft at first; null = a change ends it, which is invoiced at once. */
  readonly ends_at: number | null;
}

/** Lines for what was used: every charge rates all of its units together. */
export function usageLines({ subscriptions, usage }: AccountFacts): BillLine[] {
  const charges = new Map<string, { charge: Charge; quantity: number }>();
  for (const fact of usage) {
    const charge = chargeOf(subscriptions, fact);
    if (charge === null) continue;
    const { subscription, pricing, number } = charge;
    const key = `${subscription.id}|${pricing.asked_at}|${number}`;
    const known = charges.get(key) ?? { charge, quantity: 0 };
    charges.set(key, { charge, quantity: known.quantity + fact.quantity });
  }
  return [...charges.values()].flatMap(({ charge: { pricing }, quantity }) => {
    const { plan } = pricing;
    const price = PRICES[plan].find(({ bills }) => bills === 'usage');
    if (!price) throw new Error(`The plan ${plan} has no price for usage.`);
    return rateExactly(price, quantity).map((line) => ({ plan, bills: 'usage' as const, ...line }));
  });
}

/** The charge that a unit belongs to; null = it is free. */
export function chargeOf(
  subscriptions: readonly SubscriptionFact[],
  fact: Pick<UsageFact, 'occurred_at' | 'recorded_at' | 'is_held'>,
): Charge | null {
  const { occurred_at, recorded_at } = fact;
  const own = chargeAt(subscriptions, Math.min(occurred_at, recorded_at));
  if (own === null || recorded_at < own.takes_until) return own;
  // What comes too late for its invoice is billed next, at the price of then.
  return chargeAt(subscriptions, recorded_at) ?? (isOnDraft(own, fact) ? own : null);
}

/** Where nothing is billed next, late usage is on its own invoice as long as that is not final. */
function isOnDraft(
  { subscription: { ending, finals }, ends_at }: Charge,
  { recorded_at, is_held }: Pick<UsageFact, 'recorded_at' | 'is_held'>,
): boolean {
  if (ends_at === null) return false;
  const final_at = finals.get(ends_at) ?? Number.POSITIVE_INFINITY;
  // What is recorded while a cancellation is under way waits for it.
  const isPending = ending !== null && ending.asked_at <= recorded_at && recorded_at < ending.made_at;
  const known_at = isPending ? ending.made_at : recorded_at;
  return known_at + ROOM < final_at || (recorded_at < final_at && !is_held);
}

function chargeAt(subscriptions: readonly SubscriptionFact[], instant: number): Charge | null {
  for (const subscription of subscriptions) {
    const end = subscription.ending?.asked_at ?? Number.POSITIVE_INFINITY;
    if (instant < paidFrom(subscription) || instant >= end) continue;
    const all = pricings(subscription);
    const index = all.findLastIndex(({ asked_at }) => asked_at <= instant);
    const pricing = all[index];
    if (!pricing) continue;
    // Usage between the request and Stripe's change is on the first invoice of the new price.
    const number = periodNumberAt(subscription, Math.max(instant, pricing.made_at, paidFrom(subscription)));
    const natural = periodStart(subscription, number + 1);
    const cut = Math.min(all[index + 1]?.asked_at ?? end, end);
    return cut < natural
      ? { subscription, pricing, number, takes_until: cut, ends_at: null }
      : { subscription, pricing, number, takes_until: natural + LATE_WINDOW, ends_at: natural };
  }
  return null;
}
