import type { Context, Hono } from 'hono';
import { html } from 'hono/html';
import { completeCheckout, existingSession } from './checkout-sessions.ts';
import { invoiceView } from './invoice-view.ts';
import { existingInvoice } from './invoices.ts';
import { close } from './one-off-invoices.ts';
import { attachedCard, TEST_CARD_NAMES } from './payment-methods.ts';
import { chargeInvoice, notePayment, paymentOf } from './payments.ts';
import { existingPortalConfiguration } from './portal-configurations.ts';
import { existingPrice } from './prices.ts';
import { existingProduct } from './products.ts';
import type { InvoiceRecord } from './records.ts';
import type { Simulation } from './simulation.ts';
import { noSuch, StripeError } from './stripe-error.ts';
import { isOver } from './subscription-cycle.ts';
import { updateSubscription } from './subscription-update.ts';

/** Runs something as one step of the simulation: what was due happens first, then it is durable. */
export type Step = <Result>(run: (simulation: Simulation) => Result) => Result;

type Body = Promise<ReturnType<typeof html>> | ReturnType<typeof html>;

/** The pages that Stripe shows customers, as plain as they can be: they are for tests and demonstrations. */
export function servePages(app: Hono, step: Step): void {
  const show = (context: Context, run: (simulation: Simulation, id: string) => Body) =>
    page(context, () => step((simulation) => run(simulation, context.req.param('id') ?? '')));
  const act = async (context: Context, run: Action) => {
    const form = await context.req.parseBody();
    const field = (name: string) => (typeof form[name] === 'string' ? form[name] : '');
    return await page(context, () =>
      step((simulation) => run(simulation, context.req.param('id') ?? '', field)),
    );
  };
  app.get('/pages/checkout/:id', (context) => show(context, checkoutPage));
  app.post('/pages/checkout/:id', (context) => act(context, subscribe));
  app.get('/pages/invoices/:id', (context) => show(context, invoicePage));
  app.post('/pages/invoices/:id', (context) => act(context, payInvoice));
  app.get('/pages/portal/:id', (context) => show(context, portalPage));
  app.post('/pages/portal/:id', (context) => act(context, changeSubscription));
}

/** @returns where the customer is sent next. */
type Action = (simulation: Simulation, id: string, field: (name: string) => string) => URL | string;

async function page(context: Context, run: () => Body | URL | string): Promise<Response> {
  const origin = context.req.header('Origin');
  if (origin !== undefined && origin !== new URL(context.req.url).origin) {
    return context.text('This page takes no forms of other pages.', 403);
  }
  try {
    const shown = run();
    if (shown instanceof URL) return context.redirect(shown.href, 303);
    return context.html(frame(await shown));
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    const status = error.status === 402 ? 402 : error.status === 404 ? 404 : 400;
    return context.html(frame(html`<p role="alert">${error.message}</p>`), status);
  }
}

function frame(content: unknown) {
  return html`<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated Stripe</title>
<body style="font: 1rem system-ui; max-width: 40rem; margin: 2rem auto"><h1>Simulated Stripe</h1>${content}</body></html>`;
}

const CARD_FIELD = html`<label>Card <select name="payment_method">
${TEST_CARD_NAMES.map((name) => html`<option>${name}</option>`)}</select></label>`;

function checkoutPage(simulation: Simulation, id: string): Body {
  const session = existingSession(simulation, id);
  if (session.status !== 'open') return html`<p>This page is ${session.status}.</p>`;
  const lines = session.items.map(({ price, quantity }) => {
    const { product } = existingPrice(simulation, price);
    return html`<li>${existingProduct(simulation, product).name} ${quantity ? `× ${quantity}` : 'by usage'}</li>`;
  });
  return html`<ul>${lines}</ul><form method="post">${CARD_FIELD} <button>Subscribe</button></form>
${session.cancel_url ? html`<p><a href="${session.cancel_url}">Back</a></p>` : ''}`;
}

