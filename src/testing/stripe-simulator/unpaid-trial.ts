import { emitSnapshot } from './events.ts';
import { cardOf } from './payments.ts';
import type { SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { emitEnd, emitUpdate } from './subscription-cycle.ts';
import { subscriptionView } from './subscription-view.ts';

/**
 * Ends the trial of a customer who has left no payment method, where the subscription says what becomes of it then: it pauses or
 * ends, and bills nothing (docs.stripe.com/billing/subscriptions/trials).
 *
 * @returns null: the trial ends as any other.
 */
export function endUnpaidTrial(
  simulation: Simulation,
  before: SubscriptionRecord,
): SubscriptionRecord | null {
  const { trial, customer, missing_payment_method } = before;
  if (before.status !== 'trialing' || trial === null || missing_payment_method === undefined) return null;
  if (cardOf(simulation, customer, before) !== null) return null;
  const { now_s } = simulation;
  const ended = { ...before, trial: { ...trial, end: Math.min(trial.end, now_s) } };
  const { subscriptions } = simulation.state;
  if (missing_payment_method === 'cancel') {
    const canceled = subscriptions.put({
      ...ended,
      status: 'canceled',
      canceled_at: before.canceled_at ?? now_s,
      ended_at: now_s,
    });
    simulation.expectPeriodEnd(canceled);
    emitEnd(simulation, canceled);
    return canceled;
  }
  const pause = { at: now_s, reason: 'trial_end_without_payment_method' } as const;
  const paused = subscriptions.put({ ...ended, status: 'paused', pause });
  simulation.expectPeriodEnd(paused);
  emitUpdate(simulation, before, paused);
  emitSnapshot(simulation, 'customer.subscription.paused', () => subscriptionView(simulation, paused));
  return paused;
}
