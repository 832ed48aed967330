import { existingCustomer } from './customers.ts';
import { type FormObject, isFormObject } from './form.ts';
import { ratedLines } from './invoice-lines.ts';
import { invoiceView } from './invoice-view.ts';
import type { JsonObject } from './json.ts';
import { boolean, fields, oneOf, optional, readParams, text } from './params.ts';
import { pendingForCycle, pendingOf, prorationLines } from './pending-items.ts';
import type { ChargeRecord, InvoiceLineRecord, Period, SubscriptionRecord } from './records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';
import { changeOf } from './subscription-change.ts';
import { closing, ending, startCharges } from './subscription-cycle.ts';
import { subscriptionTerms } from './subscription-terms.ts';
import { CHANGE_PARAMS } from './subscription-update.ts';

export const INVOICE_PREVIEW_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/v1/invoices/create_preview', handle: preview },
];

const PREVIEW = {
  customer: optional(text()),
  subscription: optional(text()),
  currency: optional(text(3)),
  preview_mode: optional(oneOf('next')),
  subscription_details: optional(
    fields({
      ...CHANGE_PARAMS,
      billing_mode: optional(fields({ type: oneOf('flexible', 'classic') })),
      cancel_at_period_end: optional(boolean()),
      cancel_now: optional(boolean()),
    }),
  ),
};

type PreviewParams = ReturnType<typeof read>;
type Details = NonNullable<PreviewParams['subscription_details']>;

/** What the invoice would say, by the rules that make invoices, and with what is counted by now. */
interface Upcoming {
  readonly subscription: SubscriptionRecord;
  readonly lines: readonly InvoiceLineRecord[];
  readonly period: Period;
  /** The second to which prorations were calculated; null: there are none. */
  readonly proration_date: number | null;
}

/** Shows an invoice that is still to come, and writes nothing (docs.stripe.com/api/invoices/create_preview). */
function preview(simulation: Simulation, { params }: RouteRequest): JsonObject {
  const { subscription: id, customer, currency, subscription_details: details } = read(params);
  if (customer !== undefined) existingCustomer(simulation, customer, 'customer');
  const subscription =
    id === undefined && details?.items !== undefined
      ? null
      : previewedSubscription(simulation, { id, customer });
  const upcoming = subscription
    ? upcomingOf(simulation, subscription, details)
    : beginning(simulation, customer, params);
  if (currency !== undefined && currency !== upcoming.subscription.currency) {
    throw new StripeError(`The currency of the subscription is ${upcoming.subscription.currency}.`, {
      param: 'currency',
    });
  }
  return upcomingView(simulation, upcoming);
}

function read(params: FormObject) {
  return readParams(params, PREVIEW);
}

/** The subscription that is named, or the one of the customer that is billed next. */
function previewedSubscription(
  { state }: Simulation,
  { id, customer }: { readonly id: string | undefined; readonly customer: string | undefined },
): SubscriptionRecord {
  if (id === undefined && customer === undefined) {
    throw new StripeError('You must specify `customer` or `subscription`.', {
      code: 'parameter_missing',
      param: 'customer',
    });
  }
  const named = id === undefined ? undefined : state.subscriptions.get(id);
  if (id !== undefined && (!named || (customer !== undefined && named.customer !== customer))) {
    throw noSuch('subscription', id, 'subscription');
  }
  const candidates = named ? [named] : state.subscriptions.of(customer ?? '');
  const [next] = candidates
    .filter(({ status }) => status !== 'canceled')
    .sort((a, b) => nextEnd(a) - nextEnd(b));
  if (next) return next;
  throw new StripeError('No upcoming invoices: there is no subscription that goes on.', {
    status: 404,
    code: 'invoice_upcoming_none',
  });
}

function nextEnd({ items }: SubscriptionRecord): number {
  return Math.min(...items.map(({ period }) => period.end));
}

