import type { Stripe } from 'stripe';
import type { Connect } from './stripe-connection.ts';

/** Stripe allows 20 items of a subscription. */
const MAX_ITEMS = 100;

/** All items of a subscription, which itself holds its first ones only. */
export async function itemsOf(
  connect: Connect,
  { id, items }: Stripe.Subscription,
): Promise<Stripe.SubscriptionItem[]> {
  if (!items.has_more) return items.data;
  const stripe = await connect();
  return await stripe.subscriptionItems
    .list({ subscription: id, limit: 100 })
    .autoPagingToArray({ limit: MAX_ITEMS });
}
