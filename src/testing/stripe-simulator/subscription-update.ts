import { invoiceNow } from './invoice-issuing.ts';
import { ITEM_CHANGE } from './item-changes.ts';
import type { JsonObject } from './json.ts';
import {
  boolean,
  changedMetadata,
  either,
  emptyable,
  fields,
  integer,
  list,
  metadata,
  oneOf,
  optional,
  readParams,
  text,
} from './params.ts';
import { addProrations, pendingOf } from './pending-items.ts';
import type { SubscriptionRecord } from './records.ts';
import type { RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';
import { type ChangeParams, changeOf, type SubscriptionChange } from './subscription-change.ts';
import { emitUpdate, isOver, rememberItems, withInvoice } from './subscription-cycle.ts';
import { PAYMENT_PARAMS } from './subscription-terms.ts';
import { subscriptionView } from './subscription-view.ts';
import { endUnpaidTrial } from './unpaid-trial.ts';

/** How prorations are asked for, wherever an item changes. */
export const PRORATION_PARAMS = {
  proration_behavior: optional(oneOf('create_prorations', 'always_invoice', 'none')),
  proration_date: optional(integer()),
};

/** Stripe takes at most the 20 items that a subscription has, and the 20 that replace them. */
const MAX_ITEM_CHANGES = 40;

/** What affects the bill, in an update as in its preview. */
export const CHANGE_PARAMS = {
  ...PRORATION_PARAMS,
  items: optional(list(fields(ITEM_CHANGE), 1, MAX_ITEM_CHANGES)),
  trial_end: optional(either(oneOf('now'), integer())),
  billing_cycle_anchor: optional(fields({ type: oneOf('now', 'unchanged') })),
};

const FEEDBACK = oneOf(
  'customer_service',
  'low_quality',
  'missing_features',
  'other',
  'switched_service',
  'too_complex',
  'too_expensive',
  'unused',
);

export const CANCELLATION_DETAILS = optional(
  fields({ comment: optional(emptyable(text())), feedback: optional(emptyable(FEEDBACK)) }),
);

const UPDATE = {
  ...CHANGE_PARAMS,
  ...PAYMENT_PARAMS,
  metadata: optional(metadata()),
  description: optional(emptyable(text(500))),
  default_payment_method: optional(text()),
  cancel_at: optional(emptyable(either(oneOf('min_period_end', 'max_period_end'), integer()))),
  cancel_at_period_end: optional(boolean()),
  cancellation_details: CANCELLATION_DETAILS,
  pause_collection: optional(
    emptyable(
      fields({
        behavior: oneOf('keep_as_draft', 'mark_uncollectible', 'void'),
        resumes_at: optional(integer()),
      }),
    ),
  ),
};

type UpdateParams = ReturnType<typeof read>;

/** What an ended subscription still takes. */
const AFTER_THE_END = ['metadata', 'cancellation_details'];

/** Changes a subscription (docs.stripe.com/api/subscriptions/update). */
export function updateSubscription(
  simulation: Simulation,
  before: SubscriptionRecord,
  { params }: RouteRequest,
): JsonObject {
  const update = read(params);
  refuseEnded(before, update);
  refuseDates(simulation, update);
  refusePausedChange(before, update);
  const own: SubscriptionRecord = {
    ...before,
    ...cancellation(simulation, before, update),
    cancellation_details: changedDetails(before, update.cancellation_details),
    metadata: changedMetadata(before.metadata, update.metadata),
    description: update.description === undefined ? before.description : update.description,
    default_payment_method: update.default_payment_method ?? before.default_payment_method,
    pause_collection: changedPause(before, update),
  };
  const unpaid = update.trial_end === 'now' ? endUnpaidTrial(simulation, own) : null;
  return subscriptionView(simulation, unpaid ?? applyChange(simulation, before, own, update));
}

/**
 * Writes a change down and bills it.
 *
 * @param before as the endpoint knows it.
 * @param own the same with what else the request changes about it.
 */
export function applyChange(
  simulation: Simulation,
  before: SubscriptionRecord,
  own: SubscriptionRecord,
  params: ChangeParams,
): SubscriptionRecord {
  const change = changeOf(simulation, own, params, () => simulation.newId('si'));
  const changed = simulation.state.subscriptions.put(change.after);
  rememberItems(simulation, changed);
  const added = addProrations(simulation, changed, change.prorations);
  const isInvoiced = params.proration_behavior === 'always_invoice' && added.length > 0;
  const content = contentOf(simulation, before, change);
  const isBegun = change.begun !== null && content.charges.length + content.items.length > 0;
  const invoice = isBegun || isInvoiced ? invoiceNow(simulation, changed, content) : null;
  const after = withInvoice(simulation, changed, invoice);
  simulation.expectPeriodEnd(after);
  emitUpdate(simulation, before, after);
  return after;
}

function contentOf(simulation: Simulation, before: SubscriptionRecord, { after, begun }: SubscriptionChange) {
  const start = Math.min(...before.items.map(({ period }) => period.start));
  return {
    billing_reason: 'subscription_update',
    period: { start, end: simulation.now_s },
    charges: begun ?? [],
    items: pendingOf(simulation, after),
  } as const;
}

/** @throws StripeError for a change of what a paused subscription would bill. */
export function refusePausedChange(
  { status }: SubscriptionRecord,
  { items, trial_end, billing_cycle_anchor }: Partial<ChangeParams>,
): void {
  if (status !== 'paused' || (items ?? trial_end ?? billing_cycle_anchor) === undefined) return;
  throw new StripeError('What a paused subscription bills can only be changed after it was resumed.', {
    param: 'items',
  });
}

function read(params: RouteRequest['params']) {
  return readParams(params, UPDATE);
}

function refuseEnded(before: SubscriptionRecord, update: UpdateParams): void {
  if (!isOver(before)) return;
  const field = Object.entries(update).find(
    ([name, value]) => value !== undefined && !AFTER_THE_END.includes(name),
  );
  if (!field) return;
  throw new StripeError('A canceled subscription can only update its cancellation_details and metadata.', {
    code: 'invalid_canceled_subscription_fields',
    param: field[0],
  });
}

function refuseDates({ now_s }: Simulation, update: UpdateParams): void {
  const { pause_collection, cancel_at, cancel_at_period_end } = update;
  const resumes_at = pause_collection?.resumes_at;
  if (resumes_at !== undefined && resumes_at <= now_s) {
    throw new StripeError('`resumes_at` must be in the future.', { param: 'pause_collection[resumes_at]' });
  }
  if (typeof cancel_at === 'number' && cancel_at <= now_s) {
    throw new StripeError('`cancel_at` must be in the future.', { param: 'cancel_at' });
  }
  if (cancel_at != null && cancel_at_period_end === true) {
    throw new StripeError('You may only specify one of these parameters: cancel_at, cancel_at_period_end.', {
      code: 'parameters_exclusive',
      param: 'cancel_at',
    });
  }
}

/** The two ways to an end replace each other, and only a new decision has a new date. */
function cancellation(
  simulation: Simulation,
  before: SubscriptionRecord,
  { cancel_at_period_end, cancel_at, proration_behavior }: UpdateParams,
): Pick<SubscriptionRecord, 'cancel_at_period_end' | 'cancel_at' | 'canceled_at'> {
  if (cancel_at !== undefined && cancel_at !== null) {
    const at = typeof cancel_at === 'number' ? cancel_at : periodEnd(before, cancel_at);
    const prorates = proration_behavior !== 'none';
    return { cancel_at_period_end: false, cancel_at: { at, prorates }, canceled_at: simulation.now_s };
  }
  if (cancel_at === undefined && cancel_at_period_end === undefined) return before;
  const isEnding = cancel_at_period_end ?? before.cancel_at_period_end;
  if (isEnding && before.cancel_at_period_end) return { ...before, cancel_at: null };
  return { cancel_at_period_end: isEnding, cancel_at: null, canceled_at: isEnding ? simulation.now_s : null };
}

function periodEnd({ items }: SubscriptionRecord, which: 'min_period_end' | 'max_period_end'): number {
  const ends = items.map(({ period }) => period.end);
  return which === 'min_period_end' ? Math.min(...ends) : Math.max(...ends);
}

/** What the customer says about the cancellation replaces what was said before, field by field. */
export function changedDetails(
  { cancellation_details: before }: SubscriptionRecord,
  change: ReturnType<typeof CANCELLATION_DETAILS>,
): SubscriptionRecord['cancellation_details'] {
  return {
    comment: change?.comment === undefined ? before.comment : change.comment,
    feedback: change?.feedback === undefined ? before.feedback : change.feedback,
  };
}

function changedPause(
  before: SubscriptionRecord,
  { pause_collection }: UpdateParams,
): SubscriptionRecord['pause_collection'] {
  if (pause_collection === undefined) return before.pause_collection;
  return pause_collection && { ...pause_collection, resumes_at: pause_collection.resumes_at ?? null };
}
