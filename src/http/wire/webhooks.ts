import { z } from '@hono/zod-openapi';
import { count, instant, list, next } from './common.ts';

export const webhookStatus = z.enum(['pending', 'handled', 'parked']);

const webhookEvent = z
  .strictObject({
    event: z.string(),
    type: z.string(),
    stripe_customer: z.string().nullable(),
    status: webhookStatus.openapi({
      description: '`pending`: it waits for the worker. `parked`: it failed too often, and waits for a retry',
    }),
    attempts: count,
    last_error: z.string().nullable(),
    received_at: instant,
    handled_at: instant.nullable(),
  })
  .openapi('WebhookEvent');

export const webhooksPage = z.strictObject({ events: list(webhookEvent), next }).openapi('WebhooksPage');

export const webhookRetry = z.strictObject({ event: z.string().min(1).max(255) }).openapi('WebhookRetry');
