import type { Stripe } from 'stripe';
import type { PreviewChangeParams, PreviewedInvoice, PreviewedLine } from '../core/billing-provider.ts';
import { SECOND_MS } from '../core/instant.ts';
import { toItemParams } from './stripe-changes.ts';
import type { Connect } from './stripe-connection.ts';
import { linesOf, toLine } from './stripe-invoices.ts';

/** Asks Stripe what a change would bill (docs.stripe.com/api/invoices/create_preview). Throws what the SDK throws. */
export async function previewChange(
  connect: Connect,
  { stripe_subscription, items, invoice: which, proration_date }: PreviewChangeParams,
): Promise<PreviewedInvoice> {
  const stripe = await connect();
  const changes = items?.map(toItemParams) ?? [];
  const invoice = await stripe.invoices.createPreview({
    subscription: stripe_subscription,
    subscription_details: {
      ...(items === null ? { cancel_now: true } : {}),
      ...(changes.length > 0 ? { items: changes } : {}),
      ...(which === 'next'
        ? { proration_behavior: 'none' }
        : {
            proration_behavior: 'always_invoice',
            // Stripe prorates a cancellation to the second in which it happens.
            ...(items === null ? {} : { proration_date: proration_date / SECOND_MS }),
          }),
    },
  });
  const lines = await linesOf(connect, invoice);
  return {
    currency: invoice.currency,
    period_end: invoice.period_end * SECOND_MS,
    lines: lines.map(toPreviewedLine),
  };
}

function toPreviewedLine(line: Stripe.InvoiceLineItem): PreviewedLine {
  const { parent, subscription } = line;
  const details = parent?.subscription_item_details ?? parent?.invoice_item_details;
  return {
    ...toLine(line),
    is_proration: details?.proration ?? false,
    is_waiting: typeof details?.invoice_item === 'string',
    stripe_subscription: typeof subscription === 'string' ? subscription : (subscription?.id ?? null),
  };
}
