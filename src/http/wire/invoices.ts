import { z } from '@hono/zod-openapi';
import { count, instant, list, next } from './common.ts';

const invoiceLine = z
  .strictObject({
    description: z.string().openapi({ description: 'As Stripe words it on the invoice' }),
    meter: z.string().nullable().openapi({
      description: 'The meter whose usage it bills; null = it bills something else, such as a base fee',
    }),
    quantity: z.number().nullable(),
    unit_amount_decimal: z.string().nullable().openapi({
      description: 'What one unit costs, in minor units; null = the line is not of units, as a flat fee',
    }),
    amount: z.number().openapi({ description: 'Minor units, before discounts and taxes' }),
    period_start: instant,
    period_end: instant,
  })
  .openapi('InvoiceLine');

const invoice = z
  .strictObject({
    invoice: z.string(),
    number: z.string().nullable().openapi({ description: 'null = a draft has none yet' }),
    status: z.enum(['draft', 'open', 'paid', 'uncollectible', 'void']),
    currency: z.string(),
    total: count.openapi({ description: 'Minor units, after discounts and taxes' }),
    created_at: instant,
    finalized_at: instant.nullable().openapi({
      description: 'null = a draft, whose usage is still rated anew',
    }),
    hosted_invoice_url: z.string().nullable().openapi({
      description: "Stripe's page on which it is seen and paid; null = a draft has none",
    }),
    lines: list(invoiceLine),
  })
  .openapi('Invoice');

export const invoicesPage = z.strictObject({ invoices: list(invoice), next }).openapi('InvoicesPage');

/** Each page is one of Stripe's, whose own limit is 100. In a query, everything is text. */
export const invoiceLimit = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, 'It is not a whole number from 1 to 100')
  .transform(Number)
  .pipe(z.int().max(100))
  .optional()
  .openapi({ type: 'integer', minimum: 1, maximum: 100, description: 'Default: 10' });
