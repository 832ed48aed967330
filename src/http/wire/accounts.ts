import { z } from '@hono/zod-openapi';
import { account, instant, list, next } from './common.ts';

export const accountResult = z
  .strictObject({
    account: z.string(),
    plan: z.string().nullable(),
    stripe_customer: z.string().nullable(),
    status: z.enum(['unlinked', 'linked']),
    created_at: instant,
  })
  .openapi('Account');

export const accountsPage = z.strictObject({ accounts: list(accountResult), next }).openapi('AccountsPage');

export const accountSettings = z
  .strictObject({
    account,
    plan: z.string().max(100).nullable().optional(),
    stripe_customer: z.string().max(255).nullable().optional(),
  })
  .openapi('AccountSettings');
