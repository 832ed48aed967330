import { boundary } from './billing-cycle.ts';
import { paidTerms } from './charges.ts';
import { existingCustomer } from './customers.ts';
import type { FormObject } from './form.ts';
import {
  boolean,
  changedMetadata,
  either,
  fields,
  integer,
  list,
  metadata,
  oneOf,
  optional,
  readParams,
  text,
} from './params.ts';
import { existingPrice, recurringOf } from './prices.ts';
import type { Period, PriceRecord, SubscriptionItemRecord, SubscriptionRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';
import { periodFrom } from './subscription-cycle.ts';
import { itemPrice, MAX_ITEMS, refuseMixture } from './subscription-item-terms.ts';

const MAX_TRIAL_DAYS = 730;
const DAY_S = 86_400;

/** How a payment is attempted. Of an update, nothing waits for it. */
export const PAYMENT_PARAMS = {
  off_session: optional(boolean()),
  payment_behavior: optional(
    oneOf('allow_incomplete', 'default_incomplete', 'error_if_incomplete', 'pending_if_incomplete'),
  ),
};

const ITEM = { price: text(), quantity: optional(integer()), metadata: optional(metadata()) };
const SUBSCRIPTION = {
  customer: text(),
  items: list(fields(ITEM), 1, MAX_ITEMS),
  billing_mode: optional(fields({ type: oneOf('flexible', 'classic') })),
  billing_cycle_anchor: optional(integer()),
  trial_end: optional(either(oneOf('now'), integer())),
  trial_period_days: optional(integer(1, MAX_TRIAL_DAYS)),
  cancel_at_period_end: optional(boolean()),
  collection_method: optional(oneOf('charge_automatically', 'send_invoice')),
  days_until_due: optional(integer()),
  description: optional(text(500)),
  metadata: optional(metadata()),
  default_payment_method: optional(text()),
  trial_settings: optional(
    fields({
      end_behavior: fields({ missing_payment_method: oneOf('cancel', 'create_invoice', 'pause') }),
    }),
  ),
  ...PAYMENT_PARAMS,
};

type SubscriptionParams = ReturnType<typeof read>;

/** What a new subscription is about, before it has ids. */
export type SubscriptionTerms = Omit<
  SubscriptionRecord,
  'id' | 'created' | 'items' | 'canceled_at' | 'ended_at' | 'latest_invoice'
> & {
  readonly items: readonly Omit<SubscriptionItemRecord, 'id' | 'created'>[];
  /** Undefined: Stripe's default. */
  readonly payment_behavior?: SubscriptionParams['payment_behavior'];
};

/**
 * Reads and checks the parameters of a new subscription.
 *
 * @throws StripeError for what Stripe would refuse (docs.stripe.com/api/subscriptions/create).
 */
export function subscriptionTerms(simulation: Simulation, params: FormObject): SubscriptionTerms {
  const subscription = read(params);
  existingCustomer(simulation, subscription.customer, 'customer');
  const prices = subscription.items.map((item, index) =>
    itemPrice(simulation, item.price, item.quantity, `items[${index}]`),
  );
  const billing_mode = subscription.billing_mode?.type ?? 'flexible';
  refuseMixture(prices, billing_mode);

  const collection_method = subscription.collection_method ?? 'charge_automatically';
  if ((collection_method === 'send_invoice') !== (subscription.days_until_due !== undefined)) {
    throw new StripeError(
      '`days_until_due` is required for, and only for, `collection_method=send_invoice`.',
      {
        param: 'days_until_due',
      },
    );
  }
  const trial = trialPeriod(simulation, subscription);
  const billing_cycle_anchor = anchorOf(simulation, subscription, prices, trial);
  const items = subscription.items.map((item, index) => {
    const price = prices[index] ?? existingPrice(simulation, item.price);
    const quantity = recurringOf(price).usage_type === 'metered' ? null : (item.quantity ?? 1);
    const period = trial ?? periodFrom(billing_cycle_anchor, price, simulation.now_s);
    const metadata = changedMetadata({}, item.metadata);
    const debited = trial ? null : paidTerms({ price: price.id, quantity });
    return { price: price.id, quantity, metadata, period, unbilled_from: period.start, debited };
  });
  const unpaid = subscription.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice';
  return {
    ...(unpaid === 'create_invoice' ? {} : { missing_payment_method: unpaid }),
    customer: subscription.customer,
    currency: prices[0]?.currency ?? '',
    status: trial ? 'trialing' : 'active',
    billing_mode,
    migrated_at: null,
    billing_cycle_anchor,
    collection_method,
    days_until_due: subscription.days_until_due ?? null,
    description: subscription.description ?? null,
    default_payment_method: subscription.default_payment_method ?? null,
    pause_collection: null,
    cancel_at: null,
    cancellation_details: { comment: null, feedback: null },
    metadata: changedMetadata({}, subscription.metadata),
    payment_behavior: subscription.payment_behavior,
    trial,
    cancel_at_period_end: subscription.cancel_at_period_end ?? false,
    items,
  };
}

function read(params: FormObject) {
  return readParams(params, SUBSCRIPTION);
}

function trialPeriod(
  { now_s }: Simulation,
  { trial_end, trial_period_days }: SubscriptionParams,
): Period | null {
  if (trial_end !== undefined && trial_period_days !== undefined) {
    throw new StripeError('You may only specify one of these parameters: trial_end, trial_period_days.', {
      code: 'parameters_exclusive',
      param: 'trial_end',
    });
  }
  if (trial_period_days !== undefined) return { start: now_s, end: now_s + trial_period_days * DAY_S };
  if (trial_end === undefined || trial_end === 'now') return null;
  refuseTrialEnd(trial_end, now_s);
  return { start: now_s, end: trial_end };
}

/** @throws StripeError for an end of a trial that is past or more than two years ahead. */
export function refuseTrialEnd(trial_end: number, now_s: number): void {
  if (trial_end > now_s && trial_end <= now_s + MAX_TRIAL_DAYS * DAY_S) return;
  throw new StripeError('The trial_end must be a timestamp in the future, at most 730 days ahead.', {
    param: 'trial_end',
  });
}

/** Without an anchor of its own a subscription is billed from its start, or from the end of its trial. */
function anchorOf(
  { now_s }: Simulation,
  { billing_cycle_anchor }: SubscriptionParams,
  prices: readonly PriceRecord[],
  trial: Period | null,
): number {
  const start = trial?.end ?? now_s;
  if (billing_cycle_anchor === undefined) return start;
  const isWithinOnePeriod = prices.every(
    (price) => boundary(billing_cycle_anchor, recurringOf(price), -1) <= start,
  );
  if (billing_cycle_anchor < start || !isWithinOnePeriod) {
    throw new StripeError(
      'The billing_cycle_anchor must lie in the future, not before the end of the trial, and at most one period ahead.',
      { param: 'billing_cycle_anchor' },
    );
  }
  return billing_cycle_anchor;
}
