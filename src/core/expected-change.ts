import { type Period, periodAt, type SubscriptionItem } from './billing-period.ts';
import { parseDecimal } from './decimal.ts';
import type { PlanPrice, Plans } from './plan.ts';
import type { Price } from './price.ts';
import type { AccountWithItems } from './store.ts';
import { offerOf, type SubscriptionChange } from './subscription-change.ts';

/**
 * An account as it will be once a change that is under way is made, since the request: the customer has switched, however
 * long Stripe takes. A meter whose price the plans share goes on as it is.
 */
export function accountAfter(
  { account, items }: AccountWithItems,
  change: SubscriptionChange,
  plans: Plans,
): AccountWithItems {
  if (change.kind === 'seats') return { account, items };
  const { stripe_subscription, requested_at } = change;
  const isChanged = (item: SubscriptionItem) =>
    item.stripe_subscription === stripe_subscription && (item.ended_at ?? requested_at) >= requested_at;
  const changed = items.filter(isChanged);
  const wanted = pricesAfter(change, plans);
  const isKept = (item: SubscriptionItem) => wanted.some((price) => isBilledBy(item, price));
  const kept = changed.filter(isKept);
  const ended = changed
    .filter((item) => !kept.includes(item))
    .map((item) => ({ ...item, ended_at: requested_at }));
  const added = wanted
    .filter(({ meter }) => !kept.some((item) => item.meter === meter))
    .flatMap((price) => successor(changed, price, change));
  const others = items.filter((item) => !changed.includes(item));
  return { account: { ...account, plan: change.plan }, items: [...others, ...kept, ...ended, ...added] };
}

function pricesAfter({ plan, interval }: SubscriptionChange, plans: Plans): readonly PlanPrice[] {
  const target = plan === null ? undefined : plans[plan];
  return target && interval !== null ? offerOf(target, interval).metered : [];
}

/** The anchor of a flexible subscription stays, also where the interval changes. */
function successor(
  items: readonly SubscriptionItem[],
  price: PlanPrice,
  { requested_at, change_id }: SubscriptionChange,
): SubscriptionItem[] {
  const { meter, interval } = price;
  const before = items.find((item) => item.meter === meter) ?? items[0];
  if (!before) return [];
  const recurrence = { anchor: before.anchor, interval, interval_count: 1 };
  const isSame = before.interval === interval && before.interval_count === 1;
  const { start, end }: Period = isSame
    ? { start: before.current_period_start, end: before.current_period_end }
    : periodAt(recurrence, requested_at);
  return [
    {
      ...before,
      ...recurrence,
      stripe_subscription_item: `change ${change_id}`,
      meter,
      price,
      started_at: requested_at,
      billed_from: requested_at,
      ended_at: null,
      current_period_start: start,
      current_period_end: end,
    },
  ];
}

function isBilledBy({ meter, interval, interval_count, price }: SubscriptionItem, other: PlanPrice): boolean {
  return (
    other.meter === meter &&
    other.interval === interval &&
    interval_count === 1 &&
    amountsOf(other) === amountsOf(price)
  );
}

/** Stripe spells out what the configuration leaves to its default. */
function amountsOf({ currency, tiers, tiers_mode, unit_amount_decimal, transform_quantity }: Price): string {
  const steps = tiers?.map((tier) => [
    tier.up_to,
    amountOf(tier.unit_amount_decimal),
    amountOf(tier.flat_amount_decimal),
  ]);
  const { divide_by = 1, round } = transform_quantity ?? {};
  const unit = tiers ? null : amountOf(unit_amount_decimal);
  return JSON.stringify([
    currency,
    tiers_mode ?? null,
    steps ?? null,
    unit,
    divide_by,
    divide_by === 1 ? null : round,
  ]);
}

/** One spelling of each amount: `'2'`, `'2.0'`. */
function amountOf(text = '0'): string {
  return String(parseDecimal(text));
}
