import type { Stripe } from 'stripe';
import type { OpenPortalParams, OpenPortalResult } from '../core/subscribing.ts';
import { PORTAL_KEY } from './metadata-keys.ts';
import type { SubscribingContext } from './stripe-subscribing.ts';

/** Of {@link FEATURES}: a configuration of an earlier version is left as it is, and a new one is made. */
const VERSION = '1';
const MAX_CONFIGURATIONS = 1_000;

/**
 * What customers may do by themselves. Neither switch prices nor end at once: usage that is not reported yet would be
 * billed at the wrong price, or never.
 */
const FEATURES: Stripe.BillingPortal.ConfigurationCreateParams.Features = {
  customer_update: { enabled: true, allowed_updates: ['address', 'email', 'name', 'tax_id'] },
  invoice_history: { enabled: true },
  payment_method_update: { enabled: true },
  subscription_cancel: { enabled: true, mode: 'at_period_end', proration_behavior: 'none' },
  subscription_update: { enabled: false },
};

/** The customer portal, with a configuration of our own. */
export class StripePortal {
  readonly #context: SubscribingContext;
  /** Once known it is not asked for again; null = not known. */
  #configuration: string | null = null;

  constructor(context: SubscribingContext) {
    this.#context = context;
  }

  async open({ stripe_customer: customer, return_url }: OpenPortalParams): Promise<OpenPortalResult> {
    const stripe = await this.#context.connect();
    const configuration = this.#configuration ?? (await this.#findConfiguration()) ?? (await this.#create());
    // It may have been deactivated since: after a failure it is looked for again.
    this.#configuration = null;
    const { url } = await stripe.billingPortal.sessions.create({ customer, configuration, return_url });
    this.#configuration = configuration;
    return { outcome: 'opened', url };
  }

  /** One that somebody has changed in the Dashboard, so that it lets customers do more, is not ours any more. */
  async #findConfiguration(): Promise<string | null> {
    const stripe = await this.#context.connect();
    const configurations = await stripe.billingPortal.configurations
      .list({ active: true, limit: 100 })
      .autoPagingToArray({ limit: MAX_CONFIGURATIONS });
    const found = configurations.find(
      ({ metadata, features: { subscription_update, subscription_cancel } }) =>
        metadata?.[PORTAL_KEY] === VERSION &&
        !subscription_update.enabled &&
        (!subscription_cancel.enabled || subscription_cancel.mode === 'at_period_end'),
    );
    return found?.id ?? null;
  }

  /** Two at once make two, of which the newer one is used from then on. */
  async #create(): Promise<string> {
    const stripe = await this.#context.connect();
    const metadata = { [PORTAL_KEY]: VERSION };
    const { id } = await stripe.billingPortal.configurations.create({
      name: 'Tallybook',
      features: FEATURES,
      metadata,
    });
    return id;
  }
}