function upcomingOf(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  details: Details | undefined,
): Upcoming {
  if (details?.cancel_now === true) return lastInvoice(simulation, subscription, details);
  if (details === undefined) return cycleInvoice(simulation, subscription, []);
  const own: SubscriptionRecord = {
    ...subscription,
    billing_mode: details.billing_mode?.type ?? subscription.billing_mode,
    cancel_at_period_end: details.cancel_at_period_end ?? subscription.cancel_at_period_end,
  };
  let added = 0;
  const change = changeOf(simulation, own, details, () => {
    added += 1;
    return `si_upcoming_${added}`;
  });
  const prorations = prorationLines(simulation, own, change.prorations);
  const isAtOnce = details.proration_behavior === 'always_invoice' && prorations.length > 0;
  const upcoming =
    change.begun || isAtOnce
      ? invoiceAtOnce(simulation, own, prorations, change.begun ?? [])
      : cycleInvoice(simulation, change.after, prorations);
  const proration_date = prorations.length > 0 ? (details.proration_date ?? simulation.now_s) : null;
  return { ...upcoming, subscription: change.after, proration_date };
}

/** As `subscriptions.cancel` bills it with `invoice_now`, and with `prorate` unless nothing is to be prorated. */
function lastInvoice(simulation: Simulation, subscription: SubscriptionRecord, details: Details): Upcoming {
  const { used, unused } = ending(simulation, subscription);
  const isProrated = details.proration_behavior !== 'none';
  const credits = isProrated ? prorationLines(simulation, subscription, unused) : [];
  const upcoming = invoiceAtOnce(simulation, subscription, credits, used);
  return { ...upcoming, proration_date: credits.length > 0 ? simulation.now_s : null };
}

function invoiceAtOnce(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  prorations: readonly InvoiceLineRecord[],
  charges: readonly ChargeRecord[],
): Upcoming {
  const start = Math.min(...subscription.items.map(({ period }) => period.start));
  const waiting = pendingOf(simulation, subscription).map(({ line }) => line);
  const lines = [...prorations, ...waiting, ...rated(simulation, subscription, charges)];
  return { subscription, lines, period: { start, end: simulation.now_s }, proration_date: null };
}

function cycleInvoice(
  simulation: Simulation,
  subscription: SubscriptionRecord,
  prorations: readonly InvoiceLineRecord[],
): Upcoming {
  const { charges, period } = closing(simulation, subscription, nextEnd(subscription));
  const waiting = pendingForCycle(simulation, subscription).map(({ line }) => line);
  const lines = [...prorations, ...waiting, ...rated(simulation, subscription, charges)];
  return { subscription, lines, period, proration_date: null };
}

/** The first invoice of a subscription that there is not yet. */
function beginning(simulation: Simulation, customer: string | undefined, params: FormObject): Upcoming {
  if (customer === undefined) {
    throw new StripeError('Missing required param: customer.', {
      code: 'parameter_missing',
      param: 'customer',
    });
  }
  const details = params['subscription_details'];
  const terms = subscriptionTerms(simulation, { ...(isFormObject(details) ? details : {}), customer });
  const subscription: SubscriptionRecord = {
    ...terms,
    id: 'sub_upcoming',
    created: simulation.now_s,
    items: terms.items.map((item, index) => ({
      ...item,
      id: `si_upcoming_${index + 1}`,
      created: simulation.now_s,
    })),
    canceled_at: null,
    ended_at: null,
    latest_invoice: null,
  };
  const lines = rated(simulation, subscription, startCharges(simulation, subscription));
  const period = { start: simulation.now_s, end: simulation.now_s };
  return { subscription, lines, period, proration_date: null };
}

function rated(
  simulation: Simulation,
  { customer }: SubscriptionRecord,
  charges: readonly ChargeRecord[],
): InvoiceLineRecord[] {
  return charges.flatMap((charge) => ratedLines(simulation, customer, charge));
}

function upcomingView(
  simulation: Simulation,
  { subscription, lines, period, proration_date }: Upcoming,
): JsonObject {
  const invoice = {
    id: `upcoming_in_${subscription.id.replace(/^sub_/, '')}`,
    created: period.end,
    customer: subscription.customer,
    subscription: subscription.id,
    currency: subscription.currency,
    billing_reason: 'upcoming',
    collection_method: subscription.collection_method,
    days_until_due: subscription.days_until_due,
    period,
    items: [],
    charges: [],
    description: null,
    metadata: {},
    status: 'draft',
    closed_at: null,
    finalizes_at_ms: null,
    finalized: null,
  } as const;
  const view = invoiceView(simulation, invoice, lines);
  if (proration_date === null) return view;
  const parent = {
    quote_details: null,
    subscription_details: {
      metadata: {},
      subscription: subscription.id,
      subscription_proration_date: proration_date,
    },
    type: 'subscription_details',
  };
  return { ...view, parent };
}
