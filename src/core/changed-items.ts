import type { SubscriptionItem } from './billing-period.ts';
import type { Instant } from './environment.ts';
import { floorToSecond } from './instant.ts';

/** When an item stopped billing as it did, by Stripe's clock. */
export interface ItemEnding {
  readonly stripe_subscription_item: string;
  readonly ended_at: Instant;
}

export interface CurrentItemsInput {
  /** As the database has them. */
  readonly known: readonly SubscriptionItem[];
  /** As Stripe lists them now: each item with its present price. */
  readonly listed: readonly SubscriptionItem[];
  /** What could be learned of items that are listed no longer, or with another price. */
  readonly endings: readonly ItemEnding[];
  readonly now: Instant;
}

/**
 * All stretches of time over which items billed an account. Stripe lists only what is there now: an item that was
 * removed, and the time of an item before its price was swapped, stay as they were known, ended at Stripe's instant,
 * as far as it can be learned, otherwise now.
 */
export function currentItems({ known, listed, endings, now }: CurrentItemsInput): SubscriptionItem[] {
  const stretches = Map.groupBy(known, (item) => item.stripe_subscription_item);
  const present = new Map(listed.map((item) => [item.stripe_subscription_item, item]));
  const endOf = (last: SubscriptionItem) => {
    const learned = endings.find(
      ({ stripe_subscription_item: id }) => id === last.stripe_subscription_item,
    )?.ended_at;
    return learned ?? successorOf(last, known, listed)?.billed_from ?? floorToSecond(now);
  };
  const current: SubscriptionItem[] = [];
  for (const [id, rows] of stretches) {
    const last = newestOf(rows);
    const item = present.get(id);
    current.push(...rows.filter((row) => row !== last));
    if (!item) current.push({ ...last, ended_at: last.ended_at ?? endOf(last) });
    else if (isSwapped(last, item)) current.push(...swapped(last, item, endOf(last)));
    else if (isGivenTrial(last, item)) current.push(...swapped(last, item, item.current_period_start));
    else if (isResumed(last, item)) current.push(last, resumed(item));
    else current.push(continued(last, item));
  }
  const added = [...present.values()].filter((item) => !stretches.has(item.stripe_subscription_item));
  return [...current, ...added];
}

/**
 * Items that Stripe lists no longer, or with another price, and nothing that it lists says since when: they are asked
 * about.
 */
export function endedItems(
  known: readonly SubscriptionItem[],
  listed: readonly SubscriptionItem[],
): SubscriptionItem[] {
  const present = new Map(listed.map((item) => [item.stripe_subscription_item, item]));
  const stretches = Map.groupBy(known, (item) => item.stripe_subscription_item);
  return [...stretches.values()].map(newestOf).filter((last) => {
    const item = present.get(last.stripe_subscription_item);
    if (item) return isSwapped(last, item);
    return last.ended_at === null && successorOf(last, known, listed) === null;
  });
}

/** What took the place of an item that is gone: Stripe says of it when it was made. */
function successorOf(
  gone: SubscriptionItem,
  known: readonly SubscriptionItem[],
  listed: readonly SubscriptionItem[],
): SubscriptionItem | null {
  const before = new Set(known.map((item) => item.stripe_subscription_item));
  const [first] = listed
    .filter(
      (item) =>
        item.stripe_subscription === gone.stripe_subscription &&
        item.meter === gone.meter &&
        item.billed_from >= gone.billed_from &&
        !before.has(item.stripe_subscription_item),
    )
    .sort((a, b) => a.billed_from - b.billed_from);
  return first ?? null;
}

function isSwapped(last: SubscriptionItem, item: SubscriptionItem): boolean {
  return last.ended_at === null && last.stripe_price !== item.stripe_price;
}

/**
 * Whether a trial began after the item had billed. Stripe begins a billing period with it, so that what was used before stays
 * what the item bills, and only what is used since then is free.
 */
function isGivenTrial(last: SubscriptionItem, item: SubscriptionItem): boolean {
  const { trial_end, current_period_start: begun_at } = item;
  if (last.ended_at !== null || trial_end === null || begun_at >= trial_end) return false;
  return begun_at > last.billed_from && (last.trial_end === null || last.trial_end < begun_at);
}

/**
 * Whether it bills again after a pause, which had ended it. Stripe begins a billing period when a subscription is resumed: one
 * that goes on with a period of before bills all of that, as where its items were only not listed for a while.
 */
function isResumed(last: SubscriptionItem, item: SubscriptionItem): boolean {
  return last.ended_at !== null && item.ended_at === null && item.current_period_start >= last.ended_at;
}

function resumed(item: SubscriptionItem): SubscriptionItem {
  return { ...item, started_at: item.current_period_start, billed_from: item.current_period_start };
}

/** Before the swap the old price bills, from the swap on the new one; a price that billed no time is forgotten. */
function swapped(last: SubscriptionItem, item: SubscriptionItem, learned: Instant): SubscriptionItem[] {
  const at = Math.min(learned, item.ended_at ?? learned);
  if (at <= last.billed_from) {
    return [{ ...item, started_at: last.started_at, billed_from: last.billed_from }];
  }
  return [
    { ...last, ended_at: at },
    { ...item, started_at: at, billed_from: at },
  ];
}

/** A switch that was requested before Stripe made it stays where the customer asked for it, and a swap where it was. */
function continued(last: SubscriptionItem, item: SubscriptionItem): SubscriptionItem {
  const ended_at = item.ended_at === null ? null : Math.min(last.ended_at ?? item.ended_at, item.ended_at);
  const { started_at, billed_from } = item;
  if (last.billed_from < billed_from) return { ...item, ended_at };
  return {
    ...item,
    ended_at,
    billed_from: last.billed_from,
    started_at: last.billed_from > billed_from ? last.started_at : Math.min(last.started_at, started_at),
  };
}

function newestOf(rows: readonly SubscriptionItem[]): SubscriptionItem {
  return rows.reduce((newest, row) => (row.billed_from > newest.billed_from ? row : newest));
}
