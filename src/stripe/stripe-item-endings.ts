import type { Stripe } from 'stripe';
import type { FindItemEndingParams, FindItemEndingResult } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { Connect } from './stripe-connection.ts';
import { failureOf } from './stripe-outcome.ts';

const UPDATED = 'customer.subscription.updated';
const PAGE = 100;
/** Events and invoice items that are looked through; what is older, or lies behind so many others, is not found. */
const MAX_READ = 1_000;

/**
 * When a subscription item stopped being billed by a price: the event that tells of it, which Stripe keeps for 30 days,
 * or the end of the time that the invoice item bills which Stripe made for it.
 */
export async function findItemEnding(
  connect: Connect,
  params: FindItemEndingParams,
): Promise<FindItemEndingResult> {
  try {
    const stripe = await connect();
    const event = params.event_ids.length > 0 ? await namedEvent(stripe, params) : null;
    const told = event ?? (await listedEvent(stripe, params));
    return { outcome: 'read', ended_at: told ?? (await billedUntil(stripe, params)) };
  } catch (error) {
    return failureOf(error);
  }
}

async function namedEvent(stripe: Stripe, params: FindItemEndingParams): Promise<Instant | null> {
  for (const id of params.event_ids) {
    const event = await stripe.events.retrieve(id);
    if (tellsOfEnding(event, params)) return event.created * SECOND_MS;
  }
  return null;
}

/** Newest first, as Stripe lists them, until they are too old. */
async function listedEvent(stripe: Stripe, params: FindItemEndingParams): Promise<Instant | null> {
  let read = 0;
  for await (const event of stripe.events.list({ type: UPDATED, limit: PAGE })) {
    read += 1;
    if (read > MAX_READ || event.created * SECOND_MS < params.since) return null;
    if (tellsOfEnding(event, params)) return event.created * SECOND_MS;
  }
  return null;
}

/** Whether the item had the price before, and afterwards has another one, or is gone. */
function tellsOfEnding(event: Stripe.Event, { item }: FindItemEndingParams): boolean {
  if (event.type !== UPDATED) return false;
  const { object, previous_attributes } = event.data;
  const isListed = (listed: Stripe.SubscriptionItem) =>
    listed.id === item.stripe_subscription_item && listed.price?.id === item.stripe_price;
  return (
    object.id === item.stripe_subscription &&
    (previous_attributes?.items?.data ?? []).some(isListed) &&
    !object.items.data.some(isListed)
  );
}

async function billedUntil(
  stripe: Stripe,
  { stripe_customer, item, since }: FindItemEndingParams,
): Promise<Instant | null> {
  const items = await stripe.invoiceItems
    .list({ customer: stripe_customer, limit: PAGE })
    .autoPagingToArray({ limit: MAX_READ });
  const ends = items
    .filter(
      ({ parent, pricing, proration }) =>
        proration &&
        parent?.subscription_details?.subscription_item === item.stripe_subscription_item &&
        pricing?.price_details?.price === item.stripe_price,
    )
    .map(({ period }) => period.end * SECOND_MS)
    .filter((end) => end >= since);
  return ends.length === 0 ? null : Math.max(...ends);
}
