import { boundaryBefore } from './billing-cycle.ts';
import {
  advanceCharge,
  creditCharge,
  paidTerms,
  partialCharge,
  plainCharge,
  usageCharge,
} from './charges.ts';
import { type ItemChange, type ItemStep, type ItemTerms, itemSteps } from './item-changes.ts';
import { existingPrice, recurringOf } from './prices.ts';
import type {
  ChargeRecord,
  Period,
  PriceRecord,
  SubscriptionItemRecord,
  SubscriptionRecord,
} from './records.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';
import { periodFrom } from './subscription-cycle.ts';
import { refuseTrialEnd } from './subscription-terms.ts';

/** What can be asked of a subscription that affects what it bills. */
export interface ChangeParams {
  readonly items: readonly ItemChange[] | undefined;
  readonly proration_behavior: 'create_prorations' | 'always_invoice' | 'none' | undefined;
  /** Since when licensed items are prorated; absent: now. */
  readonly proration_date: number | undefined;
  readonly trial_end: 'now' | number | undefined;
  readonly billing_cycle_anchor: { readonly type: 'now' | 'unchanged' } | undefined;
}

/** What a change makes of a subscription, and what it bills. Nothing of it is written yet. */
export interface SubscriptionChange {
  readonly after: SubscriptionRecord;
  /** What waits for an invoice, or is invoiced at once: credits, the rest of periods, usage at the old prices. */
  readonly prorations: readonly ChargeRecord[];
  /** What an invoice at once bills because new periods begin; null: none begins. */
  readonly begun: readonly ChargeRecord[] | null;
}

/**
 * Thinks a change through.
 *
 * @param newItemId makes the id of an item that is added.
 * @throws StripeError for what Stripe would refuse.
 */
export function changeOf(
  simulation: Simulation,
  before: SubscriptionRecord,
  params: ChangeParams,
  newItemId: () => string,
): SubscriptionChange {
  refuseContradiction(simulation, before, params);
  const steps = itemSteps(simulation, before, params.items ?? [], newItemId);
  const course = courseOf(simulation, before, params, steps);
  const isProrated = params.proration_behavior !== 'none';
  const pairs = steps.map(({ before: old, after }) => ({
    old,
    now: after && {
      ...after,
      ...datesOf(simulation, course, before, old, after),
      debited: debitedTerms(simulation, course, old, after, isProrated),
    },
  }));
  const items = pairs.flatMap(({ now }) => now ?? []);
  const { trial, billing_cycle_anchor, status } = course;
  const after: SubscriptionRecord = { ...before, trial, billing_cycle_anchor, status, items };
  const bill = { simulation, before, after, at_s: params.proration_date ?? simulation.now_s, course };
  return {
    after,
    prorations: isProrated ? pairs.flatMap(({ old, now }) => prorationsOf(bill, old, now)) : [],
    begun: course.begins === 'periods' ? pairs.flatMap(({ old, now }) => begunCharges(bill, old, now)) : null,
  };
}

function refuseContradiction({ now_s }: Simulation, before: SubscriptionRecord, params: ChangeParams): void {
  const { proration_date, trial_end, billing_cycle_anchor, proration_behavior } = params;
  if (billing_cycle_anchor?.type === 'now' && typeof trial_end === 'number') {
    throw new StripeError('You cannot set `trial_end` together with `billing_cycle_anchor` type `now`.', {
      param: 'billing_cycle_anchor',
    });
  }
  if (typeof trial_end === 'number') refuseTrialEnd(trial_end, now_s);
  if (proration_date === undefined) return;
  if (proration_behavior === 'none') {
    throw new StripeError('You cannot set `proration_date` when `proration_behavior` is `none`.', {
      param: 'proration_date',
    });
  }
  const isWithin = before.items.some(
    ({ period: { start, end } }) => proration_date >= start && proration_date < end,
  );
  if (!isWithin) {
    throw new StripeError('Cannot specify `proration_date` outside of the current billing period.', {
      param: 'proration_date',
    });
  }
}

/** Where a change leads the subscription as a whole. */
interface Course extends Pick<SubscriptionRecord, 'status' | 'trial' | 'billing_cycle_anchor'> {
  /** What begins now for all items; null: their periods go on. */
  readonly begins: 'periods' | 'trial' | null;
}

function courseOf(
  simulation: Simulation,
  before: SubscriptionRecord,
  { trial_end, billing_cycle_anchor }: ChangeParams,
  steps: readonly ItemStep[],
): Course {
  const { now_s } = simulation;
  const { status, trial } = before;
  const isTrial = status === 'trialing';
  if (typeof trial_end === 'number') {
    const start = isTrial ? (trial?.start ?? now_s) : now_s;
    return {
      status: 'trialing',
      trial: { start, end: trial_end },
      billing_cycle_anchor: trial_end,
      begins: 'trial',
    };
  }
  const endsTrial = isTrial && trial_end === 'now';
  if (endsTrial || billing_cycle_anchor?.type === 'now' || resetsAnchor(simulation, before, steps)) {
    // A trial that goes on keeps its end, which anchors what follows.
    if (isTrial && !endsTrial) return { ...before, begins: null };
    const ended = endsTrial && trial ? { start: trial.start, end: now_s } : trial;
    return { status: 'active', trial: ended, billing_cycle_anchor: now_s, begins: 'periods' };
  }
  return { ...before, begins: null };
}

/** A classic subscription has one interval, and begins anew when that changes. */
function resetsAnchor(
  simulation: Simulation,
  { billing_mode }: SubscriptionRecord,
  steps: readonly ItemStep[],
): boolean {
  if (billing_mode === 'flexible') return false;
  const intervals = (side: 'before' | 'after') =>
    steps.flatMap((step) => (step[side] ? [existingPrice(simulation, step[side].price)] : []));
  const [old] = intervals('before');
  return old !== undefined && intervals('after').some((price) => !hasSameInterval(price, old));
}

