import { z } from '@hono/zod-openapi';
import { account, instant, list, next } from './common.ts';

const accountFields = {
  account: z.string(),
  plan: z.string().nullable(),
  stripe_customer: z.string().nullable(),
  status: z.enum(['unlinked', 'linked']),
  created_at: instant,
};

export const accountResult = z.strictObject(accountFields).openapi('Account');

export const accountDetails = z
  .strictObject({
    ...accountFields,
    subscription_status: z.string(),
    synced_at: instant.nullable().openapi({ description: 'When Stripe was last asked about subscriptions' }),
  })
  .openapi('AccountDetails');

export const accountsPage = z.strictObject({ accounts: list(accountResult), next }).openapi('AccountsPage');

export const accountSettings = z
  .strictObject({
    account,
    plan: z.string().max(100).nullable().optional(),
    stripe_customer: z.string().max(255).nullable().optional(),
    stripe_subscription: z.string().min(1).max(255).optional(),
  })
  .openapi('AccountSettings');
