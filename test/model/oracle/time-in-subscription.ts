import { boundaryOf } from '../../support/calendar-oracle.ts';
import type { Stretch, SubscriptionFact } from './facts.ts';

/** More months than any schedule has. */
const MAX_MONTHS = 100;

/** Where the first paid period begins. */
export function paidFrom({ started_at, trial_end }: SubscriptionFact): number {
  return trial_end ?? started_at;
}

/** The number of the paid period that an instant lies in, from 0. */
export function periodNumberAt(subscription: SubscriptionFact, instant: number): number {
  for (let number = 0; number < MAX_MONTHS; number += 1) {
    if (instant < periodStart(subscription, number + 1)) return number;
  }
  throw new Error('A schedule is longer than the oracle thinks.');
}

/** Periods follow each other from where the first one began, by the calendar. */
export function periodStart(subscription: SubscriptionFact, number: number): number {
  return boundaryOf(paidFrom(subscription), 'month', 1, number);
}

/** The stretches in which usage has one price: other seats do not change it. */
export function pricings({ stretches }: SubscriptionFact): Stretch[] {
  return stretches.filter(({ plan }, index) => stretches[index - 1]?.plan !== plan);
}
