import { PRICES } from '../catalogue.ts';
import type { AccountFacts, BillLine, Stretch, SubscriptionFact, UsageFact } from './facts.ts';
import { rateExactly } from './rating.ts';
import { paidFrom, periodNumberAt, periodStart, pricings } from './time-in-subscription.ts';

/** Late usage is on its own period's invoice for so long after the period's end (docs/reports.md). */
const LATE_WINDOW = 30 * 60_000;

/** The one charge that a unit is part of. */
interface Charge {
  readonly subscription: SubscriptionFact;
  readonly pricing: Stretch;
  readonly number: number;
  /** Until when usage of it may be recorded. */
  readonly takes_until: number;
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
  { occurred_at, recorded_at }: Pick<UsageFact, 'occurred_at' | 'recorded_at'>,
): Charge | null {
  const own = chargeAt(subscriptions, Math.min(occurred_at, recorded_at));
  // What comes too late for its invoice is billed next, at the price of then; where nothing bills then, by nobody.
  return own !== null && recorded_at >= own.takes_until ? chargeAt(subscriptions, recorded_at) : own;
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
    return { subscription, pricing, number, takes_until: cut < natural ? cut : natural + LATE_WINDOW };
  }
  return null;
}
