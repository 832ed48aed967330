import { rate } from '../../core/price.ts';
import type { JsonObject } from './json.ts';
import type { CheckoutSessionRecord } from './payment-records.ts';
import { existingPrice, ratablePrice } from './prices.ts';
import type { Simulation } from './simulation.ts';

export function checkoutView(simulation: Simulation, session: CheckoutSessionRecord): JsonObject {
  const { status, subscription } = session;
  const total = amountOf(simulation, session);
  return {
    id: session.id,
    object: 'checkout.session',
    adaptive_pricing: null,
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: null,
    amount_subtotal: total,
    amount_total: total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: session.cancel_url,
    client_reference_id: session.client_reference_id,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: session.created,
    currency: session.currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: session.customer,
    customer_account: null,
    customer_creation: session.customer === null ? 'always' : null,
    customer_details: null,
    customer_email: session.customer_email,
    discounts: [],
    expires_at: session.expires_at,
    integration_identifier: null,
    invoice: simulation.state.subscriptions.get(subscription ?? '')?.latest_invoice ?? null,
    invoice_creation: null,
    livemode: false,
    locale: null,
    managed_payments: null,
    metadata: session.metadata,
    mode: 'subscription',
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: 'always',
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: ['card'],
    payment_status: status !== 'complete' ? 'unpaid' : total === 0 ? 'no_payment_required' : 'paid',
    permissions: null,
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status,
    submit_type: null,
    subscription,
    success_url: session.success_url,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: 'hosted_page',
    url: status === 'open' ? `${simulation.pages_url}/pages/checkout/${session.id}` : null,
    wallet_options: null,
  };
}

/** What is charged at once: in a trial nothing, otherwise what is paid in advance. */
function amountOf(simulation: Simulation, { items, subscription_data }: CheckoutSessionRecord): number {
  const { trial_end, trial_period_days } = subscription_data;
  if (trial_end !== null || trial_period_days !== null) return 0;
  const amounts = items.map(({ price, quantity }) =>
    quantity === undefined
      ? 0
      : rate(ratablePrice(existingPrice(simulation, price)), Number(quantity)).amount,
  );
  return amounts.reduce((sum, amount) => sum + amount, 0);
}
