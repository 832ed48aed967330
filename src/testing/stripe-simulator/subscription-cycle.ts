import { boundaryAfter } from './billing-cycle.ts';
import { advanceCharge, creditCharge, paidTerms, plainCharge, usageCharge } from './charges.ts';
import { emitChange, emitSnapshot } from './events.ts';
import { emitClosed, type FinalOutcome, invoiceLater, invoiceNow } from './invoice-issuing.ts';
import { nextClosing } from './next-step.ts';
import { addProrations, pendingForCycle, pendingOf } from './pending-items.ts';
import { existingPrice, recurringOf } from './prices.ts';
import type {
  ChargeRecord,
  InvoiceRecord,
  Period,
  PriceRecord,
  SubscriptionItemRecord,
  SubscriptionRecord,
} from './records.ts';
import type { Simulation } from './simulation.ts';
import { followPayment, statusAfter } from './subscription-payment.ts';
import { subscriptionView } from './subscription-view.ts';
import { endUnpaidTrial } from './unpaid-trial.ts';

/** The invoice that a new subscription gets at once, where there is anything on it. */
export function billStart(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  outcome: FinalOutcome,
): SubscriptionRecord {
  const charges = startCharges(simulation, subscription);
  const period = { start: subscription.created, end: subscription.created };
  emitSnapshot(simulation, 'customer.subscription.created', () => subscriptionView(simulation, subscription));
  const content = { billing_reason: 'subscription_create', period, charges, items: [] } as const;
  const invoice = charges.length === 0 ? null : invoiceNow(simulation, subscription, content, outcome);
  return withInvoice(simulation, subscription, invoice);
}

/**
 * What the first invoice of a subscription bills: what is paid in advance. A classic subscription has lines of zero for what
 * will be metered, a flexible one has none (docs.stripe.com/changelog/basil/2025-06-30/billing-mode).
 */
export function startCharges(simulation: Simulation, subscription: SubscriptionRecord): ChargeRecord[] {
  const { items, billing_mode, status } = subscription;
  const billed = billing_mode === 'classic' ? items : items.filter(({ quantity }) => quantity !== null);
  return billed.map((item) => {
    if (status === 'trialing') return plainCharge(subscription, item, 'trial', item.period);
    return item.quantity === null
      ? plainCharge(subscription, item, 'nothing', item.period)
      : advanceCharge(simulation, subscription, item);
  });
}

/** What happens to a subscription by itself: collecting resumes, periods end. */
export function advanceSubscription(simulation: Simulation, due: SubscriptionRecord): void {
  if (due.status === 'incomplete') {
    expire(simulation, due);
    return;
  }
  const subscription = resumeCollection(simulation, due);
  const isTrialOver = subscription.trial !== null && subscription.trial.end <= simulation.now_s;
  if (isTrialOver && endUnpaidTrial(simulation, subscription) !== null) return;
  if (nextClosing(subscription) <= simulation.now_s) {
    closePeriods(simulation, subscription);
  }
}

/** A first invoice that nobody paid within 23 hours, or will pay, is void: that ends the subscription. */
function expire(simulation: Simulation, subscription: SubscriptionRecord): SubscriptionRecord {
  const { invoices, subscriptions } = simulation.state;
  const invoice = invoices.get(subscription.latest_invoice ?? '');
  if (!invoice) return subscription;
  const closed = invoices.put({ ...invoice, status: 'void', closed_at: simulation.now_s });
  emitClosed(simulation, closed);
  followPayment(simulation, closed);
  return subscriptions.get(subscription.id) ?? subscription;
}

/** Whether nothing happens to a subscription any more. */
export function isOver({ status }: SubscriptionRecord): boolean {
  return status === 'canceled' || status === 'incomplete_expired';
}

function resumeCollection(simulation: Simulation, subscription: SubscriptionRecord): SubscriptionRecord {
  const resumes_at = subscription.pause_collection?.resumes_at ?? null;
  if (resumes_at === null || resumes_at > simulation.now_s) return subscription;
  const resumed = simulation.state.subscriptions.put({ ...subscription, pause_collection: null });
  simulation.expectPeriodEnd(resumed);
  emitUpdate(simulation, subscription, resumed);
  return resumed;
}

/**
 * Ends the periods that end now: a draft invoice for the usage of the ended ones, for what waited for an invoice and,
 * in advance, for what the new ones cost. A trial's usage is not billed. A subscription that was to end, ends.
 */
function closePeriods(simulation: Simulation, subscription: SubscriptionRecord): void {
  const { next, charges, period } = closing(simulation, subscription, simulation.now_s);
  const items = pendingForCycle(simulation, subscription);
  const isEmpty = charges.length === 0 && items.length === 0;
  const content = { billing_reason: 'subscription_cycle', period, charges, items } as const;
  const after = withInvoice(simulation, next, isEmpty ? null : invoiceLater(simulation, next, content));
  simulation.expectPeriodEnd(after);
  if (after.status === 'canceled') emitEnd(simulation, after);
  else emitUpdate(simulation, subscription, after);
}

/** What the end of periods does to a subscription, and what it bills. */
export interface Closing {
  readonly next: SubscriptionRecord;
  readonly charges: readonly ChargeRecord[];
  readonly period: Period;
}

