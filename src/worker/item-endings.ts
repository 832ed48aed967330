import type { SubscriptionItem } from '../core/billing-period.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import { endedItems, type ItemEnding } from '../core/changed-items.ts';
import { HOUR_MS } from '../core/instant.ts';
import type { AccountWithItems, Store } from '../core/store.ts';

/** Events of one subscription between two looks at it; more are no sign of anything. */
const MAX_EVENTS = 20;
/** How far Stripe's clock and ours may be apart. */
const CLOCK_TOLERANCE_MS = HOUR_MS;

interface EndingsContext {
  readonly store: Pick<Store, 'listSubscriptionEvents'>;
  readonly provider: Pick<BillingProvider, 'findItemEnding'>;
}

/**
 * When items ended that somebody removed, or gave another price, at Stripe: its own instant counts, however late we learn
 * of it. Where Stripe does not say, the newest event of the subscription does; without one, nothing is found.
 */
export async function findEndings(
  { store, provider }: EndingsContext,
  { account, items: known }: AccountWithItems,
  listed: readonly SubscriptionItem[],
): Promise<ItemEnding[]> {
  const { stripe_customer, synced_at } = account;
  const endings: ItemEnding[] = [];
  if (stripe_customer === null) return endings;
  for (const item of endedItems(known, listed)) {
    const { stripe_subscription, stripe_subscription_item, billed_from } = item;
    const received_after = synced_at ?? billed_from;
    const events = await store.listSubscriptionEvents({
      stripe_subscription,
      received_after,
      limit: MAX_EVENTS,
    });
    const found = await provider.findItemEnding({
      stripe_customer,
      item,
      event_ids: events.map(({ event_id }) => event_id),
      since: Math.max(billed_from, received_after - CLOCK_TOLERANCE_MS),
    });
    const learned = found.outcome === 'read' ? found.ended_at : null;
    const ended_at = learned ?? events[0]?.created_at;
    if (ended_at !== undefined) endings.push({ stripe_subscription_item, ended_at });
  }
  return endings;
}