/** The periods of an item after the change. */
function datesOf(
  simulation: Simulation,
  course: Course,
  subscription: SubscriptionRecord,
  old: SubscriptionItemRecord | null,
  after: ItemTerms,
): Pick<SubscriptionItemRecord, 'period' | 'unbilled_from'> {
  const { now_s } = simulation;
  const price = existingPrice(simulation, after.price);
  const isSame = old !== null && old.price === after.price;
  if (course.begins === 'trial') {
    const start = subscription.status === 'trialing' && old ? old.period.start : now_s;
    return { period: { start, end: course.billing_cycle_anchor }, unbilled_from: isSame ? start : now_s };
  }
  if (course.begins === 'periods') {
    return { period: periodFrom(now_s, price, now_s), unbilled_from: now_s };
  }
  if (old && isSame) return { period: old.period, unbilled_from: old.unbilled_from };
  return { period: changedPeriod(simulation, course, subscription, old, price), unbilled_from: now_s };
}

function changedPeriod(
  simulation: Simulation,
  course: Course,
  { billing_mode, items }: SubscriptionRecord,
  old: SubscriptionItemRecord | null,
  price: PriceRecord,
): Period {
  if (old && hasSameInterval(existingPrice(simulation, old.price), price)) return old.period;
  const [first] = items;
  // The items of a classic subscription share one period.
  if (billing_mode === 'classic' && first) return first.period;
  const { now_s } = simulation;
  if (course.status === 'trialing' && course.trial) return { start: now_s, end: course.trial.end };
  return periodFrom(course.billing_cycle_anchor, price, now_s);
}

/** What the period of an item is paid for after the change. */
function debitedTerms(
  simulation: Simulation,
  course: Course,
  old: SubscriptionItemRecord | null,
  after: ItemTerms,
  isProrated: boolean,
): SubscriptionItemRecord['debited'] {
  if (course.status === 'trialing') return null;
  const isSame = old?.price === after.price && old.quantity === after.quantity;
  if (course.begins === 'periods' || (isProrated && !isSame)) return paidTerms(after);
  if (!old || isSame) return old?.debited ?? null;
  // What was paid for another interval is no part of the period that begins.
  const [was, is] = [existingPrice(simulation, old.price), existingPrice(simulation, after.price)];
  return hasSameInterval(was, is) ? old.debited : null;
}

/** What an item is billed by. */
interface Bill {
  readonly simulation: Simulation;
  readonly before: SubscriptionRecord;
  readonly after: SubscriptionRecord;
  readonly at_s: number;
  readonly course: Course;
}

/** Nothing that happens in a trial is prorated. */
function prorationsOf(
  { simulation, before, after, at_s, course }: Bill,
  old: SubscriptionItemRecord | null,
  now: SubscriptionItemRecord | null,
): ChargeRecord[] {
  if (before.status === 'trialing') return [];
  const isSame = old?.price === now?.price && old?.quantity === now?.quantity;
  if (isSame && course.begins === null) return [];
  const credit = old ? creditCharge(simulation, before, old, clamp(at_s, old)) : [];
  const rest =
    now && now.quantity !== null && course.begins === null
      ? [partialCharge(simulation, after, now, 'remaining', clamp(at_s, asIfEarlier(simulation, after, now)))]
      : [];
  return [...credit, ...oldUsage(simulation, before, old, isSame, course), ...rest];
}

/** An item that is added is prorated as though it had been there since the beginning of its interval. */
function asIfEarlier(
  simulation: Simulation,
  { billing_cycle_anchor }: SubscriptionRecord,
  { price, period: { start, end } }: SubscriptionItemRecord,
): Pick<SubscriptionItemRecord, 'period'> {
  const recurring = recurringOf(existingPrice(simulation, price));
  return { period: { start: Math.min(start, boundaryBefore(billing_cycle_anchor, recurring, end)), end } };
}

/** A proration date can lie before the period of one of the items. */
function clamp(at_s: number, { period: { start, end } }: Pick<SubscriptionItemRecord, 'period'>): number {
  return Math.min(Math.max(at_s, start), end);
}

/** A classic subscription forgets what a changed item used; a trial that begins ends a period like any other. */
function oldUsage(
  simulation: Simulation,
  before: SubscriptionRecord,
  old: SubscriptionItemRecord | null,
  isSame: boolean,
  course: Course,
): ChargeRecord[] {
  if (!old || before.billing_mode === 'classic') return [];
  if (isSame && course.begins !== 'trial') return [];
  return usageCharge(before, old, simulation.now_s);
}

/** What the ended period of an unchanged item used, and what its new one costs in advance. */
function begunCharges(
  { simulation, before, after }: Bill,
  old: SubscriptionItemRecord | null,
  now: SubscriptionItemRecord | null,
): ChargeRecord[] {
  const isKept = old && (old.price === now?.price || before.status === 'trialing');
  const used = isKept ? usageCharge(before, old, simulation.now_s) : [];
  if (!now) return used;
  if (now.quantity !== null) return [...used, advanceCharge(simulation, after, now)];
  // A flexible subscription has no lines of zero for what will be metered.
  const isSilent = used.length > 0 || after.billing_mode === 'flexible';
  return isSilent ? used : [plainCharge(after, now, 'nothing', now.period)];
}

function hasSameInterval(a: PriceRecord, b: PriceRecord): boolean {
  const [one, other] = [recurringOf(a), recurringOf(b)];
  return one.interval === other.interval && one.interval_count === other.interval_count;
}
