import type { Stripe } from 'stripe';
import { HOUR_MS, SECOND_MS } from '../core/instant.ts';
import type { OpenCheckoutParams, OpenCheckoutResult } from '../core/subscribing.ts';
import { createOnce } from './create-once.ts';
import { REQUEST_KEY } from './metadata-keys.ts';
import { itemsOf, metadataOf, type SubscribingContext } from './stripe-subscribing.ts';

type Session = Stripe.Checkout.Session;

/** Calls with other terms can be faster so often before one gives up. */
const MAX_ROUNDS = 3;

/**
 * A Checkout session for a customer. One that is open for the same request is used again; others are expired, before and
 * after it is made, so that a customer who chooses otherwise, in the same or in another window, cannot complete both: of
 * those that are made at once the newest stays open.
 */
export async function openCheckout(
  context: SubscribingContext,
  params: OpenCheckoutParams,
): Promise<OpenCheckoutResult> {
  const { stripe_customer: customer, request } = params;
  const stripe = await context.connect();
  // The pages of a customer who was deleted stay open, and lead nowhere.
  if ((await stripe.customers.retrieve(customer)).deleted) {
    return { outcome: 'refused', code: 'stripe_customer_deleted', message: `${customer} was deleted.` };
  }
  const listOpen = async () => {
    const { data } = await stripe.checkout.sessions.list({ customer, status: 'open', limit: 100 });
    return data.filter(({ metadata }) => metadata?.[REQUEST_KEY] !== undefined);
  };
  const isSame = ({ metadata }: Session) => metadata?.[REQUEST_KEY] === request;
  const isOther = (session: Session) => !isSame(session);

  const open = await listOpen();
  const paid = await expireAll(stripe, open.filter(isOther));
  if (paid) return paid;
  const found = open.find(isSame);
  if (found) return opened(found);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const find = async () => (await listOpen()).find(isSame) ?? null;
    const session = await createSession(context, stripe, params, find);
    const others = (await listOpen()).filter(isOther);
    const isNewest = !others.some((other) => isNewer(other, session));
    const completed = await expireAll(stripe, isNewest ? others : [session]);
    if (completed) return completed;
    if (isNewest) return opened(session);
  }
  const message = 'Other pages are being opened for the customer at the same time.';
  return { outcome: 'unknown', message, retry_after_ms: null };
}

async function createSession(
  { environment }: SubscribingContext,
  stripe: Stripe,
  params: OpenCheckoutParams,
  find: () => Promise<Session | null>,
): Promise<Session> {
  const create = (idempotencyKey: string) =>
    stripe.checkout.sessions.create(sessionOf(params), { idempotencyKey });
  // Stripe repeats its answer for longer than a session lives, so that the key tells the hours apart.
  const hour = Math.floor(environment.clock.now() / HOUR_MS);
  const content = JSON.stringify([params.stripe_customer, params.request, hour]);
  const key = `tallybook-checkout-${environment.digest(content)}`;
  const made = await createOnce({ key, find, create, clock: environment.clock });
  const current = await stripe.checkout.sessions.retrieve(made.id);
  return current.status === 'open' ? current : await create(`${key}:${environment.uuid()}`);
}

/** Whoever made the newer one sees both. */
function isNewer(one: Session, other: Session): boolean {
  return one.created === other.created ? one.id > other.id : one.created > other.created;
}

/** @returns what the customer has completed meanwhile; null = nothing. */
async function expireAll(stripe: Stripe, sessions: readonly Session[]): Promise<OpenCheckoutResult | null> {
  for (const { id } of sessions) {
    try {
      await stripe.checkout.sessions.expire(id);
    } catch (error) {
      // Stripe refuses it for a session that is not open any more.
      const { status } = await stripe.checkout.sessions.retrieve(id);
      if (status === 'complete') return { outcome: 'completed', checkout_session: id };
      if (status === 'open') throw error;
    }
  }
  return null;
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
