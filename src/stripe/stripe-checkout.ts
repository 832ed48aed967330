import type { Stripe } from 'stripe';
import { HOUR_MS, SECOND_MS } from '../core/instant.ts';
import type { OpenCheckoutParams, OpenCheckoutResult } from '../core/subscribing.ts';
import { createOnce } from './create-once.ts';
import { REQUEST_KEY } from './metadata-keys.ts';
import { itemsOf, metadataOf, type SubscribingContext } from './stripe-subscribing.ts';

/**
 * A Checkout session for a customer. One that is open for the same request is used again; others are expired first, so
 * that a customer who went back and chose otherwise cannot complete both.
 */
export async function openCheckout(
  { connect, environment }: SubscribingContext,
  params: OpenCheckoutParams,
): Promise<OpenCheckoutResult> {
  const { stripe_customer: customer, request } = params;
  const stripe = await connect();
  // The pages of a customer who was deleted stay open, and lead nowhere.
  if ((await stripe.customers.retrieve(customer)).deleted) {
    return { outcome: 'refused', code: 'stripe_customer_deleted', message: `${customer} was deleted.` };
  }
  const listOpen = async () => {
    const { data } = await stripe.checkout.sessions.list({ customer, status: 'open', limit: 100 });
    return data.filter(({ metadata }) => metadata?.[REQUEST_KEY] !== undefined);
  };
  const isSame = ({ metadata }: Stripe.Checkout.Session) => metadata?.[REQUEST_KEY] === request;
  const open = await listOpen();
  for (const session of open.filter((each) => !isSame(each))) {
    await stripe.checkout.sessions.expire(session.id);
  }
  const found = open.find(isSame);
  if (found) return opened(found);

  const create = (idempotencyKey: string) =>
    stripe.checkout.sessions.create(sessionOf(params), { idempotencyKey });
  // Stripe repeats its answer for longer than a session lives, so that the key tells the hours apart.
  const hour = Math.floor(environment.clock.now() / HOUR_MS);
  const key = `tallybook-checkout-${environment.digest(JSON.stringify([customer, request, hour]))}`;
  const session = await createOnce({
    key,
    find: async () => (await listOpen()).find(isSame) ?? null,
    create,
    clock: environment.clock,
  });
  const current = await stripe.checkout.sessions.retrieve(session.id);
  return opened(current.status === 'open' ? current : await create(`${key}:${environment.uuid()}`));
}

function sessionOf(params: OpenCheckoutParams): Stripe.Checkout.SessionCreateParams {
  const { stripe_customer, account_id, trial, success_url, cancel_url } = params;
  return {
    mode: 'subscription',
    customer: stripe_customer,
    client_reference_id: account_id.slice(0, MAX_REFERENCE),
    line_items: itemsOf(params),
    success_url,
    cancel_url,
    metadata: metadataOf(params),
    subscription_data: {
      billing_mode: { type: 'flexible' },
      metadata: metadataOf(params),
      ...(trial === null
        ? {}
        : 'days' in trial
          ? { trial_period_days: trial.days }
          : { trial_end: trial.end / SECOND_MS }),
    },
  };
}

/** Stripe's own limit (docs.stripe.com/api/checkout/sessions/create). */
const MAX_REFERENCE = 200;

function opened({ id, url }: Stripe.Checkout.Session): OpenCheckoutResult {
  if (!url) throw new Error(`Stripe gave no URL for the Checkout session ${id}.`);
  return { outcome: 'opened', url, checkout_session: id };
}
