import type { Stripe } from 'stripe';
import type { Failed } from '../core/billing-provider.ts';
import type { Environment } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';
import { isLive, SUBSCRIPTION_STATUSES } from '../core/stripe-subscription.ts';
import type {
  CreateCustomerParams,
  CreateSubscriptionParams,
  CreateSubscriptionResult,
  ReadOwnerResult,
  SubscribingProvider,
  SubscribingTerms,
} from '../core/subscribing.ts';
import { createOnce } from './create-once.ts';
import { ACCOUNT_KEY, PLAN_KEY, REQUEST_KEY } from './metadata-keys.ts';
import { openCheckout } from './stripe-checkout.ts';
import type { Connect } from './stripe-connection.ts';
import { failureOf } from './stripe-outcome.ts';
import { StripePortal } from './stripe-portal.ts';
import { MAX_SUBSCRIPTIONS } from './stripe-subscriptions.ts';

export interface SubscribingContext {
  readonly connect: Connect;
  readonly environment: Pick<Environment, 'clock' | 'digest' | 'uuid'>;
}

/** Customers, subscriptions and pages at Stripe, as the port asks for them. */
export function createSubscribing(context: SubscribingContext): SubscribingProvider {
  const portal = new StripePortal(context);
  return {
    createCustomer: (params) =>
      attempt(async () => ({
        outcome: 'created',
        stripe_customer: await createCustomer(context, params),
      })),
    openCheckout: (params) => attempt(() => openCheckout(context, params)),
    createSubscription: (params) => attempt(() => createSubscription(context, params)),
    discardIncomplete: ({ stripe_subscription }) =>
      attempt(async () => {
        await (await context.connect()).subscriptions.cancel(stripe_subscription);
        return { outcome: 'discarded' };
      }),
    openPortal: (params) => attempt(() => portal.open(params)),
    readOwner: ({ object_id }) => attempt(() => readOwner(context, object_id)),
  };
}

async function attempt<Result>(run: () => Promise<Result>): Promise<Result | Failed> {
  try {
    return await run();
  } catch (error) {
    return failureOf(error);
  }
}

/** The parameters are the same whoever asks, as an Idempotency-Key demands; the address is added afterwards. */
async function createCustomer(
  { connect, environment }: SubscribingContext,
  { account_id, created_at, email }: CreateCustomerParams,
): Promise<string> {
  const stripe = await connect();
  const create = (idempotencyKey: string) =>
    stripe.customers.create({ metadata: { [ACCOUNT_KEY]: account_id } }, { idempotencyKey });
  const key = `tallybook-customer-${environment.digest(JSON.stringify([account_id, created_at]))}`;
  const made = await createOnce({ key, find: async () => null, create, clock: environment.clock });
  // An answer that Stripe repeats may be about a customer that was deleted since.
  const { deleted } = await stripe.customers.retrieve(made.id);
  const customer = deleted ? await create(`${key}:${environment.uuid()}`) : made;
  if (email !== null) await stripe.customers.update(customer.id, { email });
  return customer.id;
}

/** One key for every new subscription of a customer, whatever its terms: of two at once only one is made. */
async function createSubscription(
  { connect, environment }: SubscribingContext,
  params: CreateSubscriptionParams,
): Promise<CreateSubscriptionResult> {
  const { account_id, stripe_customer, payment_behavior, trial } = params;
  const stripe = await connect();
  const listOurs = async () => {
    const all = await stripe.subscriptions
      .list({ customer: stripe_customer, status: 'all', limit: 100 })
      .autoPagingToArray({ limit: MAX_SUBSCRIPTIONS });
    return all.filter(({ metadata }) => metadata[ACCOUNT_KEY] === account_id);
  };
  const known = await listOurs();
  const made = known.find(mayBill);
  if (made) return { outcome: 'created', stripe_subscription: made.id };
  const ordinal = known.length;
  const { id } = await createOnce({
    key: `tallybook-subscription-${environment.digest(JSON.stringify([account_id, stripe_customer, ordinal]))}`,
    find: async () => (await listOurs()).find(mayBill) ?? null,
    create: (idempotencyKey) =>
      stripe.subscriptions.create(
        {
          customer: stripe_customer,
          items: itemsOf(params),
          billing_mode: { type: 'flexible' },
          metadata: metadataOf(params),
          payment_behavior,
          ...(trial === null
            ? {}
            : 'days' in trial
              ? { trial_period_days: trial.days }
              : { trial_end: trial.end / SECOND_MS }),
        },
        { idempotencyKey },
      ),
    clock: environment.clock,
  });
  return { outcome: 'created', stripe_subscription: id };
}

function mayBill({ status }: Stripe.Subscription): boolean {
  const known = SUBSCRIPTION_STATUSES.find((candidate) => candidate === status);
  return known !== undefined && (isLive({ status: known }) || known === 'incomplete');
}

/** Never a quantity for a metered price: Stripe refuses it. */
export function itemsOf({ items }: SubscribingTerms): { price: string; quantity?: number }[] {
  return items.map(({ stripe_price: price, quantity }) =>
    quantity === null ? { price } : { price, quantity },
  );
}

export function metadataOf({ account_id, plan, request }: SubscribingTerms): Record<string, string> {
  return { [ACCOUNT_KEY]: account_id, [PLAN_KEY]: plan, [REQUEST_KEY]: request };
}

async function readOwner({ connect }: SubscribingContext, object_id: string): Promise<ReadOwnerResult> {
  const stripe = await connect();
  const { metadata, customer } = object_id.startsWith('cs_')
    ? await stripe.checkout.sessions.retrieve(object_id)
    : await stripe.subscriptions.retrieve(object_id);
  return {
    outcome: 'read',
    account_id: metadata?.[ACCOUNT_KEY] ?? null,
    stripe_customer: typeof customer === 'string' ? customer : (customer?.id ?? null),
  };
}
