import type { SubscriptionRecord } from './records.ts';

/** How long a first payment may take (docs.stripe.com/billing/subscriptions/overview). */
const INCOMPLETE_S = 23 * 3_600;

/** When a period or the subscription ends, or collecting resumes, in milliseconds; null: nothing happens by itself. */
export function nextStep(subscription: SubscriptionRecord): number | null {
  const { status, pause_collection } = subscription;
  if (status === 'canceled' || status === 'incomplete_expired') return null;
  if (status === 'incomplete') return (subscription.created + INCOMPLETE_S) * 1000;
  const resumes_at = pause_collection?.resumes_at ?? Number.POSITIVE_INFINITY;
  const at_s = Math.min(resumes_at, nextClosing(subscription));
  return Number.isFinite(at_s) ? at_s * 1000 : null;
}

/** When the period of an item, or the subscription, ends next, in seconds. The periods of a paused one do not end. */
export function nextClosing({ status, items, cancel_at }: SubscriptionRecord): number {
  const end = cancel_at?.at ?? Number.POSITIVE_INFINITY;
  return status === 'paused' ? end : Math.min(end, firstPeriodEnd(items));
}

export function firstPeriodEnd(items: SubscriptionRecord['items']): number {
  return Math.min(...items.map(({ period }) => period.end));
}
