import { boundary, boundaryAfter } from './billing-cycle.ts';
import { emitChange, emitSnapshot } from './events.ts';
import { draftInvoice, finalizeInvoice } from './invoices.ts';
import { existingPrice } from './prices.ts';
import type {
  ChargeRecord,
  InvoiceRecord,
  Period,
  PriceRecord,
  RecurringRecord,
  SubscriptionItemRecord,
  SubscriptionRecord,
} from './records.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';
import { subscriptionView } from './subscription-view.ts';

/** The invoice that a new subscription gets at once: what is paid in advance, and lines of zero for the rest. */
export function billStart(simulation: Simulation, subscription: SubscriptionRecord): SubscriptionRecord {
  const charges = subscription.items.map((item) => {
    if (subscription.status === 'trialing') return charge(item, 'trial', item.period);
    return item.quantity === null
      ? charge(item, 'nothing', item.period)
      : advance(simulation, subscription, item);
  });
  const period = { start: subscription.created, end: subscription.created };
  emitSnapshot(simulation, 'customer.subscription.created', () => subscriptionView(simulation, subscription));
  const draft = draftInvoice(simulation, subscription, 'subscription_create', period, charges);
  return withInvoice(simulation, subscription, finalizeInvoice(simulation, draft));
}

/**
 * Ends the periods that end now: a draft invoice for the usage of the ended ones and, in advance, for what the new
 * ones cost. A trial's usage is not billed. A subscription that was to end, ends.
 */
export function closePeriods(simulation: Simulation, subscription: SubscriptionRecord): void {
  const isOver = subscription.cancel_at_period_end;
  // On its last day even the items whose own period goes on are billed.
  const ended = subscription.items.filter(({ period }) => isOver || period.end <= simulation.now_s);
  const used = ended.flatMap((item) => usageCharge(simulation, subscription, item));
  const renewed = isOver ? subscription : renew(simulation, subscription);
  const bought = isOver
    ? []
    : ended.flatMap(({ id }) => {
        const item = renewed.items.find((candidate) => candidate.id === id);
        return item && item.quantity !== null ? advance(simulation, renewed, item) : [];
      });
  const next: SubscriptionRecord = isOver
    ? { ...renewed, status: 'canceled', ended_at: simulation.now_s }
    : { ...renewed, status: 'active' };
  const charges = [...used, ...bought];
  const start = Math.min(...ended.map(({ period }) => period.start));
  const period = { start, end: simulation.now_s };
  const invoice =
    charges.length === 0 ? null : draftInvoice(simulation, next, 'subscription_cycle', period, charges);
  const after = withInvoice(simulation, next, invoice);
  simulation.expectPeriodEnd(after);
  if (isOver) emitEnd(simulation, after);
  else emitUpdate(simulation, subscription, after);
}

/**
 * Ends a subscription at once. Its usage so far is dropped, unless `invoice_now` bills what is *counted* by now on an
 * invoice that is final at once; `prorate` adds the unused part of what was paid in advance as a credit.
 */
export function cancelNow(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  { invoice_now, prorate }: { readonly invoice_now: boolean; readonly prorate: boolean },
): SubscriptionRecord {
  const now_s = simulation.now_s;
  const used = subscription.items.flatMap((item) =>
    item.quantity === null ? usageCharge(simulation, subscription, item) : [],
  );
  const unused = prorate && subscription.status === 'active' ? unusedCharges(simulation, subscription) : [];
  const charges = [...used, ...unused];
  const next: SubscriptionRecord = {
    ...subscription,
    status: 'canceled',
    canceled_at: subscription.canceled_at ?? now_s,
    ended_at: now_s,
  };
  if (!invoice_now || charges.length === 0) {
    emitEnd(simulation, next);
    return withInvoice(simulation, next, null);
  }
  const start = Math.min(...subscription.items.map(({ period }) => period.start));
  const period = { start, end: now_s };
  const draft = draftInvoice(simulation, next, 'subscription_update', period, charges);
  const canceled = withInvoice(simulation, next, finalizeInvoice(simulation, draft));
  emitEnd(simulation, canceled);
  return canceled;
}

/** Tells the endpoint what changed about a subscription. */
export function emitUpdate(
  simulation: Simulation,
  before: SubscriptionRecord,
  after: SubscriptionRecord,
): void {
  const view = (subscription: SubscriptionRecord) => () => subscriptionView(simulation, subscription);
  emitChange(simulation, 'customer.subscription.updated', view(before), view(after));
}

function emitEnd(simulation: Simulation, after: SubscriptionRecord): void {
  emitSnapshot(simulation, 'customer.subscription.deleted', () => subscriptionView(simulation, after));
}

/** The period of an item that begins at an instant. */
export function periodFrom(anchor_s: number, price: PriceRecord, start_s: number): Period {
  return { start: start_s, end: boundaryAfter(anchor_s, recurringOf(price), start_s) };
}

/** @throws StripeError for a one-time price. */
export function recurringOf({ recurring }: PriceRecord): RecurringRecord {
  if (recurring) return recurring;
  throw new StripeError(
    'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
    { param: 'items' },
  );
}

function renew(simulation: Simulation, subscription: SubscriptionRecord): SubscriptionRecord {
  const items = subscription.items.map((item) => {
    if (item.period.end > simulation.now_s) return item;
    const price = existingPrice(simulation, item.price);
    return { ...item, period: periodFrom(subscription.billing_cycle_anchor, price, item.period.end) };
  });
  return { ...subscription, items };
}

/** What an item used in the period that ends now. */
function usageCharge(
  simulation: Simulation,
  { status }: SubscriptionRecord,
  item: SubscriptionItemRecord,
): ChargeRecord[] {
  if (item.quantity !== null) return [];
  const period = { start: item.period.start, end: Math.min(item.period.end, simulation.now_s) };
  return [charge(item, status === 'trialing' ? 'trial' : 'usage', period)];
}

/** What an item's current period costs in advance; less for a first period that is shorter than the interval. */
function advance(
  simulation: Simulation,
  { billing_cycle_anchor }: SubscriptionRecord,
  item: SubscriptionItemRecord,
): ChargeRecord {
  const recurring = recurringOf(existingPrice(simulation, item.price));
  const { start, end } = item.period;
  const isStub = end === billing_cycle_anchor;
  const whole_s = isStub ? end - boundary(billing_cycle_anchor, recurring, -1) : end - start;
  const share = end - start < whole_s ? { part_s: end - start, whole_s } : null;
  return { ...charge(item, 'licensed', item.period), share };
}

function unusedCharges(simulation: Simulation, { items }: SubscriptionRecord): ChargeRecord[] {
  return items.flatMap((item) => {
    if (item.quantity === null) return [];
    const { start, end } = item.period;
    const share = { part_s: end - simulation.now_s, whole_s: end - start };
    return [{ ...charge(item, 'unused', { start: simulation.now_s, end }), share }];
  });
}

function charge(item: SubscriptionItemRecord, kind: ChargeRecord['kind'], period: Period): ChargeRecord {
  return {
    kind,
    subscription_item: item.id,
    price: item.price,
    quantity: item.quantity,
    period,
    share: null,
  };
}

function withInvoice(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  invoice: InvoiceRecord | null,
): SubscriptionRecord {
  const latest_invoice = invoice?.id ?? subscription.latest_invoice;
  return simulation.state.subscriptions.put({ ...subscription, latest_invoice });
}