function subscribe(simulation: Simulation, id: string, field: (name: string) => string): URL {
  const { success_url } = completeCheckout(simulation, id, field('payment_method'));
  return new URL((success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', id));
}

function invoicePage(simulation: Simulation, id: string): Body {
  const invoice = existingInvoice(simulation, id);
  const { amount_remaining } = invoiceView(simulation, invoice);
  const about = html`<p>Invoice ${id}: ${invoice.status}, ${amount_remaining} ${invoice.currency} (minor units) due.</p>`;
  if (invoice.status !== 'open') return about;
  const confirm =
    paymentOf(simulation, id)?.status === 'requires_action'
      ? html`<form method="post"><button name="action" value="confirm">Confirm the payment</button></form>`
      : '';
  return html`${about}${confirm}<form method="post">${CARD_FIELD}
<button name="action" value="pay">Pay</button></form>`;
}

/** A card that asks is confirmed by the customer, who is there. */
function payInvoice(simulation: Simulation, id: string, field: (name: string) => string): URL {
  const invoice = existingInvoice(simulation, id);
  if (field('action') === 'confirm') confirmPayment(simulation, invoice);
  else {
    const card = attachedCard(simulation, field('payment_method'), invoice.customer);
    if (card.behavior === 'asks') notePayment(simulation, invoice, 'pays', card);
    else chargeInvoice(simulation, invoice, card.id);
    close(simulation, id, 'paid', ['open', 'uncollectible']);
  }
  return new URL(`/pages/invoices/${id}`, simulation.pages_url);
}

/**
 * The customer confirms a payment that waits for it (3-D Secure).
 *
 * @throws StripeError when none does.
 */
export function confirmPayment(simulation: Simulation, invoice: InvoiceRecord): void {
  const payment = paymentOf(simulation, invoice.id);
  if (payment?.status !== 'requires_action') {
    throw new StripeError('No payment of this invoice waits to be confirmed.', {
      code: 'payment_intent_unexpected_state',
    });
  }
  const card = simulation.state.paymentMethods.get(payment.payment_method ?? '') ?? null;
  notePayment(simulation, invoice, 'pays', card);
  close(simulation, invoice.id, 'paid', ['open']);
}

function portalPage(simulation: Simulation, id: string): Body {
  const { customer, features, return_url } = existingPortalSession(simulation, id);
  const rows = simulation.state.subscriptions
    .of(customer)
    .filter((subscription) => !isOver(subscription))
    .map((subscription) => {
      const { cancel_at_period_end } = subscription;
      const action = cancel_at_period_end ? 'resume' : 'cancel';
      const button = features.subscription_cancel.enabled
        ? html`<form method="post"><input type="hidden" name="subscription" value="${subscription.id}">
<button name="action" value="${action}">${cancel_at_period_end ? 'Renew' : 'Cancel'}</button></form>`
        : '';
      return html`<li>${subscription.id}: ${subscription.status}${cancel_at_period_end ? ', ends with its period' : ''} ${button}</li>`;
    });
  return html`<ul>${rows}</ul>${return_url ? html`<p><a href="${return_url}">Back</a></p>` : ''}`;
}

function changeSubscription(simulation: Simulation, id: string, field: (name: string) => string): URL {
  const { customer, features } = existingPortalSession(simulation, id);
  const subscription = simulation.state.subscriptions.get(field('subscription'));
  if (subscription?.customer !== customer) throw noSuch('subscription', field('subscription'));
  if (!features.subscription_cancel.enabled) throw new StripeError('The portal does not offer that.');
  const params = { cancel_at_period_end: String(field('action') === 'cancel') };
  const request = { id: subscription.id, params, idempotency_key: null, forced_rejection: null };
  updateSubscription(simulation, subscription, request);
  return new URL(`/pages/portal/${id}`, simulation.pages_url);
}

function existingPortalSession(simulation: Simulation, id: string) {
  const session = simulation.state.portalSessions.get(id);
  if (!session) throw noSuch('billing_portal.session', id);
  const { features } = existingPortalConfiguration(simulation, session.configuration);
  return { ...session, features };
}
