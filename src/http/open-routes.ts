import { z } from '@hono/zod-openapi';
import { UsageError, type UsageErrorCode } from '../core/errors.ts';
import { RefusedError } from './problem.ts';
import type { RouteContext } from './route.ts';

/** A route that needs no key. */
export interface OpenRoute {
  readonly definition: {
    readonly method: 'get' | 'post';
    readonly path: string;
    readonly operation_id: string;
    readonly summary: string;
    readonly description?: string;
    readonly request?: { readonly body: { readonly required: true; readonly content: Content } };
    readonly answer: Content;
    readonly errors: readonly UsageErrorCode[];
    /** Whether its requests are counted by address. */
    readonly is_limited: boolean;
  };
  readonly run: (request: Request, context: RouteContext) => Promise<Response>;
}

type Content = Record<string, { schema: z.ZodType }>;

const ok = { 'application/json': { schema: z.strictObject({ status: z.literal('ok') }) } };

const health: OpenRoute = {
  definition: {
    method: 'get',
    path: '/healthz',
    operation_id: 'getHealth',
    summary: 'Whether the process is alive',
    description: 'Asks nobody, the database included.',
    answer: ok,
    errors: [],
    is_limited: false,
  },
  run: async () => Response.json({ status: 'ok' }),
};

const readiness: OpenRoute = {
  definition: {
    method: 'get',
    path: '/readyz',
    operation_id: 'getReadiness',
    summary: 'Whether the database answers',
    description: 'Within two seconds.',
    answer: ok,
    errors: ['not_ready'],
    is_limited: false,
  },
  run: async (_request, { readiness }) => {
    if (!(await readiness.ask())) throw new UsageError('not_ready');
    return Response.json({ status: 'ok' });
  },
};

/** What the receiver of events answers, as the code that it has here. */
const WEBHOOK_CODES: Readonly<Record<number, UsageErrorCode>> = {
  400: 'invalid_webhook',
  408: 'request_timeout',
  413: 'body_too_large',
  503: 'closed',
};

const stripeWebhook: OpenRoute = {
  definition: {
    method: 'post',
    path: '/v1/webhooks/stripe',
    operation_id: 'receiveStripeEvent',
    summary: 'Take an event of Stripe’s',
    description: 'It is known by its signature, over the raw body.',
    request: { body: { required: true, content: { 'application/json': { schema: z.unknown() } } } },
    answer: {
      'application/json': { schema: z.strictObject({ received: z.literal(true), outcome: z.string() }) },
    },
    errors: [
      'invalid_webhook',
      'request_timeout',
      'body_too_large',
      'internal_error',
      'overloaded',
      'closed',
    ],
    // Stripe sends as much as happens, and sends again what is refused.
    is_limited: false,
  },
  run: async (request, { service }) => {
    const answer = await service.webhook(request);
    if (answer.ok) return answer;
    const { error } = (await answer.json()) as { readonly error?: string };
    const details = error === undefined ? {} : { reason: error };
    const wait = answer.headers.get('Retry-After');
    if (wait !== null) throw new RefusedError(new UsageError('overloaded', details), [['Retry-After', wait]]);
    throw new UsageError(WEBHOOK_CODES[answer.status] ?? 'internal_error', details);
  },
};

export const OPEN_ROUTES: readonly OpenRoute[] = [health, readiness, stripeWebhook];
