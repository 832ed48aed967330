import { z } from '@hono/zod-openapi';
import { SUBSCRIPTION_STATUSES } from '../../core/stripe-subscription.ts';
import { account, dateInput, instant } from './common.ts';
import { interval } from './price.ts';

export const subscriptionResult = z
  .strictObject({
    account: z.string(),
    status: z.enum(['none', ...SUBSCRIPTION_STATUSES]).openapi({
      description: "Stripe's own word; `none`: there never was a subscription",
    }),
    stripe_subscription: z.string().nullable(),
    plan: z.string().nullable(),
    interval: interval.nullable(),
    currency: z.string().nullable(),
    seats: z.int().nullable().openapi({ description: 'null = it bills no seats' }),
    trial_end: instant.nullable(),
    cancel_at_period_end: z.boolean(),
    cancel_at: instant.nullable().openapi({ description: 'When it will end; null = it goes on' }),
    ended_at: instant.nullable(),
    current_period_start: instant.nullable(),
    current_period_end: instant.nullable(),
    action: z.enum(['pay', 'confirm']).nullable().openapi({
      description:
        'What the customer must do about the last invoice, on `hosted_invoice_url`; null = nothing',
    }),
    hosted_invoice_url: z.string().nullable(),
    synced_at: instant.nullable().openapi({ description: 'When Stripe was last asked; null = never' }),
  })
  .openapi('Subscription');

export const changeResult = z
  .strictObject({
    account: z.string(),
    change: z.int().nullable().openapi({
      description: 'Counts the changes of one account from 1; null = there was nothing to change',
    }),
    kind: z.enum(['plan', 'cancel', 'seats']),
    status: z.enum(['pending', 'done', 'failed']).openapi({
      description: '`pending`: it is completed as soon as Stripe has counted what was used until the request',
    }),
    plan: z.string().nullable().openapi({ description: 'The plan that the account is on once it is done' }),
    requested_at: instant.openapi({ description: 'The switch: usage since then has the new price' }),
    changed_at: instant.nullable(),
    reason: z.string().nullable().openapi({
      description: 'What it waits for, or why it failed. Browser tokens are not told',
    }),
  })
  .openapi('Change');

/** Of whoever is restricted to an account, only on pages of the app's own. */
const returnUrl = z.string().min(1).max(2_048).openapi({
  description:
    'Where Stripe sends the customer afterwards. From who is restricted to an account, it must be on one of `http.allowed_origins`',
});

const plan = z.string().min(1).max(100).openapi({ description: 'Its name in the configuration' });
export const seats = z.int().min(1).max(1_000_000);

const subscribingFields = {
  account,
  plan,
  interval: interval.optional().openapi({ description: "Default: the plan's only one" }),
  trial_days: z.int().min(1).max(730).optional(),
  seats: seats.optional(),
  customer_email: z.string().min(3).max(512).optional().openapi({
    description: 'For the Stripe customer, where the account has none yet',
  }),
};

export const checkout = z
  .strictObject({ ...subscribingFields, success_url: returnUrl, cancel_url: returnUrl })
  .openapi('Checkout');

export const newSubscription = z
  .strictObject({
    ...subscribingFields,
    trial_end: dateInput.optional().openapi({
      description: 'In place of `trial_days`: a whole second in the future, at most 730 days ahead',
    }),
    payment_behavior: z
      .enum(['allow_incomplete', 'default_incomplete', 'error_if_incomplete'])
      .optional()
      .openapi({
        description:
          'What becomes of it when the first invoice is not paid at once: it waits as `incomplete`, without a try to pay it, or it is not made. Default: `allow_incomplete`',
      }),
    idempotency_key: z.string().min(1).max(255).optional().openapi({
      description: 'Default: requests with the same content are the same request',
    }),
  })
  .openapi('NewSubscription');

export const checkoutResult = z
  .strictObject({
    url: z.string().openapi({ description: "Stripe's page: send the customer there" }),
    checkout_session: z.string(),
  })
  .openapi('CheckoutResult');

export const portal = z.strictObject({ account, return_url: returnUrl }).openapi('Portal');

export const portalResult = z
  .strictObject({ url: z.string().openapi({ description: "Stripe's page: send the customer there" }) })
  .openapi('PortalResult');

export const cancellation = z
  .strictObject({
    account,
    when: z.enum(['now', 'period_end']).optional().openapi({
      description:
        '`now`: what was used is invoiced at once, and what is used afterwards is free. Default: `period_end`',
    }),
  })
  .openapi('Cancellation');

export const resumption = z
  .strictObject({
    account,
    drafts: z.enum(['collect', 'keep']).optional().openapi({
      description:
        'What becomes of the invoices of a pause: `collect` charges them, `keep` leaves them as drafts. Default: `collect`',
    }),
  })
  .openapi('Resumption');

const plannedFields = {
  account,
  plan,
  interval: interval.optional().openapi({
    description: "Default: the present one, where the plan has it, or the plan's only one",
  }),
  seats: seats.optional().openapi({ description: 'Default: as many as before' }),
};

export const previewedChange = z.strictObject(plannedFields).openapi('PreviewedChange');

export const planChange = z
  .strictObject({
    ...plannedFields,
    migrate: z.boolean().optional().openapi({
      description:
        'Whether a subscription in classic billing mode may be made a flexible one, for good. Default: false',
    }),
    proration_date: dateInput.optional().openapi({
      description:
        'That of a preview of the last hour: the invoice is what it said. Default: when Stripe makes it',
    }),
  })
  .openapi('PlanChange');
