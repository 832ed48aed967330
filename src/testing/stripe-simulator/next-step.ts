import type { SubscriptionRecord } from './records.ts';

/** When a period ends or collecting resumes, in milliseconds; null: nothing happens to it by itself. */
export function nextStep(subscription: SubscriptionRecord): number | null {
  const { status, pause_collection } = subscription;
  if (status === 'canceled' || status === 'paused') return null;
  const resumes_at = pause_collection?.resumes_at ?? Number.POSITIVE_INFINITY;
  return Math.min(resumes_at, nextClosing(subscription)) * 1000;
}

/** When the period of an item, or the subscription, ends next, in seconds. */
export function nextClosing({ items, cancel_at }: SubscriptionRecord): number {
  return Math.min(cancel_at?.at ?? Number.POSITIVE_INFINITY, ...items.map(({ period }) => period.end));
}
