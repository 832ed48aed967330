import { z } from '@hono/zod-openapi';
import {
  account,
  actor,
  count,
  dateInput,
  instant,
  list,
  meter,
  next,
  orNull,
  quantity,
  reason,
} from './common.ts';
import { ratedAmount, report, reportFields, reportStatus } from './usage.ts';

const listedFields = {
  account: z.string(),
  meter: z.string(),
  ...reportFields,
  billing_period_start: instant,
  billing_period_end: instant,
  due_at: instant.nullable(),
  waits_for: z.string().nullable(),
  action: z.string().openapi({ description: 'What can be done about it' }),
};

export const reportsPage = z
  .strictObject({ reports: list(z.strictObject(listedFields).openapi('ListedReport')), next })
  .openapi('ReportsPage');

const decisionFields = {
  account,
  meter: meter.optional(),
  report: z.int().min(1).openapi({ description: 'Number of the report' }),
  reason,
  actor: actor.optional(),
};
export const retryParams = z.strictObject(decisionFields).openapi('ReportRetry');
export const resolveParams = z
  .strictObject({ ...decisionFields, as: z.enum(['counted', 'written_off', 'send']) })
  .openapi('ReportResolution');
export const decisionResult = z
  .strictObject({ account: z.string(), meter: z.string(), report: count, status: reportStatus })
  .openapi('Decision');

export const adjustment = z
  .strictObject({
    account,
    meter: meter.optional(),
    quantity: z.int().min(-999_999_999_999_999).max(999_999_999_999_999).openapi({ description: 'Not 0' }),
    reason,
    actor: actor.optional(),
    idempotency_key: z.string().min(1).max(255).optional(),
    timestamp: z.string().min(1).max(64).optional(),
  })
  .openapi('Adjustment');

const properties = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
const ledgerEntry = z
  .strictObject({
    event_id: count,
    quantity,
    occurred_at: instant,
    recorded_at: instant,
    late: z.boolean(),
    idempotency_key: z.string().nullable(),
    properties: properties.nullable(),
    adjustment: z.strictObject({ reason: z.string(), actor: z.string().nullable() }).nullable(),
    carried_forward: z.strictObject({ from_report: count, to_report: count }).nullable(),
  })
  .openapi('LedgerEntry');

export const reportExplanation = z
  .strictObject({
    account: z.string(),
    meter: z.string(),
    report: z.strictObject({
      ...listedFields,
      stripe_customer: z.string().nullable(),
      identifier: z.string().nullable(),
      slot: instant.nullable(),
      generation: count,
      attempts: count,
      first_attempt_at: instant.nullable(),
    }),
    minute: z
      .strictObject({
        minute_start: instant,
        counted_by_stripe: z.number().nullable(),
        reported: quantity,
        error: z.string().nullable(),
      })
      .nullable(),
    decisions: list(
      z.strictObject({
        at: instant,
        action: z.string(),
        actor: z.string(),
        reason: z.string(),
        acknowledged: quantity,
      }),
    ),
    entries: z
      .strictObject({
        total: z.strictObject({ events: count, quantity }),
        page: list(ledgerEntry),
        next,
      })
      .nullable(),
    adds_up: z.boolean().nullable(),
    explanation: z.string(),
  })
  .openapi('ReportExplanation');

const cause = z
  .strictObject({
    cause: z.string(),
    reason: z.string().nullable(),
    quantity: z.number().nullable(),
    amount: z.number().nullable(),
    discrepancy: z.boolean(),
    reports: list(count),
    spans: list(z.strictObject({ start: instant, end: instant })),
    invoice_item: z.string().nullable().openapi({
      description: 'The invoice item that a person let bill it; null = none does',
    }),
    command: z.string().nullable().openapi({ description: 'What can be run to settle it; null = nothing' }),
    explanation: z.string(),
  })
  .openapi('ReconciliationCause');

const invoiceStatus = z.string().nullable();

export const reconciliationPage = z
  .strictObject({
    lines: list(
      z
        .strictObject({
          account: z.string(),
          meter: z.string(),
          period_start: instant,
          period_end: instant,
          counted_here: quantity,
          reported: quantity,
          counted_by_stripe: z.number().nullable(),
          billed_by_stripe: z.number().nullable(),
          invoiced: z.number().nullable(),
          invoiced_amount: z.number().nullable(),
          currency: z.string().nullable(),
          invoices: list(z.strictObject({ invoice: z.string(), status: invoiceStatus })),
          difference: z.number().nullable(),
          discrepancy: z.boolean(),
          causes: list(cause),
        })
        .openapi('ReconciliationLine'),
    ),
    discrepancies: count,
    next,
  })
  .openapi('ReconciliationPage');

export const unflushedBill = z
  .strictObject({
    account,
    meter: meter.optional(),
    period_start: dateInput.openapi({ description: 'Of the billing period that was cut short' }),
    amount: z.int().min(1).openapi({
      description: 'Minor units that are expected to be billed: if it is another amount by now, nothing is',
    }),
    reason,
    actor: actor.optional(),
  })
  .openapi('UnflushedBill');

export const unflushedBillResult = z
  .strictObject({
    account: z.string(),
    meter: z.string(),
    period_start: instant,
    period_end: instant,
    invoice_item: z.string(),
    quantity: z.number().nullable().openapi({ description: 'null = the price bills packages' }),
    amount: z.number().openapi({ description: 'Minor units, before taxes and discounts' }),
    currency: z.string(),
    description: z.string().openapi({ description: 'What the customer reads on the invoice' }),
    has_next_invoice: z.boolean().openapi({
      description:
        'Whether a subscription goes on, whose next invoice takes it; otherwise somebody makes one',
    }),
  })
  .openapi('UnflushedBillResult');

export const invoiceExplanation = z
  .strictObject({
    account: z.string(),
    invoice: z.string(),
    number: z.string().nullable(),
    status: invoiceStatus,
    currency: z.string(),
    total: z.number(),
    created_at: instant,
    finalized_at: instant.nullable(),
    usage: list(
      z.strictObject({
        meter: z.string(),
        period_start: instant,
        period_end: instant,
        invoiced: z.number().nullable(),
        invoiced_amount: z.number(),
        counted_here: quantity,
        billed_by_stripe: z.number().nullable(),
        rating: orNull(ratedAmount),
        reports: list(report),
        causes: list(cause),
        adds_up: z.boolean(),
        explanation: z.string(),
      }),
    ),
    other_lines: list(z.strictObject({ description: z.string(), amount: z.number() })),
    adds_up: z.boolean(),
    explanation: z.string(),
  })
  .openapi('InvoiceExplanation');
