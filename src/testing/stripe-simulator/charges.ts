import { boundaryBefore } from './billing-cycle.ts';
import { existingPrice, recurringOf } from './prices.ts';
import type { ChargeRecord, Period, SubscriptionItemRecord, SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

/** What a metered item used up to an instant since it was last billed; nothing for a licensed one. */
export function usageCharge(
  subscription: SubscriptionRecord,
  item: SubscriptionItemRecord,
  until_s: number,
): ChargeRecord[] {
  if (item.quantity !== null) return [];
  const period = { start: item.unbilled_from, end: Math.min(item.period.end, until_s) };
  return [plainCharge(subscription, item, subscription.status === 'trialing' ? 'trial' : 'usage', period)];
}

/** What a licensed item's current period costs in advance; less if it is shorter than the interval. */
export function advanceCharge(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  item: SubscriptionItemRecord,
): ChargeRecord {
  return partialCharge(simulation, subscription, item, 'licensed', item.period.start);
}

/**
 * Credits the rest of a period that was paid in advance: on a flexible subscription what was paid, on a classic one what
 * it is worth now (docs.stripe.com/billing/subscriptions/billing-mode/compare).
 */
export function creditCharge(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  item: SubscriptionItemRecord,
  from_s: number,
): ChargeRecord[] {
  const paid = subscription.billing_mode === 'classic' ? item : item.debited;
  if (item.quantity === null || paid === null || from_s >= item.period.end) return [];
  const { price, quantity } = paid;
  return [partialCharge(simulation, subscription, { ...item, price, quantity }, 'unused', from_s)];
}

/** What a licensed item whose period was paid in full is paid for; null: it is metered. */
export function paidTerms({
  price,
  quantity,
}: Pick<SubscriptionItemRecord, 'price' | 'quantity'>): SubscriptionItemRecord['debited'] {
  return quantity === null ? null : { price, quantity };
}

/** The rest of a licensed item's period from an instant on, in proportion to the whole interval. */
export function partialCharge(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  item: SubscriptionItemRecord,
  kind: 'licensed' | 'unused' | 'remaining',
  from_s: number,
): ChargeRecord {
  const { end } = item.period;
  const recurring = recurringOf(existingPrice(simulation, item.price));
  const whole_s = end - boundaryBefore(subscription.billing_cycle_anchor, recurring, end);
  const part_s = end - from_s;
  const share = part_s < whole_s ? { part_s, whole_s } : null;
  return { ...plainCharge(subscription, item, kind, { start: from_s, end }), share };
}

export function plainCharge(
  { id }: SubscriptionRecord,
  item: SubscriptionItemRecord,
  kind: ChargeRecord['kind'],
  period: Period,
): ChargeRecord {
  return {
    kind,
    subscription: id,
    subscription_item: item.id,
    price: item.price,
    quantity: item.quantity,
    period,
    share: null,
  };
}
