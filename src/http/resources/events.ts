import { z } from '@hono/zod-openapi';
import { UsageError } from '../../core/errors.ts';
import { toIncrement } from '../cloud-events.ts';
import { detailOf } from '../problem.ts';
import { failuresOf, type Outcome, recordEach, toBatchResult } from '../record-each.ts';
import { defineRoute, type Route, type RouteContext, type RouteInput } from '../route.ts';
import { mediaTypeOf } from '../strict-json.ts';
import { batchResult } from '../wire/usage.ts';

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
/** Of one event in binary mode, whose attributes are headers, and of what is read as structured without them. */
const PLAIN = 'application/json';
const ASCII = /^[\x20-\x7e]*$/;

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
const errors = [
  'batch_too_large',
  'invalid_cloud_event',
  'invalid_account',
  'invalid_meter',
  'invalid_quantity',
  'invalid_timestamp',
  'invalid_properties',
  'account_not_found',
  'idempotency_conflict',
  'late_usage',
  'overloaded',
] as const;

export const EVENTS: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/events',
    operation_id: 'recordEvents',
    summary: 'Record usage as CloudEvents 1.0',
    description:
      'One event (structured or binary mode) or up to 1,000 (batch mode). `source` and `id` are the idempotency key. One event that is refused fails the request. Of a batch each is recorded, or refused, by itself; it answers 200 also where events failed.',
    access,
    body,
    answer: batchResult,
    errors,
    handle: async (input, context) => {
      const { request_id } = input;
      return toBatchResult(await recordEvents(input, context), { request_id, base_path: context.base_path });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/events',
    operation_id: 'ingestEvents',
    summary: 'Record usage as CloudEvents 1.0, for clients of OpenMeter',
    description:
      'As /v1/events, with an empty answer. Where an event failed, the request fails with its error; the others are recorded, and count once when all are sent again.',
    access,
    body,
    errors,
    handle: async (input, context) => refuseWithAny(await recordEvents(input, context)),
  }),
];

/** One event is refused as the request: whoever passes events on looks at the status, and takes 200 as delivered. */
async function recordEvents(
  { body: sent, request, caller }: RouteInput<unknown, unknown>,
  context: RouteContext,
): Promise<readonly Outcome[]> {
  const { events, is_batch } = eventsOf(sent, request);
  const { cloud_events, environment } = context;
  const paramsOf = (event: unknown) => toIncrement(event, cloud_events, (text) => environment.digest(text));
  const outcomes = await recordEach(events, paramsOf, caller, context);
  const [first] = outcomes;
  if (!is_batch && first instanceof UsageError) throw first;
  return outcomes;
}

/** For who is told one status for all. An error that passes goes first: after it, all are sent again. */
function refuseWithAny(outcomes: readonly Outcome[]): undefined {
  const failures = failuresOf(outcomes);
  const failure = failures.find(({ status }) => status >= 500) ?? failures[0];
  if (!failure) return;
  const field = `[${outcomes.indexOf(failure)}]${failure.field === undefined ? '' : `.${failure.field}`}`;
  throw new UsageError(failure.code, { field, reason: detailOf(failure) });
}

interface SentEvents {
  readonly events: readonly unknown[];
  /** Whether they were sent as a list, also as one of a single event. */
  readonly is_batch: boolean;
}

/** By what the body is announced as; JSON without more is one event, or a list of them. */
function eventsOf(sent: unknown, request: Request): SentEvents {
  const type = mediaTypeOf(request);
  if (type === PLAIN && request.headers.has('ce-specversion')) {
    return { events: [fromHeaders(request, sent)], is_batch: false };
  }
  if (Array.isArray(sent) && type !== STRUCTURED) {
    if (sent.length > 0) return { events: sent, is_batch: true };
    throw new UsageError('invalid_cloud_event', { field: 'body', reason: 'The list is empty.' });
  }
  if (type !== BATCH) return { events: [sent], is_batch: false };
  throw new UsageError('invalid_cloud_event', { field: 'body', reason: 'A batch is a list of events.' });
}

/** Header values are percent-encoded where they are not ASCII (CloudEvents 1.0.2, HTTP protocol binding, 3.1.3.2). */
function fromHeaders(request: Request, data: unknown): unknown {
  const attributes = [...request.headers].flatMap(([name, value]) =>
    name.startsWith('ce-') ? [[name.slice('ce-'.length), decodeHeader(name, value)] as const] : [],
  );
  return { ...Object.fromEntries(attributes), data };
}

function decodeHeader(name: string, value: string): string {
  // Other characters would be other text than the same attribute in the body.
  const text = ASCII.test(value) ? decoded(value) : null;
  if (text !== null) return text;
  throw new UsageError('invalid_cloud_event', {
    field: name,
    reason: 'It is not ASCII that is percent-encoded.',
  });
}

/** null = it cannot be decoded. */
function decoded(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
