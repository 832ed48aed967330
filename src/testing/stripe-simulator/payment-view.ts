import type { JsonObject } from './json.ts';
import { listOf } from './lists.ts';
import { readParams } from './params.ts';
import type { PaymentRecord } from './payment-records.ts';
import type { Route, RouteRequest } from './route.ts';
import type { Simulation } from './simulation.ts';
import { noSuch } from './stripe-error.ts';

export const PAYMENT_INTENT_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v1/payment_intents/:id', handle: retrieve },
];

function retrieve(simulation: Simulation, { id, params }: RouteRequest): JsonObject {
  readParams(params, {});
  const payment = simulation.state.payments.get(id);
  if (!payment) throw noSuch('payment_intent', id);
  return paymentIntentView(payment);
}

export function paymentIntentView(payment: PaymentRecord): JsonObject {
  const isPaid = payment.status === 'succeeded';
  return {
    id: payment.id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: payment.amount,
    amount_capturable: 0,
    amount_received: isPaid ? payment.amount : 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic',
    client_secret: `${payment.id}_secret_simulated`,
    confirmation_method: 'automatic',
    created: payment.created,
    currency: payment.currency,
    customer: payment.customer,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: {},
    next_action: payment.status === 'requires_action' ? { type: 'use_stripe_sdk', use_stripe_sdk: {} } : null,
    on_behalf_of: null,
    payment_method: payment.payment_method,
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: 'off_session',
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: payment.status,
    transfer_group: null,
  };
}

/** The payments of an invoice, which the API shows when they are asked for. */
export function invoicePaymentsView({ state }: Simulation, invoice: string): JsonObject {
  const payments = state.payments.of(invoice).map((payment) => ({
    id: payment.id.replace(/^pi_/, 'inpay_'),
    object: 'invoice_payment',
    amount_paid: payment.status === 'succeeded' ? payment.amount : null,
    amount_requested: payment.amount,
    created: payment.created,
    currency: payment.currency,
    invoice,
    is_default: true,
    livemode: false,
    payment: { payment_intent: payment.id, type: 'payment_intent' },
    status: payment.status === 'succeeded' ? 'paid' : payment.status === 'canceled' ? 'canceled' : 'open',
    status_transitions: { canceled_at: null, paid_at: payment.paid_at },
  }));
  return listOf(payments, `/v1/invoice_payments?invoice=${invoice}`);
}
