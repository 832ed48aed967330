import { type PaidPlan, PRICES, type PriceData } from '../catalogue.ts';
import type { AccountFacts, BillLine, SubscriptionFact } from './facts.ts';
import { rateExactly } from './rating.ts';
import { paidFrom, periodNumberAt, periodStart } from './time-in-subscription.ts';

/** A quantity of a licensed price over some time. */
interface Holding {
  readonly plan: PaidPlan;
  readonly price: PriceData;
  readonly quantity: number;
  readonly from: number;
  /** When Stripe took it away; `Infinity` = it has not. */
  to: number;
}

/**
 * Lines for base fees and seats: in advance for each period, and where they change within one, the rest of the old as a
 * credit and the rest of the new, by the second.
 */
export function licensedLines({ subscriptions }: AccountFacts, until: number): BillLine[] {
  return subscriptions.flatMap((subscription) =>
    holdingsOf(subscription).flatMap((holding) => linesOf(subscription, holding, until)),
  );
}

function holdingsOf(subscription: SubscriptionFact): Holding[] {
  const { stretches, ending } = subscription;
  const holdings: Holding[] = [];
  const held = new Map<PriceData, Holding>();
  for (const { plan, seats, in_trial, ...stretch } of stretches) {
    const made_at = in_trial ? Math.min(stretch.made_at, paidFrom(subscription) - 1) : stretch.made_at;
    for (const [price, holding] of held) {
      const isKept = holding.plan === plan && (price.bills !== 'seats' || holding.quantity === seats);
      if (isKept) continue;
      holding.to = made_at;
      held.delete(price);
    }
    for (const price of PRICES[plan]) {
      if (price.bills === 'usage' || held.has(price)) continue;
      const quantity = price.bills === 'seats' ? seats : 1;
      const holding = { plan, price, quantity, from: made_at, to: Number.POSITIVE_INFINITY };
      held.set(price, holding);
      holdings.push(holding);
    }
  }
  for (const holding of held.values()) holding.to = ending?.made_at ?? Number.POSITIVE_INFINITY;
  return holdings;
}

function linesOf(subscription: SubscriptionFact, holding: Holding, until: number): BillLine[] {
  const { plan, price, quantity, from, to } = holding;
  const first = paidFrom(subscription);
  // Nothing that changes in a trial costs anything, nor does a trial.
  const isEndedByItself = subscription.ending?.how === 'period_end' && subscription.ending.made_at === to;
  if (to < first || first > until || (isEndedByItself && to === first)) return [];
  const begins = Math.max(from, first);
  const number = periodNumberAt(subscription, begins);
  const charged = (instant: number, sign: 1 | -1): BillLine[] => {
    const end = periodStart(subscription, periodNumberAt(subscription, instant) + 1);
    const start = periodStart(subscription, periodNumberAt(subscription, instant));
    const share = { part: (end - instant) / 1_000, whole: (end - start) / 1_000 };
    return rateExactly(price, quantity, share).map(({ amount, ...line }) => {
      return { plan, bills: price.bills, ...line, amount: sign === 1 ? amount : 0 - amount };
    });
  };
  const lines = charged(begins, 1);
  for (let next = number + 1; periodStart(subscription, next) <= Math.min(to, until); next += 1) {
    const start = periodStart(subscription, next);
    if (start < to || !isEndedByItself) lines.push(...charged(start, 1));
  }
  if (to <= until && !isEndedByItself) lines.push(...charged(to, -1));
  return lines;
}
