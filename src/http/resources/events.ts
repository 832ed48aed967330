import { z } from '@hono/zod-openapi';
import { UsageError } from '../../core/errors.ts';
import { toIncrement } from '../cloud-events.ts';
import { refuseIdempotencyKey } from '../idempotency-key.ts';
import { recordEach } from '../record-each.ts';
import { defineRoute, type Route, type RouteContext, type RouteInput } from '../route.ts';
import { mediaTypeOf } from '../strict-json.ts';
import { batchResult } from '../wire/usage.ts';

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
/** Of one event in binary mode, whose attributes are headers, and of what is read as structured without them. */
const PLAIN = 'application/json';

const cloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1).max(1_024),
    source: z.string().min(1).max(1_024),
    type: z.string().min(1).max(1_024).openapi({ description: 'Which meter it counts, by configuration' }),
    subject: z
      .string()
      .optional()
      .openapi({ description: 'The account, unless the configuration says otherwise' }),
    time: z.string().optional(),
    data: z.record(z.string(), z.unknown()).nullable().optional(),
  })
  .openapi('CloudEvent');

const body = {
  schema: z.unknown(),
  documented: z.union([cloudEvent, z.array(cloudEvent).min(1).max(1_000)]),
  media_types: [STRUCTURED, BATCH, PLAIN],
};
const access = { scope: 'write', browser_token: false, account: 'each' } as const;
const errors = ['batch_too_large', 'invalid_idempotency_key', 'invalid_cloud_event', 'overloaded'] as const;

export const EVENTS: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/events',
    operation_id: 'recordEvents',
    summary: 'Record usage as CloudEvents 1.0',
    description:
      'One event (structured or binary mode) or up to 1,000 (batch mode). `source` and `id` are the idempotency key. Each is recorded, or refused, by itself; answers 200 also where events failed.',
    access,
    body,
    answer: batchResult,
    errors,
    handle: (input, context) => recordEvents(input, context),
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/events',
    operation_id: 'ingestEvents',
    summary: 'Record usage as CloudEvents 1.0, for clients of OpenMeter',
    description:
      'As /v1/events, with an empty answer. Where an event failed, the request fails with the first error; the others are recorded, and count once when all are sent again.',
    access,
    body,
    errors: [
      ...errors,
      'invalid_account',
      'invalid_meter',
      'invalid_quantity',
      'invalid_timestamp',
      'invalid_properties',
      'account_not_found',
      'idempotency_conflict',
      'late_usage',
    ],
    handle: async (input, context) => {
      const { results } = await recordEvents(input, context);
      for (const [index, result] of results.entries()) {
        if (!('error' in result)) continue;
        const { code, field, detail } = result.error;
        throw new UsageError(code, {
          field: `[${index}]${field === undefined ? '' : `.${field}`}`,
          reason: detail,
        });
      }
      return undefined;
    },
  }),
];

async function recordEvents(
  { body: sent, request, ...call }: RouteInput<unknown, unknown>,
  context: RouteContext,
) {
  refuseIdempotencyKey(request);
  const events = eventsOf(sent, request);
  const { cloud_events, environment } = context;
  const paramsOf = (event: unknown) => toIncrement(event, cloud_events, (text) => environment.digest(text));
  return await recordEach(events, paramsOf, call, context);
}

/** By what the body is announced as; JSON without more is one event, or a list of them. */
function eventsOf(sent: unknown, request: Request): readonly unknown[] {
  const type = mediaTypeOf(request);
  if (type === PLAIN && request.headers.has('ce-specversion')) return [fromHeaders(request, sent)];
  if (Array.isArray(sent) && type !== STRUCTURED) {
    if (sent.length > 0) return sent;
    throw new UsageError('invalid_cloud_event', { field: 'body', reason: 'The list is empty.' });
  }
  if (type !== BATCH) return [sent];
  throw new UsageError('invalid_cloud_event', { field: 'body', reason: 'A batch is a list of events.' });
}

/** Header values are percent-encoded where they are not ASCII. */
function fromHeaders(request: Request, data: unknown): unknown {
  const attributes = [...request.headers].flatMap(([name, value]) =>
    name.startsWith('ce-') ? [[name.slice('ce-'.length), decodeHeader(name, value)] as const] : [],
  );
  return { ...Object.fromEntries(attributes), data };
}

function decodeHeader(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new UsageError('invalid_cloud_event', { field: name, reason: 'It cannot be decoded.' });
  }
}
