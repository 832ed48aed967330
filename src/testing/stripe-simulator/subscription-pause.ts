import { creditCharge, paidTerms, partialCharge, usageCharge } from './charges.ts';
import { emitSnapshot } from './events.ts';
import { invoiceNow } from './invoice-issuing.ts';
import type { JsonObject } from './json.ts';
import { fields, oneOf, optional, readParams } from './params.ts';
import { addProrations, pendingOf } from './pending-items.ts';
import { existingPrice } from './prices.ts';
import type { ChargeRecord, PauseRecord, SubscriptionItemRecord, SubscriptionRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';
import { emitUpdate, periodFrom, startCharges, withInvoice } from './subscription-cycle.ts';
import { subscriptionView } from './subscription-view.ts';
import { existingSubscription } from './subscriptions.ts';

const PATH = '/v1/subscriptions';

export const SUBSCRIPTION_PAUSE_ROUTES: readonly Route[] = [
  { method: 'POST', path: `${PATH}/:id/pause`, handle: pause },
  { method: 'POST', path: `${PATH}/:id/resume`, handle: resume },
];

const PAUSE = {
  type: optional(oneOf('subscription')),
  invoicing_behavior: optional(oneOf('invoice', 'pending_invoice_item')),
  bill_for: optional(
    fields({
      outstanding_usage_through: optional(fields({ type: oneOf('none', 'now') })),
      unused_time_from: optional(fields({ type: oneOf('item_current_period_start', 'none', 'now') })),
    }),
  ),
};

type PauseParams = ReturnType<typeof readPause>;

/** A paused subscription bills nothing until it is resumed (docs.stripe.com/api/subscriptions/pause). */
function pause(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const how = readPause(params);
  const before = existingSubscription(simulation, id);
  if (before.status !== 'active') throw wrongStatus(before, 'paused', 'active');
  if (before.pause_collection) {
    throw new StripeError('A subscription whose collection is paused cannot be paused.');
  }
  const record: PauseRecord = { at: simulation.now_s, reason: 'pause_requested' };
  const paused = simulation.state.subscriptions.put({ ...before, status: 'paused', pause: record });
  const added = addProrations(simulation, paused, settlement(simulation, before, how));
  const start = Math.min(...before.items.map(({ period }) => period.start));
  const isInvoiced = how.invoicing_behavior === 'invoice' && added.length > 0;
  const invoice = isInvoiced
    ? invoiceNow(simulation, paused, {
        billing_reason: 'subscription_update',
        period: { start, end: simulation.now_s },
        charges: [],
        items: pendingOf(simulation, paused),
      })
    : null;
  const after = withInvoice(simulation, paused, invoice);
  simulation.expectPeriodEnd(after);
  emitUpdate(simulation, before, after);
  return toldOf(simulation, after, 'customer.subscription.paused');
}

function readPause(params: RouteRequest['params']) {
  return readParams(params, PAUSE);
}

/** What was used and not paid, and what was paid and not used. */
function settlement(
  simulation: Simulation,
  before: SubscriptionRecord,
  { bill_for }: PauseParams,
): ChargeRecord[] {
  const { now_s } = simulation;
  const isUsageBilled = bill_for?.outstanding_usage_through?.type !== 'none';
  const unused = bill_for?.unused_time_from?.type ?? 'now';
  return before.items.flatMap((item) => {
    if (item.quantity === null) return isUsageBilled ? usageCharge(before, item, now_s) : [];
    if (unused === 'none') return [];
    const from_s = unused === 'now' ? now_s : item.period.start;
    return creditCharge(simulation, before, item, from_s);
  });
}

const RESUME = {
  billing_cycle_anchor: optional(fields({ type: oneOf('now', 'unchanged') })),
  proration_behavior: optional(oneOf('create_prorations', 'always_invoice', 'none')),
  payment_behavior: optional(oneOf('resume_on_payment_attempt', 'resume_on_payment_success')),
};

/** Every customer of the simulator pays, so that a subscription is active at once when it is resumed. */
function resume(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  const { billing_cycle_anchor, proration_behavior } = readParams(params, RESUME);
  const before = existingSubscription(simulation, id);
  if (before.status !== 'paused') throw wrongStatus(before, 'resumed', 'paused');
  const isReset = billing_cycle_anchor?.type !== 'unchanged';
  const isPaid = isReset || proration_behavior !== 'none';
  const resumed = simulation.state.subscriptions.put(resumedRecord(simulation, before, isReset, isPaid));
  const rest = isReset || !isPaid ? [] : restOf(simulation, resumed);
  const added = addProrations(simulation, resumed, rest);
  const { now_s } = simulation;
  const charges = isReset ? startCharges(simulation, resumed) : [];
  const items = pendingOf(simulation, resumed);
  const isInvoiced = isReset
    ? charges.length + items.length > 0
    : proration_behavior === 'always_invoice' && added.length > 0;
  const period = { start: now_s, end: now_s };
  const content = { billing_reason: 'subscription_update', period, charges, items } as const;
  const invoice = isInvoiced ? invoiceNow(simulation, resumed, content) : null;
  const after = withInvoice(simulation, resumed, invoice);
  simulation.expectPeriodEnd(after);
  emitUpdate(simulation, before, after);
  return toldOf(simulation, after, 'customer.subscription.resumed');
}

/** Every item begins a period now, which ends with the cycle: that of before, or one that begins now. */
function resumedRecord(
  simulation: Simulation,
  before: SubscriptionRecord,
  isReset: boolean,
  isPaid: boolean,
): SubscriptionRecord {
  const { now_s } = simulation;
  const billing_cycle_anchor = isReset ? now_s : before.billing_cycle_anchor;
  const items = before.items.map((item): SubscriptionItemRecord => {
    const price = existingPrice(simulation, item.price);
    const period = periodFrom(billing_cycle_anchor, price, now_s);
    return { ...item, period, unbilled_from: now_s, debited: isPaid ? paidTerms(item) : null };
  });
  return { ...before, status: 'active', pause: null, billing_cycle_anchor, items };
}

function restOf(simulation: Simulation, resumed: SubscriptionRecord): ChargeRecord[] {
  return resumed.items.flatMap((item) =>
    item.quantity === null ? [] : [partialCharge(simulation, resumed, item, 'remaining', simulation.now_s)],
  );
}

function toldOf(simulation: Simulation, subscription: SubscriptionRecord, type: string): JsonObject {
  const view = subscriptionView(simulation, subscription);
  emitSnapshot(simulation, type, () => view);
  return view;
}

function wrongStatus({ id, status }: SubscriptionRecord, done: string, expected: string): StripeError {
  return new StripeError(`The subscription ${id} is ${status}; only one that is ${expected} can be ${done}.`);
}
