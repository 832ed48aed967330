import { z } from '@hono/zod-openapi';
import { defineRoute, type Route } from '../route.ts';
import { after, limit } from '../wire/common.ts';
import { webhookRetry, webhookStatus, webhooksPage } from '../wire/webhooks.ts';

export const WEBHOOKS: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/webhooks',
    operation_id: 'listWebhooks',
    summary: 'List the events that Stripe sent',
    description: 'In the order of their ids; those that were handled are kept for 35 days.',
    access: { scope: 'read', browser_token: false, account: 'all' },
    query: z.strictObject({ status: webhookStatus.optional(), after, limit }),
    answer: webhooksPage,
    errors: [],
    handle: ({ query }, { service }) => service.webhooks.list(query),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/webhooks/retry',
    operation_id: 'retryWebhook',
    summary: 'Let an event be handled again that failed too often',
    access: { scope: 'admin', browser_token: false, account: 'all' },
    body: { schema: webhookRetry },
    errors: ['webhook_event_not_parked'],
    handle: async ({ body }, { service }) => {
      await service.webhooks.retry(body);
      return undefined;
    },
  }),
];
