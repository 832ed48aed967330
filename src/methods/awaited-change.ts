import type { Instant } from '../core/environment.ts';
import type { SubscriptionChange } from '../core/subscription-change.ts';
import type { SubscriptionChangesContext } from './planned-change.ts';

/** How often a caller looks whether a change is done that another process may be making. */
const POLL_MS = 100;

/** Looks at a change until it is over, or time is up, and goes on with it where it is due and nobody else does. */
export async function awaitChange(
  { store, environment, advance }: SubscriptionChangesContext,
  change: SubscriptionChange,
  deadline: Instant,
): Promise<SubscriptionChange> {
  const { clock } = environment;
  for (;;) {
    const present = (await store.getChange(change)) ?? change;
    const now = clock.now();
    if (!isUnderWay(present) || now >= deadline) return present;
    await clock.sleep(Math.min(POLL_MS, deadline - now));
    if (present.due_at !== null && present.due_at <= clock.now()) await advance(change.account_id);
  }
}

export function isUnderWay(change: SubscriptionChange | null): change is SubscriptionChange {
  return change !== null && change.due_at !== null;
}
