import { z } from '@hono/zod-openapi';
import { actorOf } from '../actor.ts';
import { defineRoute, type Route } from '../route.ts';
import { account, after, dateInput, limit, meter } from '../wire/common.ts';
import {
  adjustment,
  decisionResult,
  invoiceExplanation,
  reconciliationPage,
  reportExplanation,
  reportsPage,
  resolveParams,
  retryParams,
  unflushedBill,
  unflushedBillResult,
} from '../wire/reports.ts';
import { incrementResult } from '../wire/usage.ts';

const deciding = { scope: 'admin', browser_token: false, account: 'one' } as const;
const reading = { scope: 'read', browser_token: false, account: 'one' } as const;
const DECISION_ERRORS = [
  'invalid_account',
  'invalid_meter',
  'meter_required',
  'invalid_reason',
  'invalid_actor',
  'account_not_found',
  'report_not_found',
  'report_not_decidable',
  'stripe_unavailable',
] as const;
const reportNumber = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'It is not a whole number from 1')
  .transform(Number)
  .openapi({ type: 'integer', minimum: 1, description: 'Number of the report' });

export const REPORTS: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/reports',
    operation_id: 'listReports',
    summary: 'List reports that are not at Stripe yet, and what can be done about them',
    access: { scope: 'read', browser_token: false, account: 'filter' },
    query: z.strictObject({
      account,
      status: z.string().min(1).max(200).optional().openapi({
        description: 'Names with commas between. Default: failed,held,sending,closed',
        example: 'held,failed',
      }),
      after,
      limit,
    }),
    answer: reportsPage,
    errors: ['invalid_account', 'account_not_found'],
    handle: ({ query: { status, ...query } }, { service }) =>
      service.reports.list({ ...query, ...(status === undefined ? {} : { status: status.split(',') }) }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/reports/retry',
    operation_id: 'retryReport',
    summary: 'Try a report again that has failed or is held',
    access: deciding,
    body: { schema: retryParams },
    answer: decisionResult,
    errors: DECISION_ERRORS,
    handle: ({ body, caller }, { service }) =>
      service.reports.retry({ ...body, actor: actorOf(caller, body.actor) }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/reports/resolve',
    operation_id: 'resolveReport',
    summary: 'Decide what becomes of a report that has failed or is held',
    access: deciding,
    body: { schema: resolveParams },
    answer: decisionResult,
    errors: DECISION_ERRORS,
    handle: ({ body, caller }, { service }) =>
      service.reports.resolve({ ...body, actor: actorOf(caller, body.actor) }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/adjustments',
    operation_id: 'adjustUsage',
    summary: 'Correct usage',
    description:
      'By an event of its own, with a sign and a reason. The header `Idempotency-Key` is the same as `idempotency_key`.',
    access: deciding,
    body: { schema: adjustment },
    answer: incrementResult,
    errors: [
      'invalid_account',
      'invalid_meter',
      'meter_required',
      'invalid_quantity',
      'invalid_reason',
      'invalid_actor',
      'invalid_timestamp',
      'account_not_found',
      'idempotency_conflict',
      'overloaded',
      'late_usage',
    ],
    handle: ({ body, caller }, { service }) =>
      service.adjust({ ...body, actor: actorOf(caller, body.actor) }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/reconciliation',
    operation_id: 'reconcile',
    summary: "Compare what was counted with Stripe's count and invoices",
    description: 'The billing periods that overlap the range; without one the current and the last.',
    access: { scope: 'read', browser_token: false, account: 'filter' },
    query: z.strictObject({
      account,
      period_start: dateInput.optional(),
      period_end: dateInput.optional(),
      after,
      limit,
    }),
    answer: reconciliationPage,
    errors: [
      'invalid_account',
      'invalid_period',
      'account_not_found',
      'quantity_overflow',
      'amount_overflow',
      'stripe_unavailable',
    ],
    handle: ({ query: { period_start, period_end, ...query } }, { service }) => {
      const isNamed = period_start !== undefined || period_end !== undefined;
      return service.reconcile({ ...query, ...(isNamed ? { period: { period_start, period_end } } : {}) });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/reconciliation/bill',
    operation_id: 'billUnflushed',
    summary: 'Bill what a change made elsewhere left off its invoice',
    description:
      'What reconciliation shows as `unflushed_change`: an invoice item of exactly that amount, once, however often it is asked for.',
    access: deciding,
    body: { schema: unflushedBill },
    answer: unflushedBillResult,
    errors: [
      'invalid_account',
      'invalid_meter',
      'meter_required',
      'invalid_period',
      'invalid_reason',
      'invalid_actor',
      'account_not_found',
      'nothing_to_bill',
      'customer_changed',
      'amount_changed',
      'quantity_overflow',
      'amount_overflow',
      'stripe_customer_deleted',
      'currency_mismatch',
      'stripe_refused',
      'stripe_unavailable',
    ],
    handle: ({ body, caller }, { service }) =>
      service.subscriptions.billUnflushed({ ...body, actor: actorOf(caller, body.actor) }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/explanations/report',
    operation_id: 'explainReport',
    summary: 'Take a report apart down to its ledger entries',
    access: reading,
    query: z.strictObject({ account, meter: meter.optional(), report: reportNumber, after, limit }),
    answer: reportExplanation,
    errors: [
      'invalid_account',
      'invalid_meter',
      'meter_required',
      'account_not_found',
      'report_not_found',
      'stripe_unavailable',
    ],
    handle: ({ query }, { service }) => service.explainReport(query),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/explanations/invoice',
    operation_id: 'explainInvoice',
    summary: 'Take an invoice apart down to the reports that it bills',
    access: reading,
    query: z.strictObject({ account, invoice: z.string().min(1).max(255) }),
    answer: invoiceExplanation,
    errors: ['invalid_account', 'account_not_found', 'invoice_not_found', 'stripe_unavailable'],
    handle: ({ query }, { service }) => service.explainInvoice(query),
  }),
];