/** @param at_s the end of the period of at least one item, or of the subscription. */
export function closing(simulation: Simulation, subscription: SubscriptionRecord, at_s: number): Closing {
  const { cancel_at_period_end, cancel_at } = subscription;
  const isOver = cancel_at_period_end || (cancel_at !== null && cancel_at.at <= at_s);
  // On its last day even the items whose own period goes on are billed.
  const ended = subscription.items.filter(({ period }) => isOver || period.end <= at_s);
  const used = usedBy(subscription, ended, at_s);
  const renewed = isOver ? subscription : renew(simulation, subscription, at_s);
  const credits = cancel_at?.prorates ? unusedCharges(simulation, subscription, at_s) : [];
  const start = Math.min(...ended.map(({ period }) => period.start));
  return {
    next: isOver
      ? { ...renewed, status: 'canceled', ended_at: at_s }
      : { ...renewed, status: renewed.status === 'trialing' ? 'active' : renewed.status },
    charges: [...used, ...(isOver ? credits : renewalCharges(simulation, renewed, ended))],
    period: { start, end: at_s },
  };
}

/** What the new periods of licensed items cost in advance. */
function renewalCharges(
  simulation: Simulation,
  renewed: SubscriptionRecord,
  ended: readonly SubscriptionItemRecord[],
): ChargeRecord[] {
  return renewed.items
    .filter(({ id, quantity }) => quantity !== null && ended.some((item) => item.id === id))
    .map((item) => advanceCharge(simulation, renewed, item));
}

function renew(simulation: Simulation, subscription: SubscriptionRecord, at_s: number): SubscriptionRecord {
  const items = subscription.items.map((item) => {
    const { end } = item.period;
    if (end > at_s) return item;
    const price = existingPrice(simulation, item.price);
    const period = periodFrom(subscription.billing_cycle_anchor, price, end);
    return { ...item, period, unbilled_from: end, debited: paidTerms(item) };
  });
  return { ...subscription, items };
}

/**
 * Ends a subscription at once. Its usage so far is dropped, unless `invoice_now` bills what is *counted* by now, and
 * what else waited for an invoice of it, on an invoice that is final at once. `prorate` adds the unused part of what
 * was paid in advance as a credit.
 */
export function cancelNow(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  { invoice_now, prorate }: { readonly invoice_now: boolean; readonly prorate: boolean },
): SubscriptionRecord {
  if (subscription.status === 'incomplete') return expire(simulation, subscription);
  const now_s = simulation.now_s;
  const { used, unused, period } = ending(simulation, subscription);
  if (prorate) addProrations(simulation, subscription, unused);
  const next: SubscriptionRecord = {
    ...subscription,
    status: 'canceled',
    canceled_at: subscription.canceled_at ?? now_s,
    ended_at: now_s,
  };
  const items = pendingOf(simulation, subscription);
  if (!invoice_now || used.length + items.length === 0) {
    emitEnd(simulation, next);
    return withInvoice(simulation, next, null);
  }
  const content = { billing_reason: 'subscription_update', period, charges: used, items } as const;
  const canceled = withInvoice(simulation, next, invoiceNow(simulation, next, content));
  emitEnd(simulation, canceled);
  return canceled;
}

/** What a subscription that ends now has used without paying, and paid without using. */
export function ending(
  simulation: Simulation,
  subscription: SubscriptionRecord,
): { readonly used: ChargeRecord[]; readonly unused: ChargeRecord[]; readonly period: Period } {
  const { items } = subscription;
  const { now_s } = simulation;
  return {
    used: usedBy(subscription, items, now_s),
    unused: unusedCharges(simulation, subscription, now_s),
    period: { start: Math.min(...items.map(({ period }) => period.start)), end: now_s },
  };
}

/** A pause has settled the usage before it, and what is used in it costs nothing. */
function usedBy(
  subscription: SubscriptionRecord,
  items: readonly SubscriptionItemRecord[],
  until_s: number,
): ChargeRecord[] {
  if (subscription.status === 'paused') return [];
  return items.flatMap((item) => usageCharge(subscription, item, until_s));
}

/** Credits for what was paid in advance of an instant. */
function unusedCharges(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  from_s: number,
): ChargeRecord[] {
  if (subscription.status !== 'active') return [];
  return subscription.items.flatMap((item) => creditCharge(simulation, subscription, item, from_s));
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

export function emitEnd(simulation: Simulation, after: SubscriptionRecord): void {
  emitSnapshot(simulation, 'customer.subscription.deleted', () => subscriptionView(simulation, after));
}

/** The period of an item that begins at an instant. */
export function periodFrom(anchor_s: number, price: PriceRecord, start_s: number): Period {
  return { start: start_s, end: boundaryAfter(anchor_s, recurringOf(price), start_s) };
}

/** Writes a subscription down with the newest of its invoices; null: there is no new one. */
export function withInvoice(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  invoice: InvoiceRecord | null,
): SubscriptionRecord {
  const latest_invoice = invoice?.id ?? subscription.latest_invoice;
  const status = statusAfter(simulation, subscription, invoice);
  return simulation.state.subscriptions.put({ ...subscription, latest_invoice, status });
}

/** Lets the subscription be found by its items. */
export function rememberItems({ state }: Simulation, subscription: SubscriptionRecord): void {
  for (const { id } of subscription.items) {
    if (!state.itemOwners.get(id)) state.itemOwners.put({ id, subscription: subscription.id });
  }
}
